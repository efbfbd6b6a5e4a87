// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import CRDTKit
import Storage
import Synchronization
import Testing

/// What a log does when the disk refuses, and what it reports about damaged files.
@Suite struct LogFailureTests {
    @Test func aFullDiskFailsTheBatchAndLeavesTheLogReadableAndUsable() async throws {
        let disk = SimulatedDisk()
        let (log, _) = try openCollecting("/log", LogOptions(fileSystem: disk))
        let recorder = CommitRecorder(log)
        let good = log.append(frame("good"))
        try await log.waitUntilDurable(good)
        let end = log.end
        disk.withFaults { $0.capacity = Int(end.rawValue) + 50 }
        let bad = log.append(frame([UInt8](repeating: 1, count: 100)))
        #expect(await failure(of: bad, in: log) == .diskFull)
        #expect(recorder.seen.failures.map(\.from) == [bad])
        #expect(log.failure?.code == .diskFull)
        // Until the caller has taken back what depended on the batch, nothing more goes in, small as it may be.
        let small = log.append(frame(""))
        #expect(await failure(of: small, in: log) == .diskFull)
        #expect(log.end == end)
        let position = try #require(recorder.seen.positions[good])
        #expect(String(decoding: try log.readFrame(at: position).payload, as: UTF8.self) == "good")
        disk.withFaults { $0.capacity = .max }
        try log.resetAfterFailure()
        #expect(log.failure == nil)
        try await log.waitUntilDurable(log.append(frame("again")))
        #expect(await failure(of: bad, in: log) == .diskFull)
        #expect(await failure(of: small, in: log) == .diskFull)
        #expect(log.counters.failures == 1)
        log.close()
        let (again, seen) = try openCollecting("/log", LogOptions(fileSystem: disk))
        #expect(seen.map(\.text) == ["good", "again"])
        again.close()
    }

    @Test func aFailedSynchronisationGivesUpTheSegment() async throws {
        let disk = SimulatedDisk()
        let (log, _) = try openCollecting("/log", LogOptions(fileSystem: disk))
        try await log.waitUntilDurable(log.append(frame("one")))
        disk.withFaults { $0.failingSyncs = 1 }
        #expect(await failure(of: log.append(frame("lost")), in: log) == .io)
        try log.resetAfterFailure()
        try await log.waitUntilDurable(log.append(frame("two")))
        #expect(log.counters.segmentsCreated == 2)
        let (again, seen) = try openCollecting("/log", LogOptions(fileSystem: disk.crashed { _ in [] }))
        #expect(seen.map(\.text) == ["one", "two"])
        again.close()
        log.close()
    }

    @Test func staysFailedWhileTheFailedBatchCannotBeRemoved() async throws {
        let disk = SimulatedDisk()
        let (log, _) = try openCollecting("/log", LogOptions(fileSystem: disk))
        try await log.waitUntilDurable(log.append(frame("one")))
        disk.withFaults {
            $0.failingSyncs = 1
            $0.failingTruncates = 2
        }
        #expect(await failure(of: log.append(frame("lost")), in: log) == .io)
        #expect(throws: StorageError.self) { try log.resetAfterFailure() }
        #expect(await failure(of: log.append(frame("refused")), in: log) == .io)
        try log.resetAfterFailure()
        try await log.waitUntilDurable(log.append(frame("two")))
        log.close()
        let (again, seen) = try openCollecting("/log", LogOptions(fileSystem: disk))
        #expect(seen.map(\.text) == ["one", "two"])
        again.close()
    }

    @Test func aSegmentThatCannotBeMadeFailsTheBatchOnly() async throws {
        let disk = SimulatedDisk()
        let options = LogOptions(segmentBytes: 150, fileSystem: disk)
        let (log, _) = try openCollecting("/log", options)
        try await log.waitUntilDurable(log.append(frame("one")))
        disk.withFaults { $0.capacity = Int(log.end.rawValue) + 20 }
        #expect(await failure(of: log.append(frame([UInt8](repeating: 1, count: 60))), in: log) == .diskFull)
        disk.withFaults { $0.capacity = .max }
        try log.resetAfterFailure()
        try await log.waitUntilDurable(log.append(frame("two")))
        log.close()
        let (again, seen) = try openCollecting("/log", options)
        #expect(seen.map(\.text) == ["one", "two"])
        again.close()
    }

