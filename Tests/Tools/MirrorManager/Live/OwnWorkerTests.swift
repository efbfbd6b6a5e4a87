// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import LiveTestSupport
import MirrorConfig
@testable import MirrorManager
import MirrorWire
import NIOHTTP1
import SyncJobs
import Testing

/// What the manager offers to workers of ours.
@Suite struct OwnWorkerTests {
    static let start = WireTime(seconds: 1_795_000_000)

    private func register(
        _ manager: TestManager, _ incarnation: String = "i1", started: WireTime = start,
        url: String = "http://127.0.0.1:1/",
        token: String = ""
    ) async throws -> TestManager.Reply {
        try await manager.post(
            "/workers",
            Worker(id: "w1", url: url, token: token, incarnation: incarnation, started: started, version: "1.0"))
    }

    private func status(
        _ sequence: UInt64, _ name: String, _ state: JobState, run: UInt64 = 1, at seconds: Int64 = 1_795_000_100,
        isFinal: Bool = false
    ) -> WorkerEvent {
        WorkerEvent(
            sequence: sequence,
            kind: .status(
                .init(
                    at: WireTime(seconds: seconds), run: run, attempt: 1,
                    status: MirrorStatus(name: name, worker: "w1", status: state), isFinal: isFinal)))
    }

    private func post(
        _ manager: TestManager, _ events: [WorkerEvent], incarnation: String = "i1", started: WireTime = start,
        outbox: String = "o1"
    ) async throws -> TestManager.Reply {
        try await manager.post(
            "/api/v1/workers/w1/events",
            WorkerEvents(incarnation: incarnation, started: started, outbox: outbox, events: events))
    }

    @Test func eventsSetTimesAsTheyHappened() async throws {
        try await TestManager.run { manager in
            _ = try await register(manager)
            let reply = try await post(
                manager,
                [
                    status(1, "a", .preSyncing, at: 1_795_000_100), status(2, "a", .syncing, at: 1_795_000_101),
                    status(3, "a", .success, at: 1_795_000_200, isFinal: true),
                    WorkerEvent(
                        sequence: 4,
                        kind: .schedules(
                            at: Self.start, [.init(name: "a", nextSchedule: WireTime(seconds: 1_795_007_200))])),
                ])
            #expect(reply.text == #"{"acknowledged":4}"#)
            let row = try #require(try await manager.rows().first)
            #expect(row.web.lastStarted.seconds == 1_795_000_100)
            #expect(row.web.lastUpdate.seconds == 1_795_000_200)
            #expect(row.web.lastEnded == row.web.lastUpdate)
            #expect(row.web.nextSchedule.seconds == 1_795_007_200)
            #expect(row.run == 1)
            #expect(row.isWorkerOnline)
        }
    }

    @Test func eventsThatCameBeforeAreNotTakenAgain() async throws {
        try await TestManager.run { manager in
            _ = try await register(manager)
            let first = [status(1, "a", .syncing), status(2, "a", .success)]
            _ = try await post(manager, first)
            _ = try await post(manager, [status(3, "a", .preSyncing, at: 1_795_000_300)])
            let again = try await post(manager, first)
            #expect(again.text == #"{"acknowledged":3}"#)
            #expect(try await manager.jobs().first?.status == .preSyncing)
            // A new outbox counts from 1 again.
            let fresh = try await post(manager, [status(1, "a", .failed)], outbox: "o2")
            #expect(fresh.text == #"{"acknowledged":1}"#)
            #expect(try await manager.jobs().first?.status == .failed)
        }
    }

