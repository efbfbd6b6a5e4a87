// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import MirrorConfig
import MirrorWire
import NIOHTTP1
import SyncJobs
import Testing

/// What reaches workers of tunasync, byte for byte.
@Suite struct LegacyCommandTests {
    @Test func workersOfTunasyncGetTheRecordedBytesAtTheirURL() async throws {
        let exchanges = [
            (
                #"{"cmd":"start","mirror_id":"m1","worker_id":"fake","args":null,"options":{}}"#,
                #"{"cmd":"start","mirror_id":"m1","args":null,"options":{}}"#
            ),
            (
                #"{"cmd":"start","mirror_id":"m1","worker_id":"fake","args":["a","b"],"options":{"force":true}}"#,
                #"{"cmd":"start","mirror_id":"m1","args":["a","b"],"options":{"force":true}}"#
            ),
            (
                #"{"cmd":"stop","mirror_id":"m1","worker_id":"fake","args":null,"options":{}}"#,
                #"{"cmd":"stop","mirror_id":"m1","args":null,"options":{}}"#
            ),
            (
                #"{"cmd":"ping","mirror_id":"m1","worker_id":"fake","args":null,"options":{}}"#,
                #"{"cmd":"ping","mirror_id":"m1","args":null,"options":{}}"#
            ),
            (
                #"{"cmd":"reload","mirror_id":"","worker_id":"fake","args":null,"options":null}"#,
                #"{"cmd":"reload","mirror_id":"","args":null,"options":null}"#
            ),
        ]
        try await FakeWorker.run { worker, url in
            try await TestManager.run { manager in
                _ = try await manager.post("/workers", Worker(id: "fake", url: url + "some/path"))
                for (sent, expected) in exchanges {
                    let reply = try await manager.post("/cmd", sent + "\n")
                    #expect(reply.text == #"{"message":"successfully send command to worker fake"}"#)
                    #expect(worker.received.last?.body == expected + "\n")
                    #expect(worker.received.last?.path == "/some/path")
                    #expect(worker.received.last?.method == "POST")
                    #expect(worker.received.last?.contentType == "application/json; charset=utf-8")
                    #expect(worker.received.last?.authorization == nil)
                }
            }
        }
    }

    @Test func enableReachesWorkersOfTunasyncAsStart() async throws {
        try await FakeWorker.run { worker, url in
            try await TestManager.run { manager in
                _ = try await manager.post("/workers", Worker(id: "fake", url: url))
                try await manager.status("a", "paused", worker: "fake")
                for path in ["/cmd", "/api/v1/commands"] {
                    let command = ClientCommand(verb: .enable, mirror: "a", worker: "fake", options: [:])
                    #expect(try await manager.post(path, command).status == 200)
                }
                #expect(
                    worker.received.allSatisfy {
                        $0.body == #"{"cmd":"start","mirror_id":"a","args":null,"options":{}}"# + "\n"
                    })
                #expect(worker.received.count == 2)
            }
        }
    }

    @Test func theAnswerOfAWorkerDoesNotMatterToTheOldRoute() async throws {
        try await FakeWorker.run { worker, url in
            try await TestManager.run { manager in
                _ = try await manager.post("/workers", Worker(id: "fake", url: url))
                worker.answer([.init(status: 404, body: #"{"msg":"Mirror ``m'' not found"}"#)])
                let reply = try await manager.post(
                    "/cmd", ClientCommand(verb: .start, mirror: "m", worker: "fake", options: [:]))
                #expect(reply.status == 200)
            }
        }
    }

    @Test func workersThatCannotBeReachedAreToldAsTunasyncDoes() async throws {
        let port = try FreePort.find()
        try await TestManager.run { manager in
            let url = "http://127.0.0.1:\(port)/"
            let command = ClientCommand(verb: .stop, mirror: "a", worker: "w1", options: [:])
            let unknown = try await manager.post("/cmd", command)
            #expect(unknown.status == 400)
            #expect(unknown.text == #"{"error":"worker w1 is not registered yet"}"#)
            _ = try await manager.post("/workers", Worker(id: "w1", url: url))
            try await manager.status("a", "success")
            let reply = try await manager.post("/cmd", command)
            #expect(reply.status == 500)
            #expect(try ErrorAnswer(json: reply.body).error.hasPrefix("post command to worker w1(\(url)) fail: "))
            // The wish counts all the same, for when the worker is back.
            #expect(try await manager.jobs().first?.status == .paused)
            #expect(try await manager.rows().first?.isWorkerOnline == false)
            try await manager.status("a", "syncing")
            #expect(try await manager.rows().first?.isWorkerOnline == true)
        }
    }

    @Test func redirectsOfWorkersAreNotFollowed() async throws {
        try await FakeWorker.run { other, target in
            try await FakeWorker.run { worker, url in
                try await TestManager.run { manager in
                    _ = try await manager.post("/workers", Worker(id: "fake", url: url))
                    worker.answer([.init(status: 307, body: target)])
                    _ = try await manager.post(
                        "/cmd", ClientCommand(verb: .start, mirror: "m", worker: "fake", options: [:]))
                    #expect(other.received.isEmpty)
                }
            }
        }
    }
}