    @Test func theOldSegmentDoesNotGrowOverTheTraceOfANewOne() async throws {
        let disk = SimulatedDisk()
        let options = LogOptions(segmentBytes: 200, fileSystem: disk)
        let (log, _) = try openCollecting("/log", options)
        try await log.waitUntilDurable(log.append(frame("one")))
        // The new segment is made but cannot be synchronised, and its name cannot be removed.
        disk.withFaults {
            $0.failingSyncs = 1
            $0.failingRemoves = 1
        }
        #expect(await failure(of: log.append(frame([UInt8](repeating: 1, count: 100))), in: log) == .io)
        try log.resetAfterFailure()
        try await log.waitUntilDurable(log.append(frame("two")))
        let (again, seen) = try openCollecting("/log", LogOptions(fileSystem: disk.killed()))
        #expect(seen.map(\.text) == ["one", "two"])
        again.close()
        log.close()
    }

    @Test(arguments: [1, 7, 34, 35])
    func survivesShortWrites(_ limit: Int) async throws {
        let disk = SimulatedDisk()
        disk.withFaults { $0.writeLimit = limit }
        let (log, _) = try openCollecting("/log", LogOptions(fileSystem: disk))
        for number in 0..<5 { try await log.waitUntilDurable(log.append(frame("unit \(number)"))) }
        log.close()
        let (again, seen) = try openCollecting("/log", LogOptions(fileSystem: disk))
        #expect(seen.map(\.text) == (0..<5).map { "unit \($0)" })
        again.close()
    }

    /// Changes bytes of a closed log's file of a number.
    private func damage(_ disk: SimulatedDisk, file: Int = 1, _ change: (inout [UInt8]) -> Void) {
        disk.state.withLock { state in
            var content = state.contents[file] ?? SimulatedDisk.Content()
            change(&content.current)
            content.durable = content.current
            state.contents[file] = content
        }
    }

    private func closedLog(segmentBytes: Int = 1 << 20) async throws -> SimulatedDisk {
        let disk = SimulatedDisk()
        let (log, _) = try openCollecting("/log", LogOptions(segmentBytes: segmentBytes, fileSystem: disk))
        for number in 0..<6 { try await log.waitUntilDurable(log.append(frame("unit \(number)"))) }
        log.close()
        return disk
    }

    @Test func reportsEveryFlippedBitOfAClosedLogAndChangesNothing() async throws {
        let sound = try await closedLog()
        let size = sound.state.withLock { $0.contents[1]?.current.count ?? 0 }
        let closingMark = size - LogBatchMark.frameBytes
        for byte in 0..<closingMark {
            let disk = sound.crashed { $0 }
            damage(disk) { $0[byte] ^= 0x10 }
            let error = #expect(throws: StorageError.self, "byte \(byte)") {
                try openCollecting("/log", LogOptions(fileSystem: disk))
            }
            #expect(error?.code == .corruptLog, "byte \(byte)")
            #expect(error?.message.contains("/log/00000000000000000000.log") == true)
            #expect(disk.state.withLock { $0.contents[1]?.current.count } == size)
        }
    }

    @Test func reportsAMissingSegment() async throws {
        let sound = try await closedLog(segmentBytes: 150)
        let names = try sound.names(in: "/log").sorted()
        #expect(names.count >= 3)
        for name in names.dropLast() {
            let disk = sound.crashed { $0 }
            try disk.remove("/log/\(name)")
            let error = #expect(throws: StorageError.self, "\(name)") {
                try openCollecting("/log", LogOptions(fileSystem: disk))
            }
            #expect(error?.code == .corruptLog)
        }
    }

    @Test func refusesALogOfANewerVersion() async throws {
        let disk = try await closedLog()
        var newer = frame("from the future")
        newer[8] = 2
        FrameEnvelope.finish(0, in: &newer)
        damage(disk) { $0 += newer }
        let error = #expect(throws: StorageError.self) { try openCollecting("/log", LogOptions(fileSystem: disk)) }
        #expect(error?.code == .versionTooNew)
    }

    @Test func refusesToCutWhatTheEngineSaysIsThere() async throws {
        let disk = try await closedLog()
        let size = disk.state.withLock { $0.contents[1]?.current.count ?? 0 }
        damage(disk) { $0.removeLast(LogBatchMark.frameBytes + 3) }
        let options = LogOptions(recoverFrom: LogPosition(rawValue: UInt64(size)), fileSystem: disk)
        let error = #expect(throws: StorageError.self) { try openCollecting("/log", options) }
        #expect(error?.code == .corruptLog)
        #expect(disk.state.withLock { $0.contents[1]?.current.count } == size - LogBatchMark.frameBytes - 3)
    }
}
