// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import LiveTestSupport
import MirrorConfig
import MirrorWire
import SyncJobs
import Testing

@testable import MirrorWorker

/// What a manager of tunasync is told: as the capture of its own worker has it.
@Suite struct LegacyExchangeTests {
    /// `2026-…Z` in place of every time that is not "never".
    private func timeless(_ body: String) -> String {
        body.replacing(#/"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z"/#, with: "TIME")
    }

    @Test func tellsOneSuccessfulRunInTheOrderAndBytesOfTunasync() async throws {
        let manager = FakeManager()
        try await manager.listening {
            var fixture = try WorkerFixture(managers: [manager.baseURL])
            try fixture.add("ok", "sh -c 'echo size is 12.5G'") { $0.sizePattern = "size is ([0-9.]+G)" }
            let port = try await fixture.running { worker, port in
                try await eventually("the schedule after success") {
                    manager.states(of: "ok").last == "success"
                        && manager.heard.last?.path.hasSuffix("/schedules") == true
                }
                return port
            }
            let never = "0001-01-01T00:00:00Z"
            func status(_ state: String, size: String) -> String {
                #"{"name":"ok","worker":"w1","is_master":true,"status":"\#(state)","last_update":"\#(never)","last_started":"\#(never)","last_ended":"\#(never)","next_schedule":"\#(never)","upstream":"https://u/?a=1\u0026b=\u003c2\u003e","size":"\#(size)","error_msg":""}"#
                    + "\n"
            }
            let due = #"{"schedules":[{"name":"ok","next_schedule":TIME}]}"# + "\n"
            let none = #"{"schedules":null}"# + "\n"
            let registration =
                #"{"id":"w1","url":"http://127.0.0.1:\#(port)/","token":"","last_online":"\#(never)","last_register":"\#(never)"}"#
                + "\n"
            let heard = manager.heard.map { "\($0.method) \($0.path) \(timeless($0.body))" }
            #expect(
                heard == [
                    "POST /workers \(registration)", "GET /workers/w1/jobs ", "POST /workers/w1/schedules \(due)",
                    "POST /workers/w1/jobs/ok \(status("pre-syncing", size: "unknown"))",
                    "POST /workers/w1/schedules \(none)",
                    "POST /workers/w1/jobs/ok \(status("syncing", size: "unknown"))",
                    "POST /workers/w1/schedules \(none)",
                    "POST /workers/w1/jobs/ok \(status("success", size: "12.5G"))",
                    "POST /workers/w1/schedules \(due)",
                ])
        }
    }

    @Test func tellsWhyARunFailed() async throws {
        let manager = FakeManager()
        try await manager.listening {
            var fixture = try WorkerFixture(managers: [manager.baseURL])
            try fixture.add("bad", "sh -c 'exit 3'") { $0.isMaster = false }
            try await fixture.running { _, _ in
                try await eventually("failure") { manager.states(of: "bad") == ["pre-syncing", "syncing", "failed"] }
            }
            let last = try #require(manager.heard.last { $0.path.hasSuffix("/jobs/bad") })
            let status = try MirrorStatus(json: Array(last.body.utf8))
            #expect(status.errorMessage.hasPrefix("exit status 3"))
            #expect(!status.isMaster)
        }
    }

    @Test func registersUntilAManagerAnswersAndRunsMeanwhile() async throws {
        let manager = FakeManager()
        // A port that is free now.
        try await manager.listening {}
        var fixture = try WorkerFixture(managers: [manager.baseURL])
        try fixture.add("early", "true")
        fixture.limits.historyPatience = .milliseconds(200)
        let directory = fixture.directory
        try await fixture.running { worker, port in
            try await eventually("a run without a manager") {
                try await request("GET", "http://127.0.0.1:\(port)/api/v1/jobs/early/explain").body
                    .contains(#""state":"success""#)
            }
            try await manager.listening {
                try await eventually("the result") { manager.states(of: "early").last == "success" }
            }
        }
        #expect(manager.heard.first?.path == "/workers")
        _ = directory
    }

    @Test func tellsTheLastStatusOfEachMirrorAfterAnOutage() async throws {
        let manager = FakeManager()
        try await manager.listening {
            var fixture = try WorkerFixture(managers: [manager.baseURL])
            for name in ["a", "b"] { try fixture.add(name, "true") }
            try await fixture.running { _, port in
                try await eventually("first runs") {
                    manager.states(of: "a").last == "success" && manager.states(of: "b").last == "success"
                        && manager.heard.last?.path.hasSuffix("/schedules") == true
                }
                manager.isDown = true
                manager.clear()
                for _ in 0..<2 {
                    _ = try await request(
                        "POST", "http://127.0.0.1:\(port)/", body: #"{"cmd":"start","mirror_id":"a","options":{}}"#)
                    try await eventually("another run") {
                        try await request("GET", "http://127.0.0.1:\(port)/api/v1/jobs/a/explain").body
                            .contains(#""reason":"due""#)
                    }
                }
                #expect(manager.heard == [])
                manager.remember(#"[{"name":"a","status":"success"},{"name":"b","status":"success"}]"#)
                manager.isDown = false
                try await eventually("the last status") {
                    manager.states(of: "a") == ["success"] && manager.heard.last?.path.hasSuffix("/schedules") == true
                }
            }
            // What the manager knows already is not told again: it would take it for a new success.
            #expect(manager.states(of: "b") == [])
            #expect(manager.heard.first?.path == "/workers")
        }
    }

    @Test func registersAgainWithAManagerThatLostItsRecordsAndTellsItEverything() async throws {
        let manager = FakeManager()
        try await manager.listening {
            var fixture = try WorkerFixture(managers: [manager.baseURL])
            for name in ["a", "b"] { try fixture.add(name, "true") }
            try await fixture.running { worker, port in
                try await eventually("first runs") {
                    manager.states(of: "a").last == "success" && manager.states(of: "b").last == "success"
                }
                manager.clear()
                let isLost = Switch(true)
                manager.answer { heard in
                    if heard.path == "/workers" { isLost.value = false }
                    guard isLost.value else { return nil }
                    return FakeManager.Answer(status: 400, body: #"{"error":"invalid workerID w1"}"#)
                }
                _ = try await request(
                    "POST", "http://127.0.0.1:\(port)/", body: #"{"cmd":"start","mirror_id":"a","options":{}}"#)
                try await eventually("everything again") {
                    manager.states(of: "a").last == "success" && manager.states(of: "b") == ["success"]
                }
            }
        }
    }
}

/// A truth value that a test and its fakes share.
final class Switch: Sendable {
    private let shared: Shared<Bool>
    init(_ value: Bool) { shared = Shared(value) }
    var value: Bool {
        get { shared.value }
        set { shared.value = newValue }
    }
}
