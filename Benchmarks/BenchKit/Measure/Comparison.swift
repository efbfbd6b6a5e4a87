// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// A subject and its reference, measured in turns.
///
/// In each round the subject runs, then its reference, so that both meet the same machine; a ratio compares the two of
/// one round. The first round fills caches and is thrown away.
public struct Comparison: Sendable {
    /// Rounds may differ by so much, in relation to their median, before a figure or a ratio says nothing.
    public static let trustedSpread = 0.2
    /// Fewer rounds than these say nothing about how much they differ.
    public static let trustedRounds = 5

    /// The costs of one step of the subject, round by round.
    public private(set) var subject: [Cost]
    /// The costs of one step of the reference, round by round.
    public private(set) var reference: [Cost]

    /// A comparison of costs that were measured in turns elsewhere.
    ///
    /// - Parameters:
    ///   - subject: the subject's costs, one for each round.
    ///   - reference: the reference's costs of the same rounds.
    public init(subject: [Cost], reference: [Cost]) { (self.subject, self.reference) = (subject, reference) }

    /// Runs the rounds.
    ///
    /// - Parameters:
    ///   - rounds: how many rounds count.
    ///   - subject: runs the subject once and returns the cost of one step.
    ///   - reference: the same for the reference.
    /// - Throws: what one of them throws.
    public init(rounds: Int, subject: () throws -> Cost, reference: () throws -> Cost) rethrows {
        self.init(subject: [], reference: [])
        for round in 0...rounds {
            let (first, second) = (try subject(), try reference())
            if round > 0 { add(first, second) }
        }
    }

    /// Runs the rounds of a subject with several references.
    ///
    /// - Parameters:
    ///   - rounds: how many rounds count.
    ///   - subject: runs the subject once and returns the cost of one step.
    ///   - references: the same for each reference; they run after the subject in this order.
    /// - Returns: a comparison for each reference.
    /// - Throws: what one of them throws.
    public static func run(
        rounds: Int, subject: () throws -> Cost, references: [() throws -> Cost]
    ) throws -> [Comparison] {
        var found = [Comparison](repeating: Comparison(subject: [], reference: []), count: references.count)
        for round in 0...rounds {
            let first = try subject()
            for (index, reference) in references.enumerated() {
                let second = try reference()
                if round > 0 { found[index].add(first, second) }
            }
        }
        return found
    }

    /// Runs the rounds of a subject and a reference that wait for something.
    ///
    /// - Parameters:
    ///   - rounds: how many rounds count.
    ///   - subject: runs the subject once and returns the cost of one step.
    ///   - reference: the same for the reference.
    /// - Returns: the comparison.
    /// - Throws: what one of them throws.
    public static func awaiting(
        rounds: Int, subject: () async throws -> Cost, reference: () async throws -> Cost
    ) async rethrows -> Comparison {
        var found = Comparison(subject: [], reference: [])
        for round in 0...rounds {
            let first = try await subject()
            let second = try await reference()
            if round > 0 { found.add(first, second) }
        }
        return found
    }

    /// Adds a round.
    ///
    /// - Parameters:
    ///   - subject: the cost of one step of the subject.
    ///   - reference: the cost of one step of the reference.
    public mutating func add(_ subject: Cost, _ reference: Cost) {
        self.subject.append(subject)
        self.reference.append(reference)
    }

    /// The subject's costs by one clock.
    ///
    /// - Parameter clock: which one.
    /// - Returns: nanoseconds, round by round.
    public func costs(_ clock: MeasuredClock) -> Series { Series(subject.map { $0.time(clock) }) }

    /// The reference's costs by one clock.
    ///
    /// - Parameter clock: which one.
    /// - Returns: nanoseconds, round by round.
    public func referenceCosts(_ clock: MeasuredClock) -> Series { Series(reference.map { $0.time(clock) }) }

    /// The subject's cost in units of the reference's, round by round.
    ///
    /// - Parameter clock: which clock.
    /// - Returns: the ratios; none at all when one of the two took no time in some round, since it did not do its work then.
    public func ratios(_ clock: MeasuredClock) -> Series {
        Self.ratios(of: costs(clock).values, to: referenceCosts(clock).values)
    }

    static func ratios(of values: [Double], to references: [Double]) -> Series {
        guard values.count == references.count, (values + references).allSatisfy({ $0 > 0 }) else { return Series() }
        return Series(zip(values, references).map { $0 / $1 })
    }
}
