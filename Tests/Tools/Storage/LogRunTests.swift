// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import CRDTKit
import Storage
import TestSupport
import Testing

/// Reading the log in blocks, as replication does.
@Suite struct LogRunTests {
    private func readAll(
        _ log: SegmentedLog, from start: LogPosition = .start, block: Int
    ) throws -> (frames: [SeenFrame], end: LogPosition, reads: Int) {
        var frames: [SeenFrame] = []
        var position = start
        var reads = 0
        while true {
            let run = try log.readRun(from: position, maximumBytes: block)
            frames += run.frames.map {
                SeenFrame(kind: $0.kind, position: $0.position, payload: Array($0.envelope.dropFirst(10)))
            }
            if run.next == position { return (frames, position, reads) }
            position = run.next
            reads += 1
        }
    }

    @Test(arguments: [1, 60, 100, 1_000, 1 << 18])
    func runsGiveEveryFrameOnceOverAllSegments(block: Int) async throws {
        let directory = TemporaryDirectory()
        let options = LogOptions(segmentBytes: 2_000)
        let (log, _) = try openCollecting(directory.path, options)
        var random = SeededGenerator(seed: 7)
        for number in 0..<200 {
            let size = Int.random(in: 0..<400, using: &random)
            let unit = frame("\(number) " + String(repeating: "x", count: size)) + frame("end", kind: .bodyEnd)
            try await log.waitUntilDurable(log.append(unit))
        }
        let (frames, end, reads) = try readAll(log, block: block)
        #expect(end == log.end)
        #expect(reads <= 400 + 200 + 60)
        log.close()
        let (again, seen) = try openCollecting(directory.path, options)
        #expect(frames == seen)
        again.close()
    }

    @Test func anEmptyLogHasNothingToRead() throws {
        let directory = TemporaryDirectory()
        let (log, _) = try openCollecting(directory.path)
        let run = try log.readRun(from: .start, maximumBytes: 1_000)
        #expect(run.frames.isEmpty)
        #expect(run.next == .start)
        log.close()
    }

    @Test func aReaderAtTheEndGoesOnWithWhatIsAppended() async throws {
        let directory = TemporaryDirectory()
        let (log, _) = try openCollecting(directory.path, LogOptions(segmentBytes: 200))
        try await log.waitUntilDurable(log.append(frame("one")))
        let (_, end, _) = try readAll(log, block: 4_096)
        // This one begins a new segment.
        try await log.waitUntilDurable(log.append(frame(String(repeating: "two", count: 100))))
        let (frames, _, _) = try readAll(log, from: end, block: 4_096)
        #expect(frames.map(\.text) == [String(repeating: "two", count: 100)])
        log.close()
    }

    @Test func unwantedKindsArePassedOver() async throws {
        let directory = TemporaryDirectory()
        let (log, _) = try openCollecting(directory.path)
        try await log.waitUntilDurable(log.append(frame("body", kind: .bodyChunk) + frame("operation")))
        let run = try log.readRun(from: .start, maximumBytes: 4_096) { $0 == .operations }
        #expect(run.frames.map { String(decoding: $0.envelope.dropFirst(10), as: UTF8.self) } == ["operation"])
        #expect(run.next == log.end)
        log.close()
    }

    @Test func whatWasCutOffIsReported() async throws {
        let directory = TemporaryDirectory()
        let (log, _) = try openCollecting(directory.path, LogOptions(segmentBytes: 200))
        for number in 0..<10 { try await log.waitUntilDurable(log.append(frame("\(number) some text of some length"))) }
        let middle = log.end
        for number in 0..<10 { try await log.waitUntilDurable(log.append(frame("\(number) some text of some length"))) }
        try log.cut(before: middle)
        #expect(throws: StorageError.self) { try log.readRun(from: .start, maximumBytes: 1_000) }
        do {
            _ = try log.readRun(from: .start, maximumBytes: 1_000)
        } catch {
            #expect(error.code == .notFound)
        }
        let (frames, _, _) = try readAll(log, from: log.first, block: 1_000)
        #expect(frames.count >= 10)
        log.close()
    }

    @Test func aReaderInTheMiddleOfAFrameIsRefused() async throws {
        let directory = TemporaryDirectory()
        let (log, _) = try openCollecting(directory.path)
        try await log.waitUntilDurable(log.append(frame("some text of some length")))
        do {
            _ = try log.readRun(from: log.end.advanced(by: 0), maximumBytes: 1_000)
            _ = try log.readRun(from: LogPosition(rawValue: log.end.rawValue - 20), maximumBytes: 1_000)
            Issue.record("it was read")
        } catch {
            #expect(error.code == .corruptLog)
        }
        log.close()
    }
}
