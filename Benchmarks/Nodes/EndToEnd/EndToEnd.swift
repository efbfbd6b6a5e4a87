// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import CRDTKit
internal import NIOCore

/// Two nodes over loopback TLS 1.3 with durable logs on both sides, in the product's own types.
///
/// The limits move the same bytes: over bare TLS, and into one file with as many frames per fdatasync as the writer's log had.
/// The same frames without replicas at the ends show what logs, links, framing and handing over take by themselves.
enum EndToEnd {
    static let name = "crdt.e2e.durable"

    /// One size of frames.
    private struct Size {
        let label: String
        let point: Double?
        let frame: Int?
        let window: Int
        let operations: Int
    }

    /// The window of frames of 1,024 is what is under way at most: 64 thousand operations.
    private static let sizes = [
        Size(label: "frames of 1", point: 1, frame: 1, window: 256, operations: 30_000),
        Size(label: "frames of 64", point: 64, frame: 64, window: 64, operations: 400_000),
        Size(label: "frames of 1,024", point: 1_024, frame: 1_024, window: 64, operations: 1_000_000),
        Size(label: "natural frames", point: nil, frame: nil, window: 64, operations: 1_000_000),
    ]

    /// The option that leaves out the other sizes.
    static let frameOption = BenchOption("--frame", "SIZE", "only frames of 1, 64, 1024, or natural ones")

    private static func chosen(_ context: BenchContext) throws -> [Size] {
        guard let word = context.options[frameOption.name] else { return sizes }
        guard let size = sizes.first(where: { $0.frame.map { "\($0)" } ?? "natural" == word }) else {
            throw BenchFailure("\(frameOption.name) takes 1, 64, 1024 or natural", exitCode: 64)
        }
        return [size]
    }

    /// The targets of crdt.md section 3, row (e): the rate, and at least a quarter of the lower limit's rate, so that an operation takes at most four times
    /// as long.
    private static let targetRate = 3e6
    private static let targetRatio = 4.0

    static func run(_ context: BenchContext) async throws -> [ResultRow] {
        let script = CommandScript(operations: 1_000_000)
        let mesh = try Mesh(["a", "b"], context)
        let loops = NodeLoops()
        var rows: [ResultRow] = []
        for size in try chosen(context) {
            let frames = try PreparedFrames(
                script, operations: size.operations, frame: size.frame ?? WriterNode.maximumOperations)
            for place in try Place.chosen(context) {
                rows += try await measure(size, place, script, frames, mesh, loops, context)
            }
        }
        try await loops.close()
        return rows
    }

    private static func measure(
        _ size: Size, _ place: Place, _ script: CommandScript, _ frames: PreparedFrames, _ mesh: Mesh,
        _ loops: NodeLoops, _ context: BenchContext
    ) async throws -> [ResultRow] {
        let pipe = try await TLSPipe(mesh, loops)
        var last = NodePair.Run()
        var latencies: [UInt64] = []
        var found = [Comparison](repeating: Comparison(subject: [], reference: []), count: 4)
        for round in 0...context.rounds {
            let folder = try place.folder("e2e", context)
            let run = try await Self.run(size, script, in: folder.path, mesh, loops)
            let limits = try await limits(of: run, pipe, folder.file("bare"), place)
            folder.remove()
            let bare = try await forward(frames, size, script, place, mesh, loops, context)
            if round == 0 { continue }
            last = run
            latencies += run.outcome.latencies
            let cost = run.cost.divided(by: run.operations)
            for (index, limit) in limits.enumerated() { found[index].add(cost, limit) }
            // The lower limit is the one that takes longer.
            found[2].add(cost, limits[0].wall > limits[1].wall ? limits[0] : limits[1])
            found[3].add(bare, cost)
        }
        try await pipe.close()
        return rows(size, place, last, latencies, found)
    }

    private static func run(
        _ size: Size, _ script: CommandScript, in directory: String, _ mesh: Mesh, _ loops: NodeLoops
    ) async throws -> NodePair.Run {
        let pair = try await NodePair(script, in: directory, mesh, loops)
        let run = try await pair.run(
            script.preparation..<script.preparation + size.operations, frame: size.frame, window: size.window)
        try await pair.check()
        try await pair.close()
        return run
    }

    /// The same frames, made beforehand, through logs and link; nobody receives or applies them.
    private static func forward(
        _ frames: PreparedFrames, _ size: Size, _ script: CommandScript, _ place: Place, _ mesh: Mesh,
        _ loops: NodeLoops, _ context: BenchContext
    ) async throws -> Cost {
        let folder = try place.folder("e2e", context)
        let pair = try await NodePair(script, in: folder.path, mesh, loops, prepared: frames)
        let operations = frames.frames.count * frames.operations
        let run = try await pair.run(0..<operations, frame: frames.operations, window: size.window)
        try await pair.close()
        return run.cost.divided(by: operations)
    }

    /// A limit moves at least so many bytes in a round, because what takes a moment says nothing.
    private static let limitBytes = 64 << 20

    /// Bare TLS of the bytes that went over the link, and a bare commit loop of the bytes of one log.
    private static func limits(
        of run: NodePair.Run, _ pipe: TLSPipe, _ path: String, _ place: Place
    ) async throws -> [Cost] {
        let sent = max(Int(run.outcome.bytes), 1)
        let trips = max(limitBytes / sent, 1)
        let tls = try await Stopwatch.measureProcess { try await pipe.run(bytes: sent * trips) }
        let loop = try CommitLoop(path: path)
        let perCommit = max(Int(Double(run.logBytes) / Double(max(run.commits.writer, 1))), 1)
        // A disk takes its time with every commit.
        let passes = place == .disk ? 1 : max(limitBytes / max(Int(run.logBytes), 1), 1)
        let commits = try Stopwatch.measureProcess {
            for _ in 0..<passes { try loop.run(bytes: Int(run.logBytes), perCommit: perCommit) }
        }
        return [tls.divided(by: run.operations * trips), commits.divided(by: run.operations * passes)]
    }

    private static func rows(
        _ size: Size, _ place: Place, _ run: NodePair.Run, _ latencies: [UInt64], _ found: [Comparison]
    ) -> [ResultRow] {
        let series = Series(latencies.map { Double($0) })
        let note =
            "\(Place.text(run.framesPerCommit)) frames per commit, "
            + "\(Place.text(Double(run.operations) / Double(max(run.outcome.frames, 1)))) operations per frame; a frame takes "
            + "\(TextTable.time(series.percentile(50))), 99 % \(TextTable.time(series.percentile(99)))"
        let references = ["bare TLS of the same bytes", "pwrite + fdatasync of the same commits", "the slower of both"]
        let bare = ResultRow(
            name, "\(size.label), \(place.label): without the replicas", found[3], .cpu, reference: "with them")
        return zip(references, found).enumerated().map { index, pair in
            var row = ResultRow(
                name, "\(size.label), \(place.label)", pair.1, .wall, reference: pair.0, unit: "op/s", note: note
            ) { 1e9 / $0 }
            row = row.bytes(Double(run.outcome.bytes) / Double(run.operations))
            if index == 2 {
                if size.frame == 1_024 {
                    row = row.target(.figure, .atLeast, targetRate).target(.ratio, .atMost, targetRatio)
                }
                if let point = size.point { row = row.at("operations per frame", point, "end to end, \(place.label)") }
            }
            return row
        } + (size.frame == nil ? [] : [bare])
    }
}
