// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import CRDTKit

/// From a command to the acknowledgement that it is durable at both nodes: one command under way at a time, then commands that come at fixed
/// times whatever became of those before.
///
/// All samples are kept, so quantiles are exact; in the open loop each is counted from the time at which its command was to begin.
enum Latency {
    static let name = "crdt.e2e.latency"

    private static let samples = 2_000
    /// The target of crdt.md section 3, row (e'): on disk in relation to the sum, in memory absolutely.
    private static let targetRatio = 1.5
    private static let targetNanoseconds = 100_000.0
    private static let shares = [10, 50, 80]
    /// How long an open loop lasts.
    private static let seconds = 1.0

    static func run(_ context: BenchContext) async throws -> [ResultRow] {
        let script = CommandScript(operations: 4_000_000)
        let mesh = try Mesh(["a", "b"], context)
        let loops = NodeLoops()
        var rows: [ResultRow] = []
        for place in try Place.chosen(context) {
            rows += try await single(place, script, mesh, loops, context)
            rows += try await open(place, script, mesh, loops, context)
        }
        try await loops.close()
        return rows
    }

    // MARK: One at a time

    private static func single(
        _ place: Place, _ script: CommandScript, _ mesh: Mesh, _ loops: NodeLoops, _ context: BenchContext
    ) async throws -> [ResultRow] {
        let folder = try place.folder("latency", context)
        let pair = try await NodePair(script, in: folder.path, mesh, loops)
        let pipe = try await TLSPipe(mesh, loops)
        let bare = try CommitLoop(path: folder.file("bare"))
        var all: [UInt64] = []
        var found = Comparison(subject: [], reference: [])
        var (syncs, trips) = (Series(), Series())
        var next = script.preparation
        for round in 0...context.rounds {
            let run = try await pair.run(next..<next + samples, frame: 1, window: 1)
            next += samples
            let sync = median(try bare.latencies(count: samples / 4, bytes: Int(run.logBytes) / samples))
            let trip = median(try await pipe.roundTrips(count: samples / 4))
            if round == 0 { continue }
            all += run.outcome.latencies
            syncs.add(sync)
            trips.add(trip)
            found.add(
                Cost(wall: median(run.outcome.latencies.sorted()), cpu: run.cost.divided(by: samples).cpu),
                Cost(wall: 2 * sync + trip, cpu: 0))
        }
        try await pair.check()
        try await pair.close()
        try await pipe.close()
        let series = Series(all.map { Double($0) })
        var row = ResultRow(
            name, "one at a time, \(place.label), median", found, .wall, reference: "2 x fdatasync + TLS round trip",
            unit: "us",
            note:
                "fdatasync \(TextTable.time(syncs.median)), round trip \(TextTable.time(trips.median)); \(all.count) samples"
        ) { $0 / 1e3 }
        row =
            place == .disk
            ? row.target(.ratio, .atMost, targetRatio) : row.target(.figure, .atMost, targetNanoseconds / 1e3)
        return [row]
            + [99, 99.9].map { percent in
                ResultRow(
                    name, "one at a time, \(place.label), \(TextTable.number(percent)) %",
                    series.percentile(percent) / 1e3, "us")
            }
    }

    private static func median(_ sorted: [UInt64]) -> Double { Double(sorted[sorted.count / 2]) }

    // MARK: At fixed times

    private static func open(
        _ place: Place, _ script: CommandScript, _ mesh: Mesh, _ loops: NodeLoops, _ context: BenchContext
    ) async throws -> [ResultRow] {
        let rate = try await fullRate(place, script, mesh, loops, context)
        var rows: [ResultRow] = []
        for share in shares {
            let folder = try place.folder("latency", context)
            let pair = try await NodePair(script, in: folder.path, mesh, loops)
            let chosen = rate * Double(share) / 100
            let count = min(Int(chosen * seconds), script.commands.count - script.preparation)
            let run = try await pair.run(
                script.preparation..<script.preparation + count, frame: nil, window: 64,
                pace: .open(interval: 1e9 / chosen))
            try await pair.check()
            try await pair.close()
            let series = Series(run.outcome.latencies.map { Double($0) })
            for percent in [50, 99, 99.9] {
                rows.append(
                    ResultRow(
                        name, "open loop at \(share) %, \(place.label), \(TextTable.number(percent)) %",
                        series.percentile(percent) / 1e3, "us",
                        note: "\(TextTable.count(chosen)) op/s, \(TextTable.count(Double(count))) samples, "
                            + "\(TextTable.number(Double(count) / Double(max(run.outcome.frames, 1)))) operations a frame"
                    ).at("percent of the full rate", Double(share), "\(TextTable.number(percent)) %, \(place.label)"))
            }
        }
        return rows
    }

    /// What the pair does when commands always wait: frames of 1,024, a window of 64.
    private static func fullRate(
        _ place: Place, _ script: CommandScript, _ mesh: Mesh, _ loops: NodeLoops, _ context: BenchContext
    ) async throws -> Double {
        var rates = Series()
        for _ in 0..<3 {
            let folder = try place.folder("latency", context)
            let pair = try await NodePair(script, in: folder.path, mesh, loops)
            let run = try await pair.run(
                script.preparation..<script.preparation + 500_000, frame: WriterNode.maximumOperations, window: 64)
            try await pair.close()
            rates.add(Double(run.operations) / run.cost.wall * 1e9)
        }
        return rates.median
    }
}
