// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import CRDTKit
import Storage
import Synchronization
import TestSupport
import Testing

@Suite struct SegmentedLogTests {
    @Test func recoversWhatWasDurableInOrder() async throws {
        let directory = TemporaryDirectory()
        let (log, none) = try openCollecting(directory.path)
        #expect(none.isEmpty)
        var last = LogTicket.none
        for number in 0..<100 { last = log.append(frame("unit \(number)")) }
        try await log.waitUntilDurable(last)
        log.close()
        let (again, seen) = try openCollecting(directory.path)
        #expect(seen.map(\.text) == (0..<100).map { "unit \($0)" })
        #expect(again.recoverySummary.tornBytes == 0)
        #expect(again.recoverySummary.frames == 100)
        again.close()
    }

    @Test func writesWhatIsQueuedWhenItIsClosed() async throws {
        let directory = TemporaryDirectory()
        let (log, _) = try openCollecting(directory.path)
        let tickets = (0..<50).map { log.append(frame("\($0)")) }
        log.close()
        log.close()
        for ticket in tickets { #expect(await failure(of: ticket, in: log) == nil) }
        let late = log.append(frame("late"))
        #expect(await failure(of: late, in: log) == .closed)
        let (again, seen) = try openCollecting(directory.path)
        #expect(seen.map(\.text) == (0..<50).map { "\($0)" })
        again.close()
    }

    @Test func sharesOneSynchronisationAmongAllWhoWait() async throws {
        let disk = SimulatedDisk()
        let (log, _) = try openCollecting("/log", LogOptions(fileSystem: disk))
        try await log.waitUntilDurable(log.append(frame("the segment is there")))
        let (entered, release) = (Flag(), Flag())
        let isFirst = Mutex(true)
        disk.withFaults {
            $0.beforeSync = {
                guard
                    isFirst.withLock({ first in
                        defer { first = false }; return first
                    })
                else { return }
                entered.raise()
                release.wait()
            }
        }
        let before = log.counters
        let first = log.append(frame("first"))
        await onThread { entered.wait() }
        // The disk is busy with the first unit; twenty sessions append ten units each.
        let tickets = await withTaskGroup { group in
            for session in 0..<20 {
                group.addTask { await onThread { (0..<10).map { log.append(frame("\(session) \($0)")) } } }
            }
            var tickets: [LogTicket] = []
            for await more in group { tickets += more }
            return tickets
        }
        #expect(Set(tickets).count == 200)
        release.raise()
        for ticket in tickets + [first] { try await log.waitUntilDurable(ticket) }
        let after = log.counters
        #expect(after.units - before.units == 201)
        #expect(after.syncs - before.syncs == 2)
        #expect(after.commits - before.commits == 2)
        #expect(after.syncDurations.count == after.commits)
        log.close()
    }

    @Test func tellsTheHandlerEveryUnitsPlaceInOrder() async throws {
        let directory = TemporaryDirectory()
        let (log, _) = try openCollecting(directory.path, LogOptions(segmentBytes: 1000))
        let recorder = CommitRecorder(log)
        var random = SeededGenerator(seed: 77)
        var payloads: [LogTicket: [UInt8]] = [:]
        for number in 0..<200 {
            let size = number == 50 ? 5000 : Int.random(in: 0...300, using: &random)
            let payload = [UInt8](repeating: UInt8(number), count: size)
            // A unit of two frames: a small one and the payload.
            payloads[log.append(frame("head") + frame(payload, kind: .bodyChunk))] = payload
            if number % 7 == 0 { try await log.waitUntilDurable(LogTicket(rawValue: UInt64(number + 1))) }
        }
        try await log.waitUntilDurable(LogTicket(rawValue: 200))
        let seen = recorder.seen
        #expect(seen.upTo == seen.upTo.sorted())
        #expect(seen.positions.count == 200)
        for (ticket, payload) in payloads {
            let position = try #require(seen.positions[ticket])
            let head = try log.readFrame(at: position)
            #expect(String(decoding: head.payload, as: UTF8.self) == "head")
            let body = try log.readFrame(at: position.advanced(by: FrameEnvelope.headerBytes + 4))
            #expect(body.kind == .bodyChunk)
            #expect(body.payload == payload)
        }
        let ordered = seen.positions.sorted { $0.key < $1.key }.map(\.value)
        #expect(ordered == ordered.sorted())
        #expect(log.counters.segmentsCreated > 20)
        log.close()
        let (again, frames) = try openCollecting(directory.path, LogOptions(segmentBytes: 1000))
        #expect(
            frames.filter { $0.kind == .bodyChunk }.map(\.payload) == payloads.sorted { $0.key < $1.key }.map(\.value))
        again.close()
    }

