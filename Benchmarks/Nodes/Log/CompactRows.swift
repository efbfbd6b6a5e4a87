// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import CRDTKit
internal import Foundation
internal import Storage
internal import Synchronization

/// Dropping the segments that lie before a stable cut, while another thread goes on applying and appending.
///
/// The reference is what a log without segments would do: read the bytes that go and write as many.
enum CompactRows {
    static let name = "crdt.compact"

    private static let segmentBytes = 4 << 20
    private static let operations = 2_000_000
    /// How long the loop is watched after a cut, in seconds.
    private static let afterwards = 0.02

    static func run(_ context: BenchContext) async throws -> [ResultRow] {
        let original = try context.temporaryFolder("compact")
        let script = CommandScript(operations: operations)
        let log = try await LogFixture(script, frame: 64, in: original.file("log"), segmentBytes: segmentBytes)
        return try [50, 90, 100].flatMap { try measure($0, log, script, context) }
    }

    private static func measure(
        _ percent: Int, _ log: LogFixture, _ script: CommandScript, _ context: BenchContext
    ) throws -> [ResultRow] {
        var pauses = Comparison(subject: [], reference: [])
        var dropped = 0
        let comparison = try Comparison(
            rounds: context.rounds,
            subject: {
                let folder = try context.temporaryFolder("compact")
                try FileManager.default.copyItem(atPath: log.directory, toPath: folder.file("log"))
                var options = LogOptions()
                options.segmentBytes = segmentBytes
                let copy = try SegmentedLog.open(directory: folder.file("log"), options: options) { _, _ in }
                defer { copy.close() }
                let cut = LogPosition(rawValue: copy.end.rawValue / 100 * UInt64(percent))
                let before = copy.first
                let loop = try ApplyLoop(copy, log.frames)
                // The loop is under way before anything counts.
                Thread.sleep(forTimeInterval: 0.1)
                _ = loop.takeLongestPause()
                let start = MonotonicClock.now()
                let cost = try Stopwatch.measure { try copy.cut(before: cut) }
                // A pause that began during the cut ends with the next frame.
                Thread.sleep(forTimeInterval: afterwards)
                let during = loop.takeLongestPause()
                // As long again without a cut.
                Thread.sleep(forTimeInterval: Double(MonotonicClock.now() - start) / 1e9)
                pauses.add(Cost(wall: during, cpu: 0), Cost(wall: loop.takeLongestPause(), cpu: 0))
                try loop.stop()
                dropped = Int(copy.first.rawValue - before.rawValue)
                return cost.divided(by: max(dropped, 1))
            },
            reference: { try rewrite(log, dropped, context).divided(by: max(dropped, 1)) })
        // The first round fills caches.
        pauses = Comparison(
            subject: Array(pauses.subject.dropFirst()), reference: Array(pauses.reference.dropFirst()))
        let longest = pauses.costs(.wall).maximum.map { $0 / 1e3 }
        var pause = ResultRow(
            name, "cut at \(percent) %, longest pause of the apply loop", pauses, .wall,
            reference: "the longest in as long a time without a cut", unit: "us",
            note: "the longest of all rounds; the ratio is that of the longest of each")
        pause.value = longest
        (pause.cpuNanoseconds, pause.operationsPerSecond) = (nil, nil)
        return [
            ResultRow(
                name, "cut at \(percent) %", comparison, .wall, reference: "read and write of the same bytes",
                unit: "MB/s", note: "\(dropped >> 20) MiB dropped"
            ) { 1e3 / $0 }, pause,
        ]
    }

    /// Reads the segments and writes as many bytes as are dropped, durably.
    private static func rewrite(_ log: LogFixture, _ bytes: Int, _ context: BenchContext) throws -> Cost {
        let folder = try context.temporaryFolder("compact")
        let segments = try LogFixture.segments(of: log.directory)
        return try Stopwatch.measure {
            let target = open(folder.file("copy"), O_CREAT | O_WRONLY | O_CLOEXEC, 0o600)
            guard target >= 0 else { throw BenchFailure.system("open the copy") }
            defer { close(target) }
            var left = bytes
            for path in segments where left > 0 {
                let source = open(path, O_RDONLY | O_CLOEXEC)
                guard source >= 0 else { throw BenchFailure.system("open \(path)") }
                defer { close(source) }
                var buffer = [UInt8](repeating: 0, count: 1 << 20)
                while left > 0 {
                    let count = read(source, &buffer, min(buffer.count, left))
                    guard count > 0 else { break }
                    guard write(target, buffer, count) == count else { throw BenchFailure.system("write the copy") }
                    left -= count
                }
            }
            guard fdatasync(target) == 0 else { throw BenchFailure.system("fdatasync") }
        }
    }
}

/// Applies frames at a follower and appends them to a log, one after the other, and notes how long it stood still.
private final class ApplyLoop: Sendable {
    private struct State {
        var isStopping = false
        var longest: UInt64 = 0
        var failure: (any Error)?
    }

    private let state = Mutex(State())
    private let ended = DispatchSemaphore(value: 0)

    init(_ log: SegmentedLog, _ frames: [[UInt8]]) throws {
        Thread.detachNewThread { [self] in
            do { try run(log, frames) } catch { state.withLock { $0.failure = error } }
            ended.signal()
        }
    }

    /// The longest time between two frames since the last call, in nanoseconds.
    func takeLongestPause() -> Double {
        state.withLock { state in
            defer { state.longest = 0 }
            return Double(state.longest)
        }
    }

    func stop() throws {
        state.withLock { $0.isStopping = true }
        ended.wait()
        if let failure = state.withLock({ $0.failure }) { throw failure }
    }

    private func run(_ log: SegmentedLog, _ frames: [[UInt8]]) throws {
        var shard = try Shard(number: 2)
        var next = 0
        var last = MonotonicClock.now()
        while !state.withLock({ $0.isStopping }) {
            if next == frames.count {
                (shard, next) = (try Shard(number: 2), 0)
                last = MonotonicClock.now()
            }
            let frame = frames[next]
            next += 1
            let span = frame.span
            try shard.apply(try shard.receive(span.bytes.extracting(FrameEnvelope.headerBytes..<frame.count)))
            if !log.isCongested { _ = log.append(frame) }
            let now = MonotonicClock.now()
            let pause = now - last
            last = now
            state.withLock { $0.longest = max($0.longest, pause) }
        }
    }
}
