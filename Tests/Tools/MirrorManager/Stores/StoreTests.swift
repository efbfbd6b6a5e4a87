// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import LiveTestSupport
import MirrorConfig
@testable import MirrorManager
import MirrorWire
import Storage
import Synchronization
import SyncJobs
import Testing

@Suite struct StoreTests {
    @Test func memoryKeepsWhatTheContractSays() async throws {
        // Only while the process lives: the store is not closed in between.
        let store = MemoryStore()
        try await StoreContract.check { store }
    }

    @Test func lmdbKeepsWhatTheContractSays() async throws {
        let folder = try TemporaryDirectory("mirror-store")
        try await StoreContract.check { try await EngineStore.open(directory: folder.file("data")) }
    }

    @Test func twoManagersCannotUseOneDirectory() async throws {
        let folder = try TemporaryDirectory("mirror-store")
        let store = try await EngineStore.open(directory: folder.path)
        await #expect(throws: StorageError.self) { _ = try await EngineStore.open(directory: folder.path) }
        await store.close()
        await (try await EngineStore.open(directory: folder.path)).close()
    }

    @Test func aDatabaseOfSomethingElseIsRefused() async throws {
        let folder = try TemporaryDirectory("mirror-store")
        let engine = try LMDBEngine.open(directory: folder.path)
        try await engine.write { try $0.put([1], for: [UInt8(ascii: "z")]) }
        engine.close()
        await #expect { _ = try await EngineStore.open(directory: folder.path) } throws: {
            ($0 as? StoreError)?.code == .foreign
        }
    }

    @Test func postgreSQLKeepsWhatTheContractSays() async throws {
        let server = try PostgresServer()
        defer { #expect(throws: Never.self) { try server.stop() } }
        let open = { try await PostgresStore.open(server.connection, password: PostgresServer.password) }
        try await StoreContract.check(open)

        let store = try await open()
        await #expect { _ = try await open() } throws: {
            ($0 as? StoreError)?.message.contains("another manager") == true
        }
        // The server goes away and comes back: what could not be written then can be now.
        try server.stop()
        var batch = StoreBatch(keptRuns: 1)
        batch.workers["late"] = StoreContract.worker("late")
        await #expect(throws: StoreError.self) { try await store.apply(batch) }
        try server.start()
        try await eventually("the store writes again") {
            // Failures are what is waited out here.
            (try? await store.apply(batch)) != nil
        }
        #expect(try await store.load().workers.contains { $0.worker.id == "late" })
        await store.close()
        await #expect(throws: (any Error).self) { try await store.apply(batch) }
        await #expect {
            _ = try await PostgresStore.open(server.connection, password: "wrong-password")
        } throws: { error in
            (error as? StoreError)?.code == .unavailable && !"\(error)".contains("wrong-password")
        }
    }

    @Test func redisKeepsWhatTheContractSays() async throws {
        let server = try RedisServer()
        defer { #expect(throws: Never.self) { try server.stop() } }
        let open = { try await RedisStore.open(server.url, password: RedisServer.password) }
        try await StoreContract.check(open)

        let store = try await open()
        try server.stop()
        var batch = StoreBatch(keptRuns: 1)
        batch.workers["late"] = StoreContract.worker("late")
        await #expect(throws: StoreError.self) { try await store.apply(batch) }
        try server.start()
        try await eventually("the store writes again") {
            // Failures are what is waited out here.
            (try? await store.apply(batch)) != nil
        }
        #expect(try await store.load().workers.contains { $0.worker.id == "late" })
        await store.close()
        await #expect(throws: StoreError.self) { _ = try await RedisStore.open(server.url, password: "wrong") }
    }

    @Test func recordsOfTunasyncInRedisAreTakenOver() async throws {
        let server = try RedisServer()
        defer { #expect(throws: Never.self) { try server.stop() } }
        let link = try await RedisLink.connect(try RedisLink.Target(server.url, password: RedisServer.password))
        _ = try await link.run([
            "HSET", "workers", "w1",
            #"{"id":"w1","url":"http://127.0.0.1:26000/","token":"","last_online":"2026-11-21T03:54:47.78364865Z","last_register":"2026-11-21T03:54:47.78364871Z"}"#,
        ])
        _ = try await link.run([
            "HSET", "mirror_status", "ok/w1",
            #"{"name":"ok","worker":"w1","is_master":true,"status":"paused","last_update":"0001-01-01T00:00:00Z","last_started":"0001-01-01T00:00:00Z","last_ended":"0001-01-01T00:00:00Z","next_schedule":"0001-01-01T00:00:00Z","upstream":"u","size":"unknown","error_msg":""}"#,
            "/fake", #"{"name":"","worker":"fake","status":"disabled"}"#,
        ])
        await link.close()
        let target = MemoryStore()
        let records = try await ManagerImport.records(ofRedis: server.url, password: RedisServer.password)
        let first = try await ManagerImport.write(records, to: target)
        #expect(first == .init(workers: 1, mirrors: 1, kept: 0, unusable: 1))
        let second = try await ManagerImport.write(records, to: target)
        #expect(second == .init(workers: 0, mirrors: 0, kept: 2, unusable: 1))
        #expect(try await target.load().mirrors.map(\.status.status) == [.paused])
    }

    @Test func recordsOfARunningManagerAreTakenOver() async throws {
        try await TestManager.run { manager in
            _ = try await manager.post("/workers", Worker(id: "w1", url: "http://127.0.0.1:1/", token: "hidden"))
            try await manager.status("a", "paused")
            try await manager.status("b", "success", worker: "w2", size: "5G")
            let records = try await ManagerImport.records(of: ManagerAddress(baseURL: manager.base))
            let target = MemoryStore()
            let summary = try await ManagerImport.write(records, to: target)
            #expect(summary == .init(workers: 2, mirrors: 2, kept: 0, unusable: 0))
            let written = try await target.load()
            #expect(written.workers.map(\.worker.token) == ["", ""])
            #expect(Set(written.mirrors.map(\.status.status)) == [.paused, .success])
        }
    }

    @Test(
        arguments: [
            ("redis://h", "h", 6379, 0, nil, nil, false), ("redis://h:1/2", "h", 1, 2, nil, nil, false),
            ("redis://u:p%40@h:1", "h", 1, 0, "u", "p@", false), ("rediss://:p@[::1]:7/", "::1", 7, 0, nil, "p", true),
            ("redis://127.0.0.1/15", "127.0.0.1", 6379, 15, nil, nil, false),
        ] as [(String, String, Int, Int, String?, String?, Bool)])
    func addressesOfRedisAreRead(
        _ url: String, _ host: String, _ port: Int, _ database: Int, _ user: String?, _ password: String?,
        _ isSecure: Bool
    ) throws {
        let target = try RedisLink.Target(url, password: nil)
        #expect(target.host == host)
        #expect(target.port == port)
        #expect(target.database == database)
        #expect(target.user == user)
        #expect(target.password == password)
        #expect(target.isSecure == isSecure)
        #expect(try RedisLink.Target(url, password: "other").password == "other")
    }

    @Test(arguments: ["", "http://h", "redis://", "redis://h:x", "redis://h/x", "redis://h/-1", "redis://h:0"])
    func badAddressesOfRedisAreRefused(_ url: String) {
        #expect(throws: StoreError.self) { _ = try RedisLink.Target(url, password: nil) }
    }
}

/// A store that takes its time, and fails when it is told to.
final class FailingStore: ManagerStore {
    let inner = MemoryStore()
    private let fails = Mutex(false)
    private let count = Mutex(0)
    private let delay: Duration

    init(delay: Duration = .zero) { self.delay = delay }

    var batches: Int { count.withLock { $0 } }

    func fail(_ value: Bool) { fails.withLock { $0 = value } }

    func load() async throws -> StoredRecords { try await inner.load() }

    func apply(_ batch: StoreBatch) async throws {
        if fails.withLock({ $0 }) { throw StoreError(.unavailable, "the disk is full") }
        count.withLock { $0 += 1 }
        try await Task.sleep(for: delay)
        try await inner.apply(batch)
    }

    func runs(of key: MirrorKey, limit: Int) async throws -> [RunRecord] {
        try await inner.runs(of: key, limit: limit)
    }

    func close() async {}
}