    @Test func removesSegmentsBeforeAPositionAndRecoversFromThere() async throws {
        let directory = TemporaryDirectory()
        var options = LogOptions(segmentBytes: 400)
        let (log, _) = try openCollecting(directory.path, options)
        let recorder = CommitRecorder(log)
        for number in 0..<60 { try await log.waitUntilDurable(log.append(frame("unit \(number)"))) }
        let place = try #require(recorder.seen.positions[LogTicket(rawValue: 31)])
        try log.cut(before: place)
        #expect(log.first <= place)
        #expect(log.first > .start)
        #expect(String(decoding: try log.readFrame(at: place).payload, as: UTF8.self) == "unit 30")
        let gone = try #require(recorder.seen.positions[LogTicket(rawValue: 1)])
        let error = #expect(throws: StorageError.self) { try log.readFrame(at: gone) }
        #expect(error?.code == .notFound)
        let beyond = #expect(throws: StorageError.self) { try log.read(at: log.end, length: 1) }
        #expect(beyond?.code == .notFound)
        log.close()
        options.recoverFrom = place
        let (again, frames) = try openCollecting(directory.path, options)
        #expect(frames.map(\.text) == (30..<60).map { "unit \($0)" })
        try await again.waitUntilDurable(again.append(frame("more")))
        try again.cut(before: again.end)
        again.close()
        options.recoverFrom = .start
        let missing = #expect(throws: StorageError.self) { try openCollecting(directory.path, options) }
        #expect(missing?.code == .corruptLog)
    }

    @Test func skipsSegmentsThatTheEngineHas() async throws {
        let directory = TemporaryDirectory()
        var options = LogOptions(segmentBytes: 400)
        let (log, _) = try openCollecting(directory.path, options)
        for number in 0..<60 { try await log.waitUntilDurable(log.append(frame("unit \(number)"))) }
        options.recoverFrom = log.end
        let segments = log.counters.segmentsCreated
        log.close()
        let (again, frames) = try openCollecting(directory.path, options)
        #expect(frames.isEmpty)
        #expect(again.recoverySummary.segments < Int(segments))
        again.close()
        options.recoverFrom = again.end.advanced(by: 1)
        let error = #expect(throws: StorageError.self) { try openCollecting(directory.path, options) }
        #expect(error?.code == .corruptLog)
    }

    @Test func aCutHoldsUpNeitherReadersNorTheWriter() async throws {
        let disk = SimulatedDisk()
        let (log, _) = try openCollecting("/log", LogOptions(segmentBytes: 1_000, fileSystem: disk))
        let recorder = CommitRecorder(log)
        for number in 0..<20 {
            try await log.waitUntilDurable(log.append(frame([UInt8](repeating: UInt8(number), count: 300))))
        }
        let places = recorder.seen.positions.sorted { $0.key < $1.key }.map(\.value)
        let (entered, release) = (Flag(), Flag())
        disk.withFaults {
            $0.beforeRemove = {
                entered.raise()
                release.wait()
            }
        }
        async let cut: Void = onThread { try? log.cut(before: places[10]) }
        await onThread { entered.wait() }
        try await log.waitUntilDurable(log.append(frame("meanwhile")))
        #expect(try log.readFrame(at: places[15]).payload.first == 15)
        // What is going is gone already.
        let error = #expect(throws: StorageError.self) { try log.readFrame(at: places[0]) }
        #expect(error?.code == .notFound)
        disk.withFaults { $0.beforeRemove = nil }
        release.raise()
        await cut
        #expect(log.first > places[0] && log.first <= places[10])
        log.close()
    }

