// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import LiveTestSupport
import MirrorConfig
import MirrorWire
import SyncJobs
import Testing

@testable import MirrorWorker

/// Another configuration while the worker runs.
@Suite struct ReloadTests {
    private func apply(_ fixture: WorkerFixture, to worker: MirrorWorker) async -> Bool {
        await worker.apply(WorkerConfiguration(settings: fixture.settings))
    }

    @Test func disturbsOnlyTheMirrorsThatChanged() async throws {
        let manager = FakeManager()
        try await manager.listening {
            var fixture = try WorkerFixture(managers: [manager.baseURL])
            for name in ["same", "changed", "later", "gone"] { try fixture.add(name, "sleep 1") }
            let before = fixture
            let carrier = ScriptedCarrier()
            try await fixture.running(carrier: carrier) { worker, _ in
                try await eventually("four runs") { carrier.going.count == 4 }
                var after = before
                after.settings.mirrors.removeAll { $0.name.text == "gone" }
                for index in after.settings.mirrors.indices {
                    switch after.settings.mirrors[index].name.text {
                    case "changed": after.settings.mirrors[index].command = "sleep 2"
                    case "later": after.settings.mirrors[index].job.priority = 7
                    default: break
                    }
                }
                try after.add("new", "sleep 3")
                #expect(await apply(after, to: worker))
                try await eventually("the new and the changed one") {
                    let going = Set(carrier.going.map(\.text))
                    return carrier.begun.count == 6 && going == ["changed", "later", "new", "same"]
                }
                try await eventually("the removed one") { manager.states(of: "gone").last == "disabled" }
                let changed = try #require(JobName("changed"))
                let commands = carrier.settings(of: changed).map(\.command)
                #expect(commands == ["sleep 1", "sleep 2"])
                let undisturbed = carrier.begun.filter { ["same", "later"].contains($0.text) }
                #expect(undisturbed.count == 2)
            }
        }
    }

    @Test func limitsTokensAndManagersChangeWithoutARestart() async throws {
        let managers = (FakeManager(), FakeManager())
        try await managers.0.listening {
            try await managers.1.listening {
                var fixture = try WorkerFixture(managers: [managers.0.baseURL], concurrent: 1)
                for name in ["a", "b"] { try fixture.add(name, "true") }
                let before = fixture
                let carrier = ScriptedCarrier()
                try await fixture.running(carrier: carrier) { worker, port in
                    try await eventually("one run") { carrier.going.count == 1 }
                    try await eventually("told") { managers.0.states(of: "a").last == "syncing" }
                    var after = before
                    after.settings.concurrent = 2
                    after.settings.allowsLegacy = false
                    after.settings.managers = [ManagerAddress(baseURL: managers.1.baseURL)]
                    managers.0.clear()
                    #expect(await apply(after, to: worker))
                    try await eventually("two runs") { carrier.going.count == 2 }
                    #expect(try await request("GET", "http://127.0.0.1:\(port)/api/v1/jobs/a/explain").status == 401)
                    // The new manager knows nothing, so it is told what was before it came, too.
                    try await eventually("both told to the new manager") {
                        managers.1.states(of: "a").last == "syncing" && managers.1.states(of: "b").last == "syncing"
                    }
                    #expect(managers.0.states(of: "b").isEmpty)
                }
            }
        }
    }

    @Test func aBrokenConfigurationChangesNothing() async throws {
        var fixture = try WorkerFixture()
        try fixture.add("a", "true")
        let path = try fixture.directory.write("worker.conf", "[global]\nname = \"w1\"\nmirrors = [\n")
        let carrier = ScriptedCarrier()
        let worker = try await MirrorWorker(
            configuration: WorkerConfiguration(settings: fixture.settings), path: path, logger: quietLogger,
            limits: fixture.limits, carrier: carrier, handlesSignals: false)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await worker.run() }
            try await eventually("a run") { carrier.going.count == 1 }
            #expect(await worker.reload() == false)
            #expect(carrier.going.count == 1)
            worker.stop()
            try await group.waitForAll()
        }
    }

    @Test func readsItsFileAgainWhenAskedOverHTTP() async throws {
        let directory = try TemporaryDirectory("worker-file")
        func write(_ mirrors: [String]) throws -> String {
            let head = """
                [global]
                name = "w1"
                log_dir = "\(directory.path)/log/{{.Name}}"
                mirror_dir = "\(directory.path)/data"
                concurrent = 5
                interval = 120
                state_dir = "\(directory.path)/state"
                [server]
                hostname = "127.0.0.1"
                listen_addr = "127.0.0.1"
                listen_port = 0
                allow_legacy = true
                """
            let tables = mirrors.map { name in
                """

                [[mirrors]]
                name = "\(name)"
                provider = "command"
                upstream = "https://example.org/"
                command = "true"
                """
            }
            return try directory.write("worker.conf", head + tables.joined() + "\n")
        }
        let worker = try await MirrorWorker(configurationPath: try write(["a"]), logger: quietLogger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await worker.run() }
            let base = "http://127.0.0.1:\(try await worker.port())"
            try await eventually("the first mirror's success") {
                try await request("GET", base + "/api/v1/jobs/a/explain").body.contains(#""state":"success""#)
            }
            _ = try write(["a", "b"])
            #expect(try await request("POST", base + "/", body: #"{"cmd":"reload","mirror_id":""}"#).status == 200)
            try await eventually("the second mirror's success") {
                try await request("GET", base + "/api/v1/jobs/b/explain").body.contains(#""state":"success""#)
            }
            worker.stop()
            try await group.waitForAll()
        }
    }

    @Test func aMirrorThatComesBackRunsAgain() async throws {
        var fixture = try WorkerFixture()
        try fixture.add("a", "true")
        let full = fixture
        let carrier = ScriptedCarrier()
        try await fixture.running(carrier: carrier) { worker, port in
            try await eventually("a run") { carrier.going.count == 1 }
            var empty = full
            empty.settings.mirrors = []
            #expect(await apply(empty, to: worker))
            try await eventually("gone") {
                try await request("GET", "http://127.0.0.1:\(port)/api/v1/jobs/a/explain").status == 404
            }
            #expect(await apply(full, to: worker))
            try await eventually("a run again") { carrier.begun.count == 2 }
        }
    }
}
