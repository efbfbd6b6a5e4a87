// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// One line of the table.
public struct ResultRow: Codable, Equatable, Sendable {
    /// Where a figure stands in a plot.
    public struct Point: Codable, Equatable, Sendable {
        /// What grows along the axis, as in "messages".
        public let variable: String
        /// How much of it there was.
        public let position: Double
        /// The curve that the figure belongs to, as in "apply append".
        public let curve: String

        /// A place in a plot.
        ///
        /// - Parameters:
        ///   - variable: what grows along the axis.
        ///   - position: how much of it there was.
        ///   - curve: the curve that the figure belongs to.
        public init(_ variable: String, _ position: Double, _ curve: String) {
            (self.variable, self.position, self.curve) = (variable, position, curve)
        }
    }

    /// The scenario that it belongs to.
    public var scenario: String
    /// What was measured, with its size.
    public var subject: String
    /// The figure itself: the median, in `unit`; 0 when the subject is absent.
    public var value: Double
    /// The unit of the figure, as in "ns/op".
    public var unit: String
    /// The median wall time of one step in nanoseconds; nil when the figure is no time.
    public var wallNanoseconds: Double?
    /// The median processor time of one step in nanoseconds; nil when the figure is no time.
    public var cpuNanoseconds: Double?
    /// Steps in a second, by the clock that the ratio is made of.
    public var operationsPerSecond: Double?
    /// The bytes of one operation, all of them.
    public var bytesPerOperation: Double?
    /// The bytes of one operation without the digests that name bodies, which cannot be smaller.
    public var bytesWithoutDigests: Double?
    /// What the ratio compares with.
    public var reference: String?
    /// The median time of one step of the reference in nanoseconds, by the clock that the ratio is made of.
    public var referenceNanoseconds: Double?
    /// The median of the rounds' ratios, subject to reference.
    public var ratioMedian: Double?
    /// The smallest of the rounds' ratios.
    public var ratioMinimum: Double?
    /// The distance of the reference's extremes in relation to its median.
    public var referenceSpread: Double?
    /// What the figure is to reach.
    public var targets: [Target] = []
    /// Counted facts, such as calls per step.
    public var note: String?
    /// Where the figure stands in a plot.
    public var point: Point?
    /// Why there is no figure: the peer is not on this machine.
    public var absent: String?

    /// A figure without a reference.
    ///
    /// - Parameters:
    ///   - scenario: the scenario.
    ///   - subject: what was measured.
    ///   - value: the figure.
    ///   - unit: its unit.
    ///   - note: counted facts.
    public init(_ scenario: String, _ subject: String, _ value: Double, _ unit: String, note: String? = nil) {
        (self.scenario, self.subject, self.value, self.unit, self.note) = (scenario, subject, value, unit, note)
    }

    /// A figure with its reference.
    ///
    /// - Parameters:
    ///   - scenario: the scenario.
    ///   - subject: what was measured.
    ///   - comparison: the rounds.
    ///   - clock: which clock the figure and the ratio are made of.
    ///   - reference: what the ratio compares with.
    ///   - unit: the unit of the figure.
    ///   - note: counted facts.
    ///   - value: makes the figure of the nanoseconds of one step; they are the figure by default.
    public init(
        _ scenario: String, _ subject: String, _ comparison: Comparison, _ clock: MeasuredClock, reference: String,
        unit: String = "ns/op", note: String? = nil, value: (Double) -> Double = { $0 }
    ) {
        let cost = comparison.costs(clock).median
        self.init(scenario, subject, value(cost), unit, note: note)
        wallNanoseconds = comparison.costs(.wall).median
        cpuNanoseconds = comparison.costs(.cpu).median
        operationsPerSecond = cost > 0 ? 1e9 / cost : nil
        let ratios = comparison.ratios(clock)
        (ratioMedian, ratioMinimum) = (ratios.median, ratios.minimum)
        self.reference = reference
        referenceNanoseconds = comparison.referenceCosts(clock).median
        referenceSpread = comparison.referenceCosts(clock).spread
    }

    /// A line that says that a peer is not on this machine.
    ///
    /// - Parameters:
    ///   - scenario: the scenario.
    ///   - subject: what would have been measured.
    ///   - reason: why it is absent and how to get it.
    /// - Returns: a row without a figure.
    public static func absent(_ scenario: String, _ subject: String, _ reason: String) -> ResultRow {
        var row = ResultRow(scenario, subject, 0, "")
        row.absent = reason
        return row
    }

    /// The same row with a place in a plot.
    ///
    /// - Parameters:
    ///   - variable: what grows along the axis.
    ///   - position: how much of it there was.
    ///   - curve: the curve that the figure belongs to.
    /// - Returns: the row with it.
    public func at(_ variable: String, _ position: Double, _ curve: String) -> ResultRow {
        var row = self
        row.point = Point(variable, position, curve)
        return row
    }

    /// The same row with one more target.
    ///
    /// - Parameters:
    ///   - measure: which number of the row.
    ///   - side: on which side of the bound it has to be.
    ///   - bound: the bound.
    /// - Returns: the row with it.
    public func target(_ measure: Target.Measure, _ side: Target.Side, _ bound: Double) -> ResultRow {
        var row = self
        row.targets.append(Target(measure, side, bound))
        return row
    }

    /// The same row with its bytes.
    ///
    /// - Parameters:
    ///   - bytes: the bytes of one operation, all of them.
    ///   - withoutDigests: the bytes of one operation without the digests that name bodies; nil when there are none.
    /// - Returns: the row with them.
    public func bytes(_ bytes: Double, withoutDigests: Double? = nil) -> ResultRow {
        var row = self
        (row.bytesPerOperation, row.bytesWithoutDigests) = (bytes, withoutDigests)
        return row
    }

    /// Whether the reference was steady enough for the ratio to mean something.
    public var hasVerdict: Bool { (referenceSpread ?? 0) <= Comparison.trustedSpread }
}
