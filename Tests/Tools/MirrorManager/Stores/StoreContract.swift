// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

@testable import MirrorManager
import MirrorWire
import SyncJobs
import Testing

/// What every store must do.
enum StoreContract {
    /// - Parameters:
    ///   - open: opens the same store again and again.
    static func check(_ open: () async throws -> any ManagerStore) async throws {
        try await recordsComeBack(open)
        try await removedRecordsAreGone(open)
        try await runsAreBoundedAndNewestFirst(open)
        try await runsOfOtherMirrorsStay(open)
        try await manyChangesAtOnceAreKept(open)
    }

    static func worker(_ id: String, sequence: UInt64 = 0) -> WorkerRecord {
        WorkerRecord(
            worker: Worker(id: id, url: "http://h:1/", token: "t\"\\'{},", lastOnline: .now(), incarnation: "i"),
            outbox: "o", lastSequence: sequence, peer: "127.0.0.1")
    }

    static func mirror(_ name: String, _ worker: String, _ state: JobState = .success) -> MirrorRecord {
        MirrorRecord(
            status: MirrorStatus(
                name: name, worker: worker, status: state, lastUpdate: WireTime(seconds: 1_795_233_287, nanoseconds: 5),
                upstream: "https://u/?a=1&b=<2>", errorMessage: "line\nfeed \u{1} \"quoted\" \\ é 镜像 {a,b}"),
            run: 18_446_744_073_709_551_615, attempt: 2, failure: .transient)
    }

    static func run(_ key: MirrorKey, _ number: UInt64, at seconds: Int64, _ message: String = "") -> StoreBatch.Run {
        StoreBatch.Run(
            key: key,
            record: RunRecord(
                name: key.name, run: number, started: WireTime(seconds: seconds), ended: WireTime(seconds: seconds + 1),
                state: .success, attempts: 1, size: "1G", bytes: 7, message: message))
    }

    private static func recordsComeBack(_ open: () async throws -> any ManagerStore) async throws {
        let store = try await open()
        var batch = StoreBatch(keptRuns: 3)
        for id in ["w1", "w 2"] { batch.workers[id] = worker(id, sequence: .max) }
        for name in ["a", "b\"c", "镜像"] { batch.mirrors[mirror(name, "w1").key] = mirror(name, "w1") }
        batch.mirrors[mirror("a", "w 2").key] = mirror("a", "w 2", .paused)
        try await store.apply(batch)
        try await store.apply(StoreBatch(keptRuns: 3))
        await store.close()

        let again = try await open()
        let records = try await again.load()
        #expect(records.unreadable == 0)
        #expect(records.workers.map(\.worker.id).sorted() == ["w 2", "w1"])
        for record in records.workers { #expect(record == batch.workers[record.worker.id]) }
        #expect(records.mirrors.count == 4)
        for record in records.mirrors { #expect(record == batch.mirrors[record.key]) }
        await again.close()
    }

    private static func removedRecordsAreGone(_ open: () async throws -> any ManagerStore) async throws {
        let store = try await open()
        let key = MirrorKey(name: "a", worker: "w1")
        var batch = StoreBatch(keptRuns: 3)
        batch.runs = [run(key, 1, at: 5)]
        try await store.apply(batch)
        #expect(try await store.runs(of: key, limit: 9).count == 1)
        var removal = StoreBatch(keptRuns: 3)
        removal.workers["w 2"] = .some(nil)
        removal.remove(key)
        try await store.apply(removal)
        let records = try await store.load()
        #expect(records.workers.map(\.worker.id) == ["w1"])
        #expect(!records.mirrors.contains { $0.key == key })
        #expect(records.mirrors.count == 3)
        #expect(try await store.runs(of: key, limit: 9).isEmpty)
        await store.close()
    }

    private static func runsAreBoundedAndNewestFirst(_ open: () async throws -> any ManagerStore) async throws {
        let store = try await open()
        let key = MirrorKey(name: "runs", worker: "w1")
        for number: UInt64 in [4, 2, 9, 1, 3] {
            var batch = StoreBatch(keptRuns: 3)
            batch.runs = [run(key, number, at: Int64(number) * 10)]
            try await store.apply(batch)
        }
        #expect(try await store.runs(of: key, limit: 10).map(\.run) == [9, 4, 3])
        #expect(try await store.runs(of: key, limit: 2).map(\.run) == [9, 4])
        #expect(try await store.runs(of: key, limit: 0).isEmpty)
        // The same run again, also twice in one batch, is one run; times before 1970 are times.
        var batch = StoreBatch(keptRuns: 4)
        batch.runs = [run(key, 9, at: 90, "x"), run(key, 9, at: 90, "later"), run(key, .max, at: -5)]
        try await store.apply(batch)
        let runs = try await store.runs(of: key, limit: 10)
        #expect(runs.map(\.run) == [9, 4, 3, .max])
        #expect(runs.first?.message == "later")
        await store.close()
    }

    private static func runsOfOtherMirrorsStay(_ open: () async throws -> any ManagerStore) async throws {
        let store = try await open()
        let keys = [
            MirrorKey(name: "x", worker: "w"), MirrorKey(name: "x", worker: "w1"), MirrorKey(name: "xw", worker: ""),
            MirrorKey(name: "x-y", worker: "w"),
        ]
        for (index, key) in keys.enumerated() {
            var batch = StoreBatch(keptRuns: 1)
            batch.runs = [run(key, UInt64(index), at: 1)]
            try await store.apply(batch)
        }
        var removal = StoreBatch(keptRuns: 1)
        removal.remove(keys[0])
        try await store.apply(removal)
        for (index, key) in keys.enumerated() {
            #expect(try await store.runs(of: key, limit: 5).map(\.run) == (index == 0 ? [] : [UInt64(index)]))
        }
        await store.close()
    }

    private static func manyChangesAtOnceAreKept(_ open: () async throws -> any ManagerStore) async throws {
        let store = try await open()
        var batch = StoreBatch(keptRuns: 2)
        for index in 0..<1_000 {
            let record = mirror("many-\(index)", "w1")
            batch.mirrors[record.key] = record
            batch.runs.append(run(record.key, 1, at: 1))
        }
        try await store.apply(batch)
        await store.close()
        let again = try await open()
        #expect(try await again.load().mirrors.count { $0.status.name.hasPrefix("many-") } == 1_000)
        #expect(try await again.runs(of: MirrorKey(name: "many-7", worker: "w1"), limit: 5).count == 1)
        await again.close()
    }
}
