// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import CRDTKit

/// How the costs of a command and of the codec grow with messages, replicas and users: each size beside the smallest, in turns.
enum GrowthRows {
    /// What is measured of ``GrowthWorld``.
    enum Stage: String {
        case generate, encode, decode

        func cost(_ costs: GrowthWorld.Costs) -> Cost {
            switch self {
            case .generate: costs.generate
            case .encode: costs.encode
            case .decode: costs.decode
            }
        }
    }

    /// What grows.
    enum Variable: String {
        case messages, replicas, users

        /// From the smallest on, which the others are compared with.
        fileprivate var sizes: [Int] {
            switch self {
            case .messages: [1_000, 10_000, 100_000, 1_000_000]
            case .replicas: ApplyReplicas.replicaCounts
            case .users: [1, 1_000, 100_000, 1_000_000]
            }
        }

        fileprivate func size(_ count: Int) -> GrowthWorld.Size {
            switch self {
            case .messages: GrowthWorld.Size(messages: count)
            case .replicas: GrowthWorld.Size(replicas: count, perFrame: ApplyReplicas.operationsPerFrame)
            case .users: GrowthWorld.Size(users: count)
            }
        }

        /// As in "1 user, frames of 1024".
        fileprivate func text(_ count: Int) -> String {
            let frames = self == .replicas ? ", frames of \(ApplyReplicas.operationsPerFrame)" : ""
            return "\(count) \(count == 1 ? String(rawValue.dropLast()) : rawValue)\(frames)"
        }
    }

    /// Measures.
    ///
    /// - Parameters:
    ///   - scenario: whose lines these are.
    ///   - stage: what is measured.
    ///   - variables: what grows.
    ///   - context: the run.
    /// - Returns: for each variable a line for the smallest size beside the least that can be done, and one for each larger size
    ///   beside the smallest.
    /// - Throws: what a replica throws.
    static func rows(
        _ scenario: String, _ stage: Stage, _ variables: [Variable], _ context: BenchContext
    ) throws -> [ResultRow] {
        try variables.flatMap { variable in
            let least = variable.sizes[0]
            let smallest = try GrowthWorld(variable.size(least))
            return try variable.sizes.map { count in
                let world = count == least ? smallest : try GrowthWorld(variable.size(count))
                let row =
                    count == least
                    ? try first(scenario, stage, variable.text(least), world, context)
                    : try Growth.row(
                        scenario, variable.text(count), beside: variable.text(least),
                        atMost: stage == .generate || variable == .users ? Growth.cacheMisses : Growth.nothing, context,
                        subject: { stage.cost(try world.round()) }, reference: { stage.cost(try smallest.round()) })
                let placed = row.at(variable.rawValue, Double(count), stage.rawValue)
                if stage == .generate { return placed }
                let (bytes, digests) = (Double(world.bytes), Double(32 * world.appends))
                let operations = Double(world.operations)
                return placed.bytes(bytes / operations, withoutDigests: (bytes - digests) / operations)
            }
        }
    }

    /// The smallest size beside a copy of so many fixed records.
    private static func first(
        _ scenario: String, _ stage: Stage, _ text: String, _ world: GrowthWorld, _ context: BenchContext
    ) throws -> ResultRow {
        let records = FixedRecords(count: CodecInput.count)
        let comparison = try Comparison(
            rounds: context.rounds, subject: { stage.cost(try world.round()) },
            reference: { stage == .decode ? records.copyOut() : records.copyIntoFrames(of: 1_024) })
        return ResultRow(scenario, text, comparison, .cpu, reference: "copying 40-byte records")
    }
}
