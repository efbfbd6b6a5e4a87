// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import CRDTKit

/// From a command to the acknowledgement that it is durable at both nodes: one command under way at a time, then commands that come at fixed
/// times whatever became of those before.
///
/// All samples of a round are kept, so its quantiles are exact; in the open loop each is counted from the time at which its command was to
/// begin. In each round two `fdatasync` and a TLS round trip are measured beside it.
enum Latency {
    static let name = "crdt.e2e.latency"

    private static let samples = 2_000
    /// The target of crdt.md section 3, row (e'): on disk in relation to the sum, in memory absolutely.
    private static let targetRatio = 1.5
    private static let targetNanoseconds = 100_000.0
    private static let shares = [10, 50, 80]
    private static let percentiles = [50, 99, 99.9]
    /// How long an open loop lasts in each round.
    private static let seconds = 0.4
    private static let reference = "2 x fdatasync + TLS round trip"

    static func run(_ context: BenchContext) async throws -> [ResultRow] {
        let script = CommandScript(operations: 1_500_000)
        let mesh = try Mesh(["a", "b"], context)
        let loops = NodeLoops()
        var rows: [ResultRow] = []
        for place in try Place.chosen(context) {
            let limit = try await Limit(place, mesh, loops, context)
            rows += try await single(place, script, mesh, loops, limit, context)
            rows += try await open(place, script, mesh, loops, limit, context)
            try await limit.close()
        }
        try await loops.close()
        return rows
    }

    // MARK: One at a time

    private static func single(
        _ place: Place, _ script: CommandScript, _ mesh: Mesh, _ loops: NodeLoops, _ limit: Limit,
        _ context: BenchContext
    ) async throws -> [ResultRow] {
        let folder = try place.folder("latency", context)
        let pair = try await NodePair(script, in: folder.path, mesh, loops)
        var rounds = Rounds()
        var next = script.preparation
        for round in 0...context.rounds {
            let run = try await pair.run(next..<next + samples, frame: 1, window: 1)
            next += samples
            let least = try await limit.measure(count: samples / 4, bytes: Int(run.logBytes) / samples)
            if round > 0 { rounds.add(run.outcome.latencies, least) }
        }
        try await pair.check()
        try await pair.close()
        return percentiles.map { percent in
            var row = rounds.row("one at a time, \(place.label)", percent, note: limit.note)
            if percent == 50 {
                row =
                    place == .disk
                    ? row.target(.ratio, .atMost, targetRatio) : row.target(.figure, .atMost, targetNanoseconds / 1e3)
            }
            return row
        }
    }

    // MARK: At fixed times

    private static func open(
        _ place: Place, _ script: CommandScript, _ mesh: Mesh, _ loops: NodeLoops, _ limit: Limit,
        _ context: BenchContext
    ) async throws -> [ResultRow] {
        let rate = try await fullRate(place, script, mesh, loops, context)
        var rows: [ResultRow] = []
        for share in shares {
            let chosen = rate * Double(share) / 100
            let count = min(Int(chosen * seconds), script.commands.count - script.preparation)
            var rounds = Rounds()
            var frames = 0
            for round in 0...context.rounds {
                let folder = try place.folder("latency", context)
                let pair = try await NodePair(script, in: folder.path, mesh, loops)
                let run = try await pair.run(
                    script.preparation..<script.preparation + count, frame: nil, window: 64,
                    pace: .open(interval: 1e9 / chosen))
                try await pair.check()
                try await pair.close()
                let least = try await limit.measure(count: samples / 4, bytes: max(Int(run.logBytes) / count, 1))
                if round == 0 { continue }
                rounds.add(run.outcome.latencies, least)
                frames += run.outcome.frames
            }
            let perFrame = Double(count * context.rounds) / Double(max(frames, 1))
            let note =
                "\(TextTable.count(chosen)) op/s, \(TextTable.count(Double(count))) samples a round, "
                + "\(TextTable.number(perFrame)) operations a frame"
            rows += percentiles.map { percent in
                rounds.row("open loop at \(share) %, \(place.label)", percent, note: note)
                    .at("percent of the full rate", Double(share), "\(TextTable.number(percent)) %, \(place.label)")
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
        guard let rate = rates.median else { throw BenchFailure("the pair has no rate") }
        return rate
    }

    /// The quantiles of some rounds, and the limit's times beside them, in nanoseconds.
    private struct Rounds {
        private var found: [Series] = []
        private var limits: [Double] = []

        mutating func add(_ latencies: [UInt64], _ limit: Double) {
            found.append(Series(latencies.map { Double($0) }))
            limits.append(limit)
        }

        func row(_ subject: String, _ percent: Double, note: String) -> ResultRow {
            let words = percent == 50 ? "median" : "\(TextTable.number(percent)) %"
            return ResultRow(
                name, "\(subject), \(words)", found.map { series in series.percentile(percent).map { $0 / 1e3 } }, "us",
                reference: reference, limits.map { $0 / 1e3 }, note: note)
        }
    }

    /// The least that a command can take: both nodes' `fdatasync`, one after the other, and the way there and back.
    private final class Limit {
        private let folder: TemporaryFolder
        private let pipe: TLSPipe
        private let bare: CommitLoop
        private var (syncs, trips) = (Series(), Series())

        init(_ place: Place, _ mesh: Mesh, _ loops: NodeLoops, _ context: BenchContext) async throws {
            folder = try place.folder("latency", context)
            pipe = try await TLSPipe(mesh, loops)
            bare = try CommitLoop(path: folder.file("bare"))
        }

        /// Medians of so many of each.
        func measure(count: Int, bytes: Int) async throws -> Double {
            let (sync, trip) = (
                Self.median(try bare.latencies(count: count, bytes: bytes)),
                Self.median(try await pipe.roundTrips(count: count))
            )
            syncs.add(sync)
            trips.add(trip)
            return 2 * sync + trip
        }

        var note: String {
            "fdatasync \(TextTable.time(syncs.median)), round trip \(TextTable.time(trips.median)); \(samples) samples a round"
        }

        func close() async throws { try await pipe.close() }

        private static func median(_ sorted: [UInt64]) -> Double { Double(sorted[sorted.count / 2]) }
    }
}