    @Test func aSegmentThatCannotBeRemovedStays() async throws {
        let disk = SimulatedDisk()
        let (log, _) = try openCollecting("/log", LogOptions(segmentBytes: 1_000, fileSystem: disk))
        for number in 0..<20 {
            try await log.waitUntilDurable(log.append(frame([UInt8](repeating: UInt8(number), count: 300))))
        }
        let first = log.first
        disk.withFaults { $0.failingRemoves = 1 }
        #expect(throws: StorageError.self) { try log.cut(before: log.end) }
        #expect(log.first == first)
        try log.cut(before: log.end)
        #expect(log.first > first)
        log.close()
    }

    @Test func whatWasJustCommittedIsReadFromMemory() async throws {
        let disk = SimulatedDisk()
        let (log, _) = try openCollecting("/log", LogOptions(fileSystem: disk))
        let recorder = CommitRecorder(log)
        let reads = Mutex(0)
        disk.withFaults { $0.beforeRead = { reads.withLock { $0 += 1 } } }
        let start = log.end
        #expect(!log.isRecent(start))
        for number in 0..<100 {
            try await log.waitUntilDurable(log.append(frame([UInt8](repeating: UInt8(number), count: 10_000))))
        }
        let places = recorder.seen.positions.sorted { $0.key < $1.key }.map(\.value)
        // The newest quarter of a megabyte at least, and not all.
        for number in 75..<100 {
            #expect(log.isRecent(places[number]))
            #expect(try log.readFrame(at: places[number]).payload == [UInt8](repeating: UInt8(number), count: 10_000))
        }
        #expect(log.isRecent(log.end))
        #expect(reads.withLock { $0 } == 0)
        #expect(!log.isRecent(places[40]))
        #expect(try log.readFrame(at: places[40]).payload == [UInt8](repeating: 40, count: 10_000))
        #expect(reads.withLock { $0 } > 0)
        // More at once than is kept.
        try await log.waitUntilDurable(log.append(frame([UInt8](repeating: 7, count: 400_000))))
        #expect(!log.isRecent(places[99]))
        try await log.waitUntilDurable(log.append(frame("small")))
        let run = try log.readRun(from: places[99], maximumBytes: 1 << 20)
        #expect(run.frames.map { $0.envelope.count - FrameEnvelope.headerBytes } == [10_000, 400_000, 5])
        log.close()
    }

    @Test func tellsCallersToWaitWhenTheQueueIsFull() async throws {
        let disk = SimulatedDisk()
        let (log, _) = try openCollecting("/log", LogOptions(queueLimitBytes: 1000, fileSystem: disk))
        try await log.waitUntilDurable(log.append(frame("first")))
        let (entered, release) = (Flag(), Flag())
        disk.withFaults {
            $0.beforeSync = {
                entered.raise()
                release.wait()
            }
        }
        _ = log.append(frame([UInt8](repeating: 1, count: 1000)))
        await onThread { entered.wait() }
        #expect(log.isCongested)
        // Metrics do not wait for the disk either.
        #expect(log.counters.commits == 1)
        disk.withFaults { $0.beforeSync = nil }
        async let waited: Void = log.waitForSpace()
        release.raise()
        await waited
        #expect(!log.isCongested)
        #expect(log.queuedBytes == 0)
        log.close()
    }

    @Test func opensNoMoreFilesThanItMay() async throws {
        let directory = TemporaryDirectory()
        let (log, _) = try openCollecting(directory.path, LogOptions(segmentBytes: 200, openSegmentLimit: 2))
        let recorder = CommitRecorder(log)
        for number in 0..<40 { try await log.waitUntilDurable(log.append(frame("unit \(number)"))) }
        for (ticket, position) in recorder.seen.positions {
            let payload = try log.readFrame(at: position).payload
            #expect(String(decoding: payload, as: UTF8.self) == "unit \(ticket.rawValue - 1)")
        }
        log.close()
    }
}
