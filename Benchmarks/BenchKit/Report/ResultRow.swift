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
    /// The figure itself: the median of the rounds, in `unit`; nil when there is none.
    public var value: Double?
    /// The unit of the figure, as in "ns/op".
    public var unit: String
    /// How many rounds the figure has; nil when it was counted, or when there is none.
    public var rounds: Int?
    /// The distance of the rounds' extremes in relation to their median.
    public var spread: Double?
    /// The clock that the figure and the ratio are made of; nil when they are no times.
    public var clock: MeasuredClock?
    /// True for what was counted: it is the same in every round.
    public var isCounted: Bool?
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
    /// The median of the rounds' ratios, subject to reference; nil when a round has none.
    public var ratioMedian: Double?
    /// The smallest of the rounds' ratios.
    public var ratioMinimum: Double?
    /// The largest of the rounds' ratios.
    public var ratioMaximum: Double?
    /// The distance of the extremes of the reference's rounds in relation to their median.
    public var referenceSpread: Double?
    /// How many steps there were to be; nil when each of them has to succeed for the scenario to go on.
    public var attempts: Int?
    /// Steps that were refused.
    public var refused: Int?
    /// Steps whose effect was never seen.
    public var lost: Int?
    /// Why the figure says nothing, whatever its rounds look like.
    public var doubt: String?
    /// What the figure is to reach.
    public var targets: [Target] = []
    /// Counted facts, such as calls per step.
    public var note: String?
    /// Where the figure stands in a plot.
    public var point: Point?
    /// Why there is no figure: the peer is not on this machine.
    public var absent: String?

    /// A figure that was measured once, so that nobody knows how much it varies: it gets no verdict.
    ///
    /// - Parameters:
    ///   - scenario: the scenario.
    ///   - subject: what was measured.
    ///   - value: the figure; nil when there is none.
    ///   - unit: its unit.
    ///   - note: counted facts.
    public init(_ scenario: String, _ subject: String, _ value: Double?, _ unit: String, note: String? = nil) {
        (self.scenario, self.subject, self.value, self.unit, self.note) = (scenario, subject, value, unit, note)
        rounds = value == nil ? nil : 1
    }

    /// A figure of some rounds.
    ///
    /// - Parameters:
    ///   - scenario: the scenario.
    ///   - subject: what was measured.
    ///   - rounds: the figures of the rounds.
    ///   - unit: their unit.
    ///   - note: counted facts.
    public init(_ scenario: String, _ subject: String, _ rounds: Series, _ unit: String, note: String? = nil) {
        self.init(scenario, subject, rounds.median, unit, note: note)
        (self.rounds, spread) = (rounds.values.count, rounds.spread)
    }

    /// A figure of some rounds beside a reference of the same rounds, where neither need be a time.
    ///
    /// A round in which one of them has no figure does not count, and then there is no verdict.
    ///
    /// - Parameters:
    ///   - scenario: the scenario.
    ///   - subject: what was measured.
    ///   - rounds: the figures of the rounds.
    ///   - unit: their unit.
    ///   - reference: what the ratio compares with.
    ///   - referenceRounds: the reference's figures.
    ///   - note: counted facts.
    public init(
        _ scenario: String, _ subject: String, _ rounds: [Double?], _ unit: String, reference: String,
        _ referenceRounds: [Double?], note: String? = nil
    ) {
        var (mine, others) = (Series(), Series())
        for case (let value?, let other?) in zip(rounds, referenceRounds) {
            mine.add(value)
            others.add(other)
        }
        self.init(scenario, subject, mine, unit, note: note)
        let missing = max(rounds.count, referenceRounds.count) - mine.values.count
        if missing > 0 { doubt = "\(missing) rounds without a figure" }
        let ratios = Comparison.ratios(of: mine.values, to: others.values)
        (ratioMedian, ratioMinimum, ratioMaximum) = (ratios.median, ratios.minimum, ratios.maximum)
        (self.reference, referenceSpread) = (reference, others.spread)
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
        let costs = comparison.costs(clock)
        // A step that took no time was not done.
        let cost = costs.median.flatMap { $0 > 0 ? $0 : nil }
        self.init(scenario, subject, cost.map(value), unit, note: note)
        (rounds, spread, self.clock) = (costs.values.count, costs.spread, clock)
        wallNanoseconds = comparison.costs(.wall).median
        cpuNanoseconds = comparison.costs(.cpu).median
        operationsPerSecond = cost.map { 1e9 / $0 }
        let ratios = comparison.ratios(clock)
        (ratioMedian, ratioMinimum, ratioMaximum) = (ratios.median, ratios.minimum, ratios.maximum)
        self.reference = reference
        referenceNanoseconds = comparison.referenceCosts(clock).median
        referenceSpread = comparison.referenceCosts(clock).spread
    }

    /// A figure that was counted, which is the same in every round.
    ///
    /// - Parameters:
    ///   - scenario: the scenario.
    ///   - subject: what was counted.
    ///   - value: how much there was.
    ///   - unit: its unit.
    ///   - note: further facts.
    /// - Returns: a row that is judged without rounds.
    public static func counted(
        _ scenario: String, _ subject: String, _ value: Double, _ unit: String, note: String? = nil
    ) -> ResultRow {
        var row = ResultRow(scenario, subject, value, unit, note: note)
        (row.isCounted, row.rounds) = (true, nil)
        return row
    }

    /// A line that says that a peer is not on this machine.
    ///
    /// - Parameters:
    ///   - scenario: the scenario.
    ///   - subject: what would have been measured.
    ///   - reason: why it is absent and how to get it.
    /// - Returns: a row without a figure.
    public static func absent(_ scenario: String, _ subject: String, _ reason: String) -> ResultRow {
        var row = ResultRow(scenario, subject, nil, "")
        row.absent = reason
        return row
    }
}