    @Test func aNewerProcessFencesTheOlder() async throws {
        try await TestManager.run { manager in
            _ = try await register(manager, "i1", started: Self.start)
            let later = WireTime(seconds: Self.start.seconds + 60)
            #expect(try await register(manager, "i2", started: later).status == 200)
            for reply in [
                try await post(manager, [status(1, "a", .success)], incarnation: "i1"),
                try await register(manager, "i1", started: Self.start),
                try await manager.post(
                    "/api/v1/workers/w1/heartbeat",
                    Heartbeat(incarnation: "i1", started: Self.start, running: [], queued: 0)),
            ] {
                #expect(reply.status == 409)
                #expect(try ErrorAnswer(json: reply.body).isFenced)
            }
            #expect(try await manager.jobs().isEmpty)
            #expect(
                try await post(manager, [status(1, "a", .success)], incarnation: "i2", started: later).status == 200)
        }
    }

    @Test func heartbeatsTellProgressAndWhetherTheWorkerIsKnown() async throws {
        try await TestManager.run { manager in
            let beat = Heartbeat(
                incarnation: "i1", started: Self.start,
                running: [
                    .init(
                        name: "a", run: 1, state: .syncing, attempt: 1, started: Self.start,
                        progress: RunProgress(bytes: 5, percent: 50))
                ], queued: 3)
            #expect(try await manager.post("/api/v1/workers/w1/heartbeat", beat).text == #"{"known":false}"#)
            _ = try await register(manager)
            _ = try await post(manager, [status(1, "a", .syncing)])
            #expect(try await manager.post("/api/v1/workers/w1/heartbeat", beat).text == #"{"known":true}"#)
            #expect(try await manager.rows().first?.progress?.percent == 50)
            let workers = try [WorkerRow](json: try await manager.get("/api/v1/workers").body)
            #expect(workers.first?.queued == 3)
            #expect(workers.first?.isLegacy == false)
            #expect(workers.first?.mirrors == 1)
            _ = try await post(manager, [status(2, "a", .success, isFinal: true)])
            #expect(try await manager.rows().first?.progress == nil)
        }
    }

    @Test func deletedMirrorsGo() async throws {
        try await TestManager.run { manager in
            _ = try await register(manager)
            _ = try await post(manager, [status(1, "a", .success), status(2, "b", .success)])
            _ = try await post(manager, [WorkerEvent(sequence: 3, kind: .removed(name: "a"))])
            #expect(try await manager.jobs().map(\.name) == ["b"])
            #expect(try await manager.get("/api/v1/mirrors/w1/a/history").status == 404)
        }
    }

    @Test func eventsOfAnUnknownWorkerAreNotTaken() async throws {
        try await TestManager.run { manager in
            let reply = try await post(manager, [status(1, "a", .success)])
            #expect(reply.status == 404)
            #expect(try await manager.jobs().isEmpty)
            _ = try await register(manager)
            let bad = try await post(manager, [status(1, "a", .success), status(2, "../b", .success)])
            #expect(bad.status == 400)
            #expect(try await manager.jobs().isEmpty)
        }
    }

    @Test func silentWorkersAreShownOfflineUntilTheySpeakAgain() async throws {
        var limits = Registry.Limits()
        limits.offlineAfter = .milliseconds(300)
        try await TestManager.run(limits: limits) { manager in
            _ = try await register(manager)
            _ = try await post(manager, [status(1, "a", .syncing)])
            try await eventually("the worker is offline") { try await manager.rows().first?.isWorkerOnline == false }
            // What the public sees stays.
            #expect(try await manager.jobs().first?.status == .syncing)
            let explanation = try ExplanationAnswer(json: try await manager.get("/api/v1/mirrors/w1/a/explain").body)
            #expect(explanation.reason == "worker-offline")
            try await eventually("the worker is online") {
                _ = try await post(manager, [])
                return try await manager.rows().first?.isWorkerOnline == true
            }
        }
    }

    @Test func runsAreRemembered() async throws {
        var settings = TestManager.open
        settings.historyRuns = 2
        try await TestManager.run(settings) { manager in
            _ = try await register(manager)
            _ = try await post(manager, [status(1, "a", .success)])
            let runs = (1...3).map { number in
                WorkerEvent(
                    sequence: UInt64(number) + 1,
                    kind: .run(
                        RunRecord(
                            name: "a", run: UInt64(number), started: WireTime(seconds: Int64(number)),
                            ended: WireTime(seconds: Int64(number) + 1), state: .success, attempts: 1, size: "1G",
                            bytes: 9)))
            }
            _ = try await post(manager, runs)
            let reply = try await manager.get("/api/v1/mirrors/w1/a/history?limit=5")
            #expect(
                reply.text
                    == #"[{"run":3,"started":"1970-01-01T00:00:03Z","ended":"1970-01-01T00:00:04Z","state":"success","attempts":1,"size":"1G","bytes":9,"message":""},{"run":2,"started":"1970-01-01T00:00:02Z","ended":"1970-01-01T00:00:03Z","state":"success","attempts":1,"size":"1G","bytes":9,"message":""}]"#
            )
            #expect(
                try [RunRecord](json: try await manager.get("/api/v1/mirrors/w1/a/history?limit=1").body).count == 1)
            #expect(try await manager.get("/api/v1/mirrors/w1/a/history?limit=x").status == 400)
            #expect(try await manager.get("/api/v1/mirrors/w1/none/history").status == 404)
        }
    }

    @Test func attemptsOfATunasyncRunAreOneRunOfItsHistory() async throws {
        try await TestManager.run { manager in
            for state in ["pre-syncing", "syncing", "failed", "syncing", "success"] {
                try await manager.status("a", state, size: "3G")
            }
            let runs = try [RunRecord](json: try await manager.get("/api/v1/mirrors/w1/a/history").body)
            #expect(runs.map(\.state) == [.success])
            #expect(runs.first?.attempts == 2)
            #expect(runs.first?.size == "3G")
        }
    }

    @Test func whatOnlyTheWorkerKnowsIsPassedOn() async throws {
        try await FakeWorker.run { worker, url in
            try await TestManager.run { manager in
                _ = try await register(manager, url: url, token: "worker-token")
                _ = try await post(manager, [status(1, "a b", .success)])
                let explanation = ExplanationAnswer(state: .success, reason: "due", text: "due soon")
                let log = LogEntry(
                    id: "x", run: 1, started: Self.start, bytes: 3, isFailed: false, isCompressed: false)
                worker.answer([
                    .init(body: String(decoding: explanation.json, as: UTF8.self)),
                    .init(body: String(decoding: [log].json, as: UTF8.self)), .init(body: "line 1\nline 2\n"),
                    .init(status: 404, body: #"{"error":"no such log"}"#), .init(body: "not json"),
                ])
                #expect(
                    try ExplanationAnswer(json: try await manager.get("/api/v1/mirrors/w1/a%20b/explain").body)
                        == explanation)
                #expect(try [LogEntry](json: try await manager.get("/api/v1/mirrors/w1/a%20b/logs").body) == [log])
                let text = try await manager.get("/api/v1/mirrors/w1/a%20b/logs/x%2Fy?offset=5&follow=true")
                #expect(text.text == "line 1\nline 2\n")
                #expect(text.headers["Content-Type"] == ["text/plain; charset=utf-8"])
                let missing = try await manager.get("/api/v1/mirrors/w1/a%20b/logs/x")
                #expect(missing.status == 404)
                #expect(try await manager.get("/api/v1/mirrors/w1/a%20b/logs").status == 502)
                #expect(
                    worker.received.map(\.path) == [
                        "/api/v1/jobs/a%20b/explain", "/api/v1/jobs/a%20b/logs",
                        "/api/v1/jobs/a%20b/logs/x%2Fy?offset=5&follow=true", "/api/v1/jobs/a%20b/logs/x?offset=0",
                        "/api/v1/jobs/a%20b/logs",
                    ])
                #expect(worker.received.allSatisfy { $0.authorization == "Bearer worker-token" })
            }
        }
    }

    @Test func theRealAnswerOfTheWorkerIsTold() async throws {
        try await FakeWorker.run { worker, url in
            try await TestManager.run { manager in
                _ = try await register(manager, url: url)
                _ = try await post(manager, [status(1, "a", .paused)])
                worker.answer([.init(status: 404, body: #"{"msg":"Mirror ``a'' not found"}"#), .init(), .init()])
                let command = ClientCommand(verb: .enable, mirror: "a", worker: "", options: ["force": true])
                let refused = try await manager.post("/api/v1/commands", command)
                #expect(refused.status == 404)
                #expect(refused.text == #"{"error":"Mirror ``a'' not found"}"#)
                #expect(
                    try await manager.post("/api/v1/commands", command).text
                        == #"{"message":"enable was sent to worker w1"}"#)
                #expect(try await manager.post("/api/v1/trigger/a", "").text == #"{"message":"a was started on w1"}"#)
                #expect(try await manager.post("/api/v1/trigger/none", "").status == 404)
                #expect(
                    worker.received[1].body == #"{"cmd":"enable","mirror_id":"a","args":null,"options":{"force":true}}"#
                        + "\n")
                #expect(worker.received[2].body == #"{"cmd":"start","mirror_id":"a","args":null,"options":{}}"# + "\n")
            }
        }
    }

    @Test func recordsOutliveTheManager() async throws {
        let folder = try TemporaryDirectory("mirror-manager")
        var settings = TestManager.open
        settings.database = .lmdb(path: folder.file("data"))
        try await TestManager.run(settings) { manager in
            _ = try await register(manager)
            _ = try await post(manager, [status(1, "a", .success, at: 1_795_000_100), status(2, "b", .syncing)])
            _ = try await manager.post("/cmd", ClientCommand(verb: .stop, mirror: "b", worker: "w1", options: [:]))
        }
        try await TestManager.run(settings) { manager in
            let jobs = try await manager.jobs()
            #expect(jobs.map(\.status) == [.success, .paused])
            #expect(jobs.first?.lastUpdate.seconds == 1_795_000_100)
            let again = try await post(manager, [status(1, "a", .failed), status(3, "b", .success)])
            #expect(again.text == #"{"acknowledged":3}"#)
            #expect(try await manager.jobs().map(\.status) == [.success, .success])
        }
    }

    @Test func nothingIsAcknowledgedThatIsNotKept() async throws {
        let store = FailingStore()
        try await TestManager.run(store: store) { manager in
            _ = try await register(manager)
            store.fail(true)
            #expect(try await post(manager, [status(1, "a", .success)]).status == 500)
            #expect(try await manager.status("b", "success").status == 500)
            #expect(try await store.load().mirrors.isEmpty)
            store.fail(false)
            // What failed is not lost: it goes with the next batch.
            #expect(try await post(manager, [status(1, "a", .success)]).text == #"{"acknowledged":1}"#)
            #expect(try await store.load().mirrors.count == 2)
        }
    }

    @Test func postsThatWaitForTheStoreShareABatch() async throws {
        let store = FailingStore(delay: .milliseconds(100))
        try await TestManager.run(store: store) { manager in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<60 {
                    group.addTask { _ = try await manager.status("m\(index)", "success") }
                }
                try await group.waitForAll()
            }
            #expect(store.batches < 40)
            #expect(try await store.load().mirrors.count == 60)
        }
    }
}
