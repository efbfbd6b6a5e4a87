// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import LiveTestSupport
import MirrorConfig
import MirrorManager
import MirrorWire
import SyncJobs
import Testing

@testable import MirrorWorker

/// What managers of ours are told.
@Suite struct ExtendedManagerTests {
    @Test func sendsNumberedEventsAndHeartbeatsToAManagerOfOurs() async throws {
        let manager = FakeManager(isOurs: true)
        try await manager.listening {
            var fixture = try WorkerFixture(managers: [manager.baseURL])
            try fixture.add("a", "true")
            let name = try #require(JobName("a"))
            let carrier = ScriptedCarrier()
            try await fixture.running(carrier: carrier) { _, _ in
                try await eventually("a heartbeat with progress") {
                    manager.heard.contains { $0.path.hasSuffix("/heartbeat") && $0.body.contains(#""percent":50"#) }
                }
                carrier.end(name)
                try await eventually("the run's end") {
                    manager.events.contains { if case .run = $0.kind { true } else { false } }
                }
            }
            let sequences = manager.events.map(\.sequence)
            #expect(sequences == Set(sequences).sorted())
            let states = manager.events.compactMap { event in
                if case .status(let change) = event.kind { change.status.status } else { nil }
            }
            #expect(states == [.preSyncing, .syncing, .success])
            for case .run(let run) in manager.events.map(\.kind) {
                #expect(run.name == "a")
                #expect(run.state == .success)
                #expect(run.bytes == 42)
                #expect(run.attempts == 1)
            }
            let registrations = manager.heard.filter { $0.path == "/workers" }.map(\.body)
            #expect(registrations.count == 2)
            #expect(registrations.first?.contains("incarnation") == false)
            #expect(registrations.last?.contains("incarnation") == true)
        }
    }

    @Test func tellsAManagerOfOursAllThatHappenedDuringAnOutage() async throws {
        let manager = FakeManager(isOurs: true)
        try await manager.listening {
            var fixture = try WorkerFixture(managers: [manager.baseURL])
            try fixture.add("a", "true")
            let name = try #require(JobName("a"))
            let carrier = ScriptedCarrier()
            try await fixture.running(carrier: carrier) { _, port in
                try await eventually("syncing") { !manager.events.isEmpty && carrier.going.contains(name) }
                manager.isDown = true
                carrier.end(name)
                try await eventually("the end") { carrier.finished.count == 1 }
                let start = #"{"cmd":"start","mirror_id":"a"}"#
                #expect(try await request("POST", "http://127.0.0.1:\(port)/", body: start).status == 200)
                try await eventually("another run") { carrier.going.contains(name) }
                carrier.end(name, .failed(.transient, message: "exit status 3"))
                try await eventually("its end") { carrier.finished.count == 2 }
                manager.remember(#"[{"name":"a","status":"syncing"}]"#)
                manager.isDown = false
                func runs() -> Int { manager.events.count { if case .run = $0.kind { true } else { false } } }
                try await eventually("both runs") { runs() == 2 }
            }
            let states = manager.events.compactMap { event in
                if case .status(let change) = event.kind { change.status.status } else { nil }
            }
            #expect(states == [.preSyncing, .syncing, .success, .preSyncing, .syncing, .failed])
        }
    }

    @Test func whatIsKnownOfTheWorkerOpensItsDoor() async throws {
        let manager = FakeManager(isOurs: true)
        try await manager.listening {
            var fixture = try WorkerFixture(managers: [manager.baseURL])
            fixture.settings.allowsLegacy = false
            try fixture.add("a", "true") { $0.job.timing.trigger = .manual }
            try await fixture.running(carrier: ScriptedCarrier()) { _, port in
                try await eventually("registration") { manager.heard.filter { $0.path == "/workers" }.count == 2 }
                let last = try #require(manager.heard.last { $0.path == "/workers" })
                let token = try Worker(json: Array(last.body.utf8)).token
                let url = "http://127.0.0.1:\(port)/"
                let ping = #"{"cmd":"ping","mirror_id":"a"}"#
                #expect(try await request("POST", url, body: ping).status == 401)
                #expect(try await request("POST", url, body: ping, token: token).status == 200)
            }
        }
    }

    @Test func registersAgainWhenTheManagerDoesNotKnowIt() async throws {
        let manager = FakeManager(isOurs: true)
        manager.answer { heard in
            heard.path.hasSuffix("/heartbeat") && manager.heard.filter { $0.path == "/workers" }.count < 3
                ? FakeManager.Answer(body: #"{"known":false}"#) : nil
        }
        try await manager.listening {
            var fixture = try WorkerFixture(managers: [manager.baseURL])
            try fixture.add("a", "true")
            try await fixture.running(carrier: ScriptedCarrier()) { _, _ in
                try await eventually("another registration") {
                    manager.heard.filter { $0.path == "/workers" }.count >= 3
                }
            }
        }
    }

    @Test func aFencedWorkerStopsItsRunsAndSaysSo() async throws {
        let manager = FakeManager(isOurs: true)
        let carrier = ScriptedCarrier()
        let fixture = try await manager.listening {
            var fixture = try WorkerFixture(managers: [manager.baseURL])
            try fixture.add("a", "true")
            let worker = try await fixture.worker(carrier: carrier)
            manager.answer { heard in
                heard.path.hasSuffix("/events") && heard.body.contains(#""syncing""#)
                    ? FakeManager.Answer(status: 409, body: #"{"error":"replaced","fenced":true}"#) : nil
            }
            let error = await #expect(throws: WorkerError.self) { try await worker.run() }
            #expect(error?.code == .fenced)
            #expect(error?.exitStatus == MirrorWire.fencedExitStatus)
            return fixture
        }
        #expect(carrier.going.isEmpty)
        _ = fixture
    }

    @Test func removesFromTheManagerWhatNoConfigurationHas() async throws {
        let manager = FakeManager(isOurs: true)
        manager.remember(#"[{"name":"gone","status":"success"}]"#)
        try await manager.listening {
            let fixture = try WorkerFixture(managers: [manager.baseURL])
            try await fixture.running(carrier: ScriptedCarrier()) { _, _ in
                try await eventually("removal") {
                    manager.events.contains { $0.kind == .removed(name: "gone") }
                }
            }
        }
    }

    @Test func aRealManagerShowsWhatTheWorkerDoesAndCommandsIt() async throws {
        let directory = try TemporaryDirectory("real-manager")
        var settings = ManagerSettings(
            server: ListenSettings(host: "127.0.0.1", port: 0), database: .lmdb(path: directory.file("db")))
        settings.allowsLegacy = true
        let manager = try await MirrorManager(settings: settings, logger: quietLogger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await manager.run() }
            defer { group.cancelAll() }
            let base = try await manager.address.baseURL
            var fixture = try WorkerFixture(managers: [base])
            fixture.settings.allowsLegacy = false
            try fixture.add("a", "true")
            let name = try #require(JobName("a"))
            let carrier = ScriptedCarrier()
            try await fixture.running(carrier: carrier) { _, _ in
                func row() async throws -> String { try await request("GET", base + "/api/v1/mirrors").body }
                try await eventually("syncing, seen at the manager") {
                    try await row().contains(#""status":"syncing""#)
                }
                try await eventually("progress") { try await row().contains(#""percent":50"#) }
                carrier.end(name)
                try await eventually("success") { try await row().contains(#""status":"success""#) }
                let stop = try await request(
                    "POST", base + "/api/v1/commands", body: #"{"cmd":"stop","mirror_id":"a","worker_id":"w1"}"#)
                #expect(stop.status == 200, "\(stop.body)")
                try await eventually("paused") { try await row().contains(#""status":"paused""#) }
                let explanation = try await request("GET", base + "/api/v1/mirrors/w1/a/explain")
                #expect(explanation.body.contains(#""reason":"paused""#), "\(explanation.body)")
                let history = try await request("GET", base + "/api/v1/mirrors/w1/a/history?limit=5")
                #expect(history.body.contains(#""state":"success""#), "\(history.body)")
            }
        }
    }
}
