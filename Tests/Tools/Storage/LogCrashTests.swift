// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import CRDTKit
import Storage
import Synchronization
import TestSupport
import Testing

/// What a log makes of power cuts, on a disk that loses or tears what was not synchronised.
@Suite struct LogCrashTests {
    /// A disk in the middle of a batch of three units, after a durable one.
    private func diskInMidBatch() async throws -> SimulatedDisk {
        let disk = SimulatedDisk()
        let (log, _) = try openCollecting("/log", LogOptions(fileSystem: disk))
        try await log.waitUntilDurable(log.append(frame("durable 0") + frame("durable 1")))
        let (entered, release) = (Flag(), Flag())
        let rounds = Mutex(0)
        disk.withFaults {
            $0.beforeSync = {
                let round = rounds.withLock { rounds in
                    rounds += 1
                    return rounds
                }
                if round <= 2 {
                    entered.raise()
                    release.wait()
                }
            }
        }
        // The first unit keeps the disk busy, so that the other three share a batch.
        _ = log.append(frame("durable 2"))
        await onThread { entered.wait() }
        for number in 0..<3 { _ = log.append(frame("new \(number)")) }
        release.raise()
        await onThread { entered.wait() }
        let snapshot = disk.killed()
        release.raise()
        log.close()
        return snapshot
    }

    private static let durable = (0..<3).map { "durable \($0)" }
    private static let new = (0..<3).map { "new \($0)" }

    @Test func losesNothingDurableWhereverABatchIsCut() async throws {
        let disk = try await diskInMidBatch()
        let pending = disk.unsynchronisedBytes
        #expect(pending > 3 * 15)
        for kept in 0...pending {
            let after = disk.crashed { Array($0.prefix(kept)) }
            try await check(after, "kept \(kept)")
        }
    }

    @Test func losesNothingDurableWhereverABatchIsTorn() async throws {
        let disk = try await diskInMidBatch()
        let pending = disk.unsynchronisedBytes
        for start in 0..<pending {
            for length in [1, 16, pending] {
                let after = disk.crashed { suffix in
                    var torn = suffix
                    for index in start..<min(start + length, torn.count) { torn[index] = 0 }
                    return torn
                }
                try await check(after, "zeros at \(start), \(length)")
            }
        }
    }

    /// Opens the disk, expects the durable frames and a prefix of the new ones, goes on, and opens it once more.
    private func check(_ disk: SimulatedDisk, _ context: String) async throws {
        let options = LogOptions(fileSystem: disk)
        let (log, seen) = try openCollecting("/log", options)
        let texts = seen.map(\.text)
        #expect(texts.starts(with: Self.durable), "\(context)")
        #expect(texts.elementsEqual((Self.durable + Self.new).prefix(texts.count)), "\(context)")
        try await log.waitUntilDurable(log.append(frame("after")))
        // The power goes again, without a close.
        let (again, more) = try openCollecting("/log", LogOptions(fileSystem: disk.crashed { _ in [] }))
        #expect(more.map(\.text) == texts + ["after"], "\(context)")
        again.close()
        log.close()
    }

    @Test func whatARecoveryShowedSurvivesThePowerCutAfterIt() async throws {
        // The process is killed while a batch is written but not synchronised; the next one shows it, and then the power goes.
        let disk = try await diskInMidBatch().killed()
        let (log, seen) = try openCollecting("/log", LogOptions(fileSystem: disk))
        #expect(seen.map(\.text) == Self.durable + Self.new)
        let (again, more) = try openCollecting("/log", LogOptions(fileSystem: disk.crashed { _ in [] }))
        #expect(more.map(\.text) == Self.durable + Self.new)
        again.close()
        log.close()
    }

    @Test func dropsASegmentWhoseHeaderIsTorn() async throws {
        for cut in 0...LogSegmentHeader.byteCount {
            let disk = SimulatedDisk()
            let options = LogOptions(segmentBytes: 120, fileSystem: disk)
            let (log, _) = try openCollecting("/log", options)
            try await log.waitUntilDurable(log.append(frame("one")))
            let end = log.end
            let name = String(repeating: "0", count: 20 - String(end.rawValue).count) + "\(end.rawValue).log"
            let after = disk.crashed { $0 }
            let torn = try after.create("/log/\(name)")
            let header = LogSegmentHeader(number: 2, base: end, firstBatch: 2, salt: 1).encoded()
            try header.prefix(cut).withUnsafeBytes { bytes in if cut > 0 { _ = try torn.write([bytes], at: 0) } }
            let (again, seen) = try openCollecting("/log", LogOptions(segmentBytes: 120, fileSystem: after))
            #expect(seen.map(\.text) == ["one"], "cut at \(cut)")
            try await again.waitUntilDurable(again.append(frame("two")))
            again.close()
            let (last, all) = try openCollecting("/log", LogOptions(fileSystem: after))
            #expect(all.map(\.text) == ["one", "two"], "cut at \(cut)")
            last.close()
            log.close()
        }
    }

    @Test(arguments: 1...40)
    func keepsItsWordThroughRandomFaultsAndPowerCuts(_ seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        var disk = SimulatedDisk()
        var acknowledged: [String] = []
        var refused: Set<String> = []
        var number = 0
        for _ in 0..<6 {
            let size = Int.random(in: 100...800, using: &random)
            let (log, seen) = try openCollecting("/log", LogOptions(segmentBytes: size, fileSystem: disk))
            let texts = seen.map(\.text)
            #expect(texts.starts(with: acknowledged), "seed \(seed)")
            #expect(texts.count <= acknowledged.count + 1, "seed \(seed)")
            #expect(refused.isDisjoint(with: texts), "seed \(seed)")
            acknowledged = texts
            for _ in 0..<Int.random(in: 1...12, using: &random) {
                disk.withFaults { faults in
                    faults.writeLimit = Int.random(in: 0..<3, using: &random) == 0 ? 13 : .max
                    switch Int.random(in: 0..<8, using: &random) {
                    case 0: faults.failingSyncs = 1
                    case 1: faults.failingWrites = 1
                    case 2: faults.capacity = Int.random(in: 0..<4000, using: &random)
                    default: break
                    }
                }
                let units = (0..<Int.random(in: 1...5, using: &random)).map { number + $0 }
                number += units.count
                let tickets = units.map { log.append(frame("unit \($0)")) }
                for (unit, ticket) in zip(units, tickets) {
                    if await failure(of: ticket, in: log) == nil {
                        acknowledged.append("unit \(unit)")
                    } else {
                        refused.insert("unit \(unit)")
                    }
                }
                disk.withFaults { $0 = SimulatedDisk.Faults() }
                try log.resetAfterFailure()
            }
            // What is queued now is neither acknowledged nor refused when the power goes.
            _ = log.append(frame("open \(number)"))
            let kept = Int.random(in: 0...60, using: &random)
            disk = disk.crashed { Array($0.prefix(kept)) }
            log.close()
        }
    }
}
