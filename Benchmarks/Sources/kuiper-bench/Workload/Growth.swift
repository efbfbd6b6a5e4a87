// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit

/// How a cost grows: the large size beside the small one, in turns, so that both meet the same machine.
enum Growth {
    /// What crdt.md section 3 allows where only cache misses may make an operation dearer: from 10^3 to 10^6 messages.
    static let cacheMisses = 4.0
    /// What it allows where nothing may: from 2 to 128 replicas.
    static let nothing = 1.5

    /// Measures both.
    ///
    /// - Parameters:
    ///   - scenario: the scenario.
    ///   - large: what grows, as in "1000000 messages".
    ///   - small: what it is compared with.
    ///   - most: how many times dearer it may be.
    ///   - unit: the unit of the costs.
    ///   - context: the run.
    ///   - subject: the cost of a step at the large size.
    ///   - reference: the same at the small size.
    /// - Returns: a line.
    /// - Throws: what one of them throws.
    static func row(
        _ scenario: String, _ large: String, beside small: String, atMost most: Double, unit: String = "ns/op",
        _ context: BenchContext, subject: () throws -> Cost, reference: () throws -> Cost
    ) throws -> ResultRow {
        let comparison = try Comparison(rounds: context.rounds, subject: subject, reference: reference)
        return row(scenario, large, beside: small, atMost: most, unit: unit, comparison)
    }

    /// A line of rounds that were measured elsewhere.
    static func row(
        _ scenario: String, _ large: String, beside small: String, atMost most: Double, unit: String = "ns/op",
        _ comparison: Comparison
    ) -> ResultRow {
        ResultRow(scenario, "growth: \(large)", comparison, .cpu, reference: small, unit: unit)
            .target(.ratio, .atMost, most)
    }
}
