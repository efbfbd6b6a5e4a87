// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import CRDTKit
internal import NIOCore
internal import NIOPosix
internal import Storage

/// One writer and many replicas with durable logs, one of them slow and one dead: the healthy ones must not feel it, and memory must not grow.
enum FanOut {
    static let name = "crdt.fanout"

    private static let frame = 1_024

    /// Each replica does all the work again, so many replicas get fewer operations.
    private static func operations(_ replicas: Int) -> Int { 600_000 / replicas / frame * frame }

    static func run(_ context: BenchContext) async throws -> [ResultRow] {
        let counts = [2, 4, 8, 16]
        let script = CommandScript(operations: operations(counts[0]), users: 200)
        let names = ["a"] + (0..<(counts.last ?? 0)).map { "r\($0)" }
        let mesh = try Mesh(names, context)
        let loops = NodeLoops()
        var rows: [ResultRow] = []
        for count in counts { rows += try await measure(count, script, mesh, loops, context) }
        try await loops.close()
        return rows
    }

    private static func measure(
        _ count: Int, _ script: CommandScript, _ mesh: Mesh, _ loops: NodeLoops, _ context: BenchContext
    ) async throws -> [ResultRow] {
        let operations = operations(count)
        var found = Comparison(subject: [], reference: [])
        var alone = Comparison(subject: [], reference: [])
        var (queued, lag, growth) = (0, 0.0, Series())
        for round in 0...context.rounds {
            let healthy = [FanOutPeer.Kind](repeating: .healthy, count: count)
            let calm = try await group(healthy, operations, script, mesh, loops, context)
            // Of two replicas one must be left to measure.
            let kinds = count == 2 ? [.healthy, .dead] : healthy.dropLast(2) + [.slow, .dead]
            let troubled = try await group(kinds, operations, script, mesh, loops, context)
            let pair = try await pair(operations, script, mesh, loops, context)
            if round == 0 { continue }
            found.add(troubled.cost.divided(by: operations), calm.cost.divided(by: operations))
            alone.add(calm.cost.divided(by: operations), pair.divided(by: operations))
            queued = max(queued, troubled.queuedBytes)
            lag = max(lag, Double(troubled.slowLag))
            growth.add(troubled.residentGrowth - calm.residentGrowth)
        }
        let label = "\(count) replicas"
        return [
            ResultRow(
                name, "\(label), all healthy", alone, .wall, reference: "crdt.e2e.durable, one replica", unit: "op/s"
            ) {
                1e9 / $0
            }.at("replicas", Double(count), "all healthy"),
            ResultRow(
                name, "\(label), \(count == 2 ? "one dead" : "one slow, one dead")", found, .wall,
                reference: "all healthy", unit: "op/s",
                note: "at most \(queued >> 10) KiB waited for one link; one ended \(TextTable.count(lag)) operations "
                    + "behind; \(TextTable.number(growth.median)) MiB more memory than with all healthy"
            ) { 1e9 / $0 }.at("replicas", Double(count), "one slow or dead"),
        ]
    }

    private static func pair(
        _ operations: Int, _ script: CommandScript, _ mesh: Mesh, _ loops: NodeLoops, _ context: BenchContext
    ) async throws -> Cost {
        try await group([.healthy], operations, script, mesh, loops, context).cost
    }

    private static func group(
        _ kinds: [FanOutPeer.Kind], _ operations: Int, _ script: CommandScript, _ mesh: Mesh, _ loops: NodeLoops,
        _ context: BenchContext
    ) async throws -> FanOutGroup.Outcome {
        let folder = try context.temporaryFolder("fanout")
        let group = try await FanOutGroup(script, kinds, in: folder.path, mesh, loops)
        let outcome = try await group.run(operations)
        try await group.close()
        return outcome
    }
}
