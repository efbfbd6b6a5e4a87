// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// One line of the table.
struct ResultRow: Codable {
    /// The reference may vary by so much, in relation to its median, before a ratio says nothing.
    static let trustedSpread = 0.2

    var scenario: String
    /// What was measured, with its size.
    var subject: String
    /// The figure itself: the median, in `unit`.
    var value: Double
    var unit: String
    /// The median wall and processor time of one step in nanoseconds; nil when the figure is no time.
    var wallNanoseconds: Double?
    var cpuNanoseconds: Double?
    /// What the ratio compares with.
    var reference: String?
    var ratioMedian: Double?
    var ratioMinimum: Double?
    var referenceSpread: Double?
    /// Counted facts, such as calls per step.
    var note: String?

    /// A figure without a reference.
    init(_ scenario: String, _ subject: String, _ value: Double, _ unit: String, note: String? = nil) {
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
    ///   - value: makes the figure of the nanoseconds of one step.
    init(
        _ scenario: String, _ subject: String, _ comparison: Comparison, _ clock: Comparison.Clock, reference: String,
        unit: String, note: String? = nil, value: (Double) -> Double
    ) {
        self.init(scenario, subject, value(comparison.costs(clock).median), unit, note: note)
        wallNanoseconds = comparison.costs(.wall).median
        cpuNanoseconds = comparison.costs(.cpu).median
        let ratios = comparison.ratios(clock)
        (ratioMedian, ratioMinimum) = (ratios.median, ratios.minimum)
        self.reference = reference
        referenceSpread = comparison.referenceCosts(clock).spread
    }

    /// Whether the reference was steady enough for the ratio to mean something.
    var hasVerdict: Bool { (referenceSpread ?? 0) <= Self.trustedSpread }
}
