// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import AsyncHTTPClient
import LiveTestSupport
import Logging
import MirrorConfig
import MirrorManager
import MirrorWire
import NIOCore
import NIOSSL
import NodeSupport
import ServiceLifecycle
import SyncJobs
import Testing

@testable import MirrorWorker

/// Real runs, real managers, certificates.
@Suite struct LiveWorkerTests {
    @Test func showsTheLogsOfRunsAndFollowsTheOneThatGrows() async throws {
        var fixture = try WorkerFixture()
        let gate = fixture.directory.file("gate")
        try fixture.add("a", "sh -c 'echo first; until test -e \(gate); do sleep 0.05; done; echo last'")
        let directory = fixture.directory
        try await fixture.running { _, port in
            let base = "http://127.0.0.1:\(port)/api/v1/jobs/a/logs"
            try await eventually("a log") { try await request("GET", base + "/latest").body.contains("first") }
            try await withThrowingTaskGroup(of: String.self) { group in
                group.addTask { try await request("GET", base + "/latest?follow=true").body }
                try directory.write("gate", "")
                let followed = try await group.next() ?? ""
                #expect(followed.contains("first"))
                #expect(followed.contains("last"))
            }
            let list = try [LogEntry](json: Array(try await request("GET", base).body.utf8))
            let log = try #require(list.first)
            #expect(log.run > 0)
            let whole = try await request("GET", base + "/" + log.id).body
            let rest = try await request("GET", base + "/" + log.id + "?offset=6").body
            #expect(whole.dropFirst(6) == rest)
            #expect(try await request("GET", base + "/nothing").status == 404)
        }
    }

    @Test func endsWithTheServiceGroupThatRunsIt() async throws {
        let manager = FakeManager()
        try await manager.listening {
            var fixture = try WorkerFixture(managers: [manager.baseURL])
            try fixture.add("a", "sleep 1000")
            let worker = try await fixture.worker()
            let services = ServiceGroup(services: [worker], logger: quietLogger)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await services.run() }
                try await eventually("syncing") { manager.states(of: "a").last == "syncing" }
                await services.triggerGracefulShutdown()
                try await group.waitForAll()
            }
            #expect(manager.states(of: "a").last == "failed")
        }
    }

    @Test func aCancelledWorkerEndsItsRunsAndRemembersThem() async throws {
        var fixture = try WorkerFixture()
        try fixture.add("a", "sleep 1000")
        let worker = try await fixture.worker()
        let port = try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await worker.run() }
            let port = try await worker.port()
            try await eventually("syncing") {
                try await request("GET", "http://127.0.0.1:\(port)/api/v1/jobs/a/explain").body.contains("syncing")
            }
            group.cancelAll()
            // How a cancelled worker ends does not matter here.
            try? await group.waitForAll()
            return port
        }
        #expect(port > 0)
        let store = try WorkerStore(directory: fixture.settings.stateDirectory + "/store")
        defer { store.close() }
        let name = try #require(JobName("a"))
        #expect(try store.load().jobs[name]?.failure == FailureClass.interrupted.rawValue)
    }

    @Test func workerAndManagerKnowEachOtherByCertificatesAndTokens() async throws {
        let directory = try TemporaryDirectory("worker-tls")
        let authority = try MeshAuthority.make()
        let trust = try directory.write("ca.pem", authority.certificatePEM)
        for name in ["manager", "worker"] {
            try authority.issue(commonName: name, unit: "mirror", uri: "kuiper:\(name)", hosts: ["127.0.0.1"])
                .write(certificatePath: directory.file("\(name).pem"), keyPath: directory.file("\(name).key"))
        }
        @Sendable func listen(_ name: String) -> ListenSettings {
            ListenSettings(
                host: "127.0.0.1", port: 0, certificate: directory.file("\(name).pem"),
                key: directory.file("\(name).key"), clientAuthorities: trust)
        }
        @Sendable func client(_ name: String) -> ClientTLSSettings {
            ClientTLSSettings(
                authorities: trust, certificate: directory.file("\(name).pem"), key: directory.file("\(name).key"))
        }
        var settings = ManagerSettings(server: listen("manager"), database: .memory)
        settings.client = client("manager")
        settings.tokens = [TokenSettings(name: "w1", secret: Secret("worker-token"), role: .worker, scope: ["w1"])]
        let manager = try await MirrorManager(settings: settings, logger: quietLogger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await manager.run() }
            defer { group.cancelAll() }
            let base = try await manager.address.baseURL
            var fixture = try WorkerFixture()
            fixture.settings.server = listen("worker")
            fixture.settings.allowsLegacy = false
            fixture.settings.managers = [
                ManagerAddress(baseURL: base, token: Secret("worker-token"), tls: client("worker"))
            ]
            try fixture.add("a", "true")
            let http = try ManagerClient(ManagerAddress(baseURL: base, tls: client("worker")), limits: fixture.limits)
            let stranger = try ManagerClient(
                ManagerAddress(baseURL: base, tls: ClientTLSSettings(authorities: trust)), limits: fixture.limits)
            try await fixture.running { _, port in
                try await eventually("success at the manager") {
                    let answer = try await http.get("/jobs")
                    return String(decoding: answer.body, as: UTF8.self).contains(#""status":"success""#)
                }
                await #expect(throws: (any Error).self) { _ = try await stranger.get("/jobs") }
                let worker = try ManagerClient(
                    ManagerAddress(baseURL: "https://127.0.0.1:\(port)", tls: client("manager")), limits: WorkerLimits()
                )
                #expect(try await worker.get("/healthz").status == 200)
                #expect(try await worker.get("/metrics").status == 401)
                await worker.close()
            }
            await http.close()
            await stranger.close()
        }
    }
}
