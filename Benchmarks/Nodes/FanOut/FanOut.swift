// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import CRDTKit
internal import NIOCore
internal import NIOPosix
internal import Storage

/// One writer and many replicas with durable logs; then some of them healthy, one slow and one dead: the healthy ones must not feel it, and memory must
/// not grow.
enum FanOut {
    static let name = "crdt.fanout"

    private static let frame = 1_024

    /// Each replica does all the work again, so many replicas get fewer operations.
    private static func operations(_ replicas: Int) -> Int { 600_000 / replicas / frame * frame }

    static func run(_ context: BenchContext) async throws -> [ResultRow] {
        let counts = [2, 4, 8, 16]
        let script = CommandScript(operations: operations(counts[0]), users: 200)
        // The pair of crdt.e2e.durable calls its nodes a and b.
        let names = ["a", "b"] + (0..<(counts.last ?? 0)).map { "r\($0)" }
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
        // Of two replicas one must be left to measure. What the healthy ones are compared with has as many of them.
        let ill: [FanOutPeer.Kind] = count == 2 ? [.dead] : [.slow, .dead]
        let well = [FanOutPeer.Kind](repeating: .healthy, count: count - ill.count)
        var all = Comparison(subject: [], reference: [])
        var beside = Comparison(subject: [], reference: [])
        var (queued, lag, growth) = (0, 0.0, Series())
        for round in 0...context.rounds {
            let troubled = try await group(well + ill, operations, script, mesh, loops, context)
            let calm = try await group(well, operations, script, mesh, loops, context)
            let whole = try await group(
                [FanOutPeer.Kind](repeating: .healthy, count: count), operations, script, mesh, loops, context)
            let pair = try await pair(operations, script, mesh, loops, context)
            queued = max(queued, troubled.queuedBytes)
            if round == 0 { continue }
            beside.add(troubled.cost.divided(by: operations), calm.cost.divided(by: operations))
            all.add(whole.cost.divided(by: operations), pair.divided(by: operations))
            lag = max(lag, Double(troubled.slowLag))
            growth.add(troubled.residentGrowth - calm.residentGrowth)
        }
        let label = "\(count) replicas"
        let words = count == 2 ? "one dead" : "one slow, one dead"
        return [
            ResultRow(
                name, "\(label), all healthy", all, .wall, reference: "crdt.e2e.durable, frames of \(frame)",
                unit: "op/s"
            ) {
                1e9 / $0
            }.at("replicas", Double(count), "all healthy"),
            ResultRow(
                name, "\(label), \(words)", beside, .wall, reference: "\(well.count) healthy alone", unit: "op/s",
                note: "one ended \(TextTable.count(lag)) operations behind; "
                    + "\(TextTable.number(growth.median)) MiB more memory than without the ill ones, the slow one's own state included"
            ) { 1e9 / $0 }.at("replicas", Double(count), "one slow or dead"),
            .counted(
                name, "\(label), \(words): waiting for one link at the most", Double(queued) / 1_024, "KiB"
            ).target(.figure, .atMost, Double(FanOutWriter.mostQueuedBytes) / 1_024),
        ]
    }

    /// One replica, with the nodes of `crdt.e2e.durable`.
    private static func pair(
        _ operations: Int, _ script: CommandScript, _ mesh: Mesh, _ loops: NodeLoops, _ context: BenchContext
    ) async throws -> Cost {
        let folder = try context.temporaryFolder("fanout")
        let pair = try await NodePair(script, in: folder.path, mesh, loops)
        let run = try await pair.run(
            script.preparation..<script.preparation + operations, frame: frame, window: 64)
        try await pair.check()
        try await pair.close()
        return run.cost
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
