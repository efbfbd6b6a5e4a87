// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import MirrorConfig
import MirrorWire
import SyncJobs
import Testing

@testable import MirrorWorker

/// The worker's HTTP interface: section 2.2 of the contract, without tunasync's defects.
@Suite struct CommandTests {
    private func state(_ port: Int, _ name: String) async throws -> ExplanationAnswer {
        let answer = try await request("GET", "http://127.0.0.1:\(port)/api/v1/jobs/\(name)/explain")
        return try ExplanationAnswer(json: Array(answer.body.utf8))
    }

    private func command(_ port: Int, _ body: String, token: String? = nil) async throws -> (status: Int, body: String)
    {
        try await request("POST", "http://127.0.0.1:\(port)/", body: body, token: token)
    }

    @Test(arguments: [
        (#"{"cmd":"start","mirror_id":"a","args":null,"options":{}}"#, 200, #"{"msg":"OK"}"#),
        (#"{"cmd":"ping","mirror_id":"a"}"#, 200, #"{"msg":"OK"}"#),
        (#"{"cmd":"start","mirror_id":"x"}"#, 404, #"{"msg":"Mirror ``x'' not found"}"#),
        (#"{"cmd":"start","mirror_id":"../x"}"#, 404, #"{"msg":"Mirror ``../x'' not found"}"#),
        (#"{"cmd":"start","mirror_id":""}"#, 406, #"{"msg":"Invalid Command"}"#),
        (#"{"cmd":"reload","mirror_id":"a"}"#, 406, #"{"msg":"Invalid Command"}"#),
        (#"{"cmd":"reload","mirror_id":"","options":null}"#, 200, #"{"msg":"OK"}"#),
        (#"{"cmd":"bogus","mirror_id":"a"}"#, 400, #"{"msg":"Invalid request"}"#),
        ("not json", 400, #"{"msg":"Invalid request"}"#),
        ("", 400, #"{"msg":"Invalid request"}"#),
    ])
    func answersCommandsAsTunasyncDoes(_ body: String, _ status: Int, _ answer: String) async throws {
        var fixture = try WorkerFixture()
        try fixture.add("a", "true")
        let result = try await fixture.running(carrier: ScriptedCarrier()) { _, port in
            let result = try await command(port, body)
            return "\(result.status) \(result.body)"
        }
        #expect(result == "\(status) \(answer)")
    }

    @Test func anUnknownVerbStartsNothing() async throws {
        var fixture = try WorkerFixture()
        try fixture.add("a", "true") { $0.job.timing.trigger = .manual }
        let carrier = ScriptedCarrier()
        try await fixture.running(carrier: carrier) { _, port in
            _ = try await command(port, #"{"cmd":"bogus","mirror_id":"a"}"#)
            #expect(try await state(port, "a").reason == "manual-only")
        }
        #expect(carrier.begun.isEmpty)
    }

    @Test func pingKeepsAMirrorInTheSchedule() async throws {
        var fixture = try WorkerFixture()
        try fixture.add("a", "true")
        try await fixture.running(carrier: ScriptedCarrier(endsAtOnce: true)) { _, port in
            try await eventually("due again") { try await state(port, "a").reason == "due" }
            let before = try await state(port, "a")
            #expect(try await command(port, #"{"cmd":"ping","mirror_id":"a"}"#).status == 200)
            #expect(try await state(port, "a") == before)
        }
    }

    @Test func reloadAnswersSuccess() async throws {
        let fixture = try WorkerFixture()
        let status = try await fixture.running { _, port in
            try await command(port, #"{"cmd":"reload","mirror_id":"","options":null}"#).status
        }
        #expect(status == 200)
    }

    @Test func commandsWalkThroughTheStates() async throws {
        var fixture = try WorkerFixture()
        try fixture.add("a", "true")
        let name = try #require(JobName("a"))
        let carrier = ScriptedCarrier()
        try await fixture.running(carrier: carrier) { _, port in
            try await eventually("running") { carrier.going.contains(name) }
            #expect(try await state(port, "a").state == .syncing)
            #expect(try await command(port, #"{"cmd":"stop","mirror_id":"a"}"#).status == 200)
            try await eventually("paused") { try await state(port, "a").state == .paused }
            #expect(try await state(port, "a").by == "a manager without a token")
            #expect(try await command(port, #"{"cmd":"restart","mirror_id":"a"}"#).status == 200)
            try await eventually("running again") { carrier.going.contains(name) }
            #expect(try await command(port, #"{"cmd":"disable","mirror_id":"a"}"#).status == 200)
            try await eventually("disabled") { try await state(port, "a").state == .disabled }
            #expect(try await command(port, #"{"cmd":"start","mirror_id":"a","options":{"force":true}}"#).status == 200)
            try await eventually("running by force") { carrier.going.contains(name) }
            carrier.end(name)
            try await eventually("success") { try await state(port, "a").state == .success }
        }
    }

    @Test func otherRoutesAreNotFound() async throws {
        var fixture = try WorkerFixture()
        try fixture.add("a", "true")
        try await fixture.running(carrier: ScriptedCarrier()) { _, port in
            let base = "http://127.0.0.1:\(port)"
            for (method, path) in [
                ("GET", "/"), ("POST", "/x"), ("DELETE", "/"), ("GET", "/api/v1/jobs"), ("GET", "/api/v1/jobs/a/x"),
                ("GET", "/api/v1/jobs/%2e%2e/explain"), ("GET", "/api/v1/jobs//explain"),
            ] {
                let answer = try await request(method, base + path)
                #expect(answer.status == 404 && answer.body == "404 page not found", "\(method) \(path)")
            }
            #expect(try await request("GET", base + "/api/v1/jobs/nobody/explain").status == 404)
            #expect(try await request("GET", base + "/api/v1/jobs/a/logs/../../x").status == 404)
            #expect(try await request("GET", base + "/api/v1/jobs/a/logs/x?offset=-1").status == 400)
            #expect(try await request("GET", base + "/healthz").body == #"{"message":"ok"}"#)
            #expect(try await request("GET", base + "/metrics").body.contains("mirror_worker_jobs 1"))
        }
    }

    @Test func hugeCommandsAreRefused() async throws {
        var fixture = try WorkerFixture()
        fixture.limits.maximumCommandBytes = 100
        let settings = fixture
        try await settings.running { _, port in
            let answer = try await command(
                port, #"{"cmd":"start","mirror_id":"\#(String(repeating: "a", count: 200))"}"#)
            #expect(answer.status == 413)
        }
    }

    @Test func tokensDecideWhoMayCommand() async throws {
        var fixture = try WorkerFixture()
        fixture.settings.allowsLegacy = false
        fixture.settings.tokens = [
            TokenSettings(name: "reader", secret: Secret("r"), role: .read),
            TokenSettings(name: "operator", secret: Secret("o"), role: .operate),
        ]
        try fixture.add("a", "true") { $0.job.timing.trigger = .manual }
        try await fixture.running(carrier: ScriptedCarrier()) { _, port in
            let stop = #"{"cmd":"stop","mirror_id":"a"}"#
            #expect(try await command(port, stop).status == 401)
            #expect(try await command(port, stop, token: "wrong").status == 401)
            #expect(try await command(port, stop, token: "r").status == 403)
            #expect(try await command(port, stop, token: "o").status == 200)
            let explain = "http://127.0.0.1:\(port)/api/v1/jobs/a/explain"
            #expect(try await request("GET", explain).status == 401)
            let answer = try await request("GET", explain, token: "r")
            #expect(try ExplanationAnswer(json: Array(answer.body.utf8)).by == "operator")
        }
    }
}
