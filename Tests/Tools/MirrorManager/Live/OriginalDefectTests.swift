// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import MirrorManager
import MirrorWire
import NIOHTTP1
import SyncJobs
import Testing

/// What tunasync's manager does wrong, by name.
@Suite struct OriginalDefectTests {
    @Test func sizesThatSayNothingAreIgnored() async throws {
        try await TestManager.run { manager in
            try await manager.status("a", "success", size: "5G")
            for size in ["unknown", ""] {
                let reply = try await manager.post("/workers/w1/jobs/a/size", SizeUpdate(name: "a", size: size))
                #expect(reply.status == 200)
                #expect(try MirrorStatus(json: reply.body).size == "5G")
            }
            try await manager.status("a", "syncing", size: "unknown")
            #expect(try await manager.jobs().first?.size == "5G")
            let unknown = try await manager.post("/workers/w1/jobs/b/size", SizeUpdate(name: "b", size: "1G"))
            #expect(unknown.status == 404)
            #expect(unknown.text == #"{"error":"no mirror 'b' exists in worker 'w1'"}"#)
            #expect(try await manager.post("/workers/w9/jobs/b/size", SizeUpdate(name: "b", size: "1G")).status == 400)
        }
    }

    @Test(arguments: [
        "{", "", #"{"name":"a","status":"verifying"}"#, #"{"name":"","status":"success"}"#, #"{"status":"success"}"#,
        #"{"name":5}"#, "[]", #"{"name":"a"}{"name":"b"}"#, #"{"name":"a/b","status":"success"}"#,
        #"{"name":"..","status":"success"}"#, "{\"name\":\"a\\u0000\"}", #"{"name":"a","last_update":"soon"}"#,
    ])
    func brokenStatusesStoreNothing(_ body: String) async throws {
        try await TestManager.run { manager in
            _ = try await manager.post("/workers", Worker(id: "w1", url: "http://127.0.0.1:1/"))
            let reply = try await manager.post("/workers/w1/jobs/a", body)
            #expect(reply.status == 400)
            // One JSON document, with a reason.
            #expect(try !ErrorAnswer(json: reply.body).error.isEmpty)
            #expect(try await manager.get("/jobs").text == "[]")
            #expect(try await manager.get("/workers/w1/jobs").text == "[]")
        }
    }

    @Test(arguments: [
        "{", #"{"id":""}"#, #"{"id":"a/b"}"#, #"{"id":5}"#, #"{"url":"http://127.0.0.1:1/"}"#,
        #"{"id":"w","url":"ftp://127.0.0.1/"}"#, #"{"id":".."}"#,
    ])
    func brokenRegistrationsStoreNothing(_ body: String) async throws {
        try await TestManager.run { manager in
            let reply = try await manager.post("/workers", body)
            #expect(reply.status == 400)
            #expect(try !ErrorAnswer(json: reply.body).error.isEmpty)
            #expect(try await manager.get("/workers").text == "[]")
        }
    }

    @Test func commandsForUnknownMirrorsMakeNoRecord() async throws {
        try await FakeWorker.run { worker, url in
            try await TestManager.run { manager in
                _ = try await manager.post("/workers", Worker(id: "fake", url: url))
                for verb in [CommandVerb.stop, .disable] {
                    let command = ClientCommand(verb: verb, mirror: "m1", worker: "fake", options: [:])
                    #expect(try await manager.post("/cmd", command).status == 200)
                }
                #expect(try await manager.get("/jobs").text == "[]")
                #expect(worker.received.count == 2)
            }
        }
    }

    @Test(arguments: ["bogus", "", "START"])
    func unknownVerbsReachNobody(_ verb: String) async throws {
        try await FakeWorker.run { worker, url in
            try await TestManager.run { manager in
                _ = try await manager.post("/workers", Worker(id: "fake", url: url))
                for path in ["/cmd", "/api/v1/commands"] {
                    let reply = try await manager.post(
                        path, #"{"cmd":"\#(verb)","mirror_id":"m","worker_id":"fake","options":{}}"#)
                    #expect(reply.status == 400)
                    #expect(try !ErrorAnswer(json: reply.body).error.isEmpty)
                }
                #expect(worker.received.isEmpty)
            }
        }
    }

    @Test func commandsWithoutAWorkerGoToTheOnlyOneThatHasTheMirror() async throws {
        try await FakeWorker.run { worker, url in
            try await TestManager.run { manager in
                _ = try await manager.post("/workers", Worker(id: "w1", url: url))
                let command = ClientCommand(verb: .start, mirror: "a", worker: "", options: [:])
                let nobody = try await manager.post("/cmd", command)
                #expect(nobody.status == 400)
                #expect(try !ErrorAnswer(json: nobody.body).error.isEmpty)
                try await manager.status("a", "success")
                #expect(
                    try await manager.post("/cmd", command).text
                        == #"{"message":"successfully send command to worker w1"}"#)
                try await manager.status("a", "success", worker: "w2")
                #expect(try await manager.post("/cmd", command).status == 400)
                #expect(worker.received.count == 1)
            }
        }
    }

    @Test func aRunningMirrorKeepsItsDueTime() async throws {
        try await TestManager.run { manager in
            let due = "2126-01-01T00:00:00Z"
            try await manager.status("a", "success")
            _ = try await manager.post(
                "/workers/w1/schedules", #"{"schedules":[{"name":"a","next_schedule":"\#(due)"}]}"#)
            for state in ["pre-syncing", "syncing"] {
                let reply = try await manager.status("a", state)
                #expect(try MirrorStatus(json: reply.body).nextSchedule.rfc3339 == due)
                _ = try await manager.post("/workers/w1/schedules", #"{"schedules":null}"#)
                #expect(try await manager.jobs().first?.nextSchedule.webText == "2126-01-01 00:00:00 +0000")
            }
        }
    }

    @Test func aMirrorThatIsOutOfTheScheduleShowsNoDueTime() async throws {
        try await TestManager.run { manager in
            for name in ["a", "b"] { try await manager.status(name, "success") }
            let due = "2126-01-01T00:00:00Z"
            _ = try await manager.post(
                "/workers/w1/schedules",
                #"{"schedules":[{"name":"a","next_schedule":"\#(due)"},{"name":"b","next_schedule":"\#(due)"}]}"#)
            _ = try await manager.post(
                "/workers/w1/schedules", #"{"schedules":[{"name":"b","next_schedule":"\#(due)"}]}"#)
            let jobs = try await manager.jobs()
            #expect(jobs.map(\.nextSchedule.isNever) == [true, false])
            try await manager.status("b", "paused")
            #expect(try await manager.jobs().last?.nextSchedule.isNever == true)
        }
    }

    @Test func concurrentPostsForOneMirrorLoseNothing() async throws {
        try await TestManager.run { manager in
            try await manager.status("a", "success", size: "1G")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<40 {
                    group.addTask {
                        if index % 2 == 0 {
                            _ = try await manager.post(
                                "/workers/w1/jobs/a/size", SizeUpdate(name: "a", size: "\(index)G"))
                        } else {
                            _ = try await manager.post(
                                "/workers/w1/schedules",
                                #"{"schedules":[{"name":"a","next_schedule":"2126-01-01T00:00:\#(10 + index)Z"}]}"#)
                        }
                    }
                }
                try await group.waitForAll()
            }
            let row = try #require(try await manager.jobs().first)
            #expect(row.size != "1G")
            #expect(!row.nextSchedule.isNever)
            #expect(row.status == .success)
        }
    }

    @Test func aManagerThatLostItsRecordsTakesUnknownWorkersUp() async throws {
        try await TestManager.run { manager in
            #expect(try await manager.status("a", "syncing", worker: "w7").status == 200)
            #expect(try await manager.post("/workers/w8/schedules", #"{"schedules":[]}"#).text == "{}")
            let workers = try [Worker](json: try await manager.get("/workers").body)
            #expect(workers.map(\.id) == ["w7", "w8"])
            #expect(workers.allSatisfy { !$0.lastOnline.isNever && $0.lastRegister.isNever })
            #expect(try await manager.get("/workers/w9/jobs").status == 400)
            let command = try await manager.post(
                "/cmd", ClientCommand(verb: .start, mirror: "a", worker: "w7", options: [:]))
            #expect(command.status == 500)
            #expect(try ErrorAnswer(json: command.body).error.contains("w7"))
        }
    }

    @Test func stoppedAndDisabledMirrorsAreSoBeforeTheWorkerIsTold() async throws {
        try await FakeWorker.run { worker, url in
            try await TestManager.run { manager in
                _ = try await manager.post("/workers", Worker(id: "w1", url: url))
                try await manager.status("a", "success")
                _ = try await manager.post("/cmd", ClientCommand(verb: .stop, mirror: "a", worker: "w1", options: [:]))
                #expect(try await manager.jobs().first?.status == .paused)
                _ = try await manager.post(
                    "/cmd", ClientCommand(verb: .disable, mirror: "a", worker: "w1", options: [:]))
                #expect(try await manager.jobs().first?.status == .disabled)
                // A worker ignores this one, so the record must not change.
                _ = try await manager.post("/cmd", ClientCommand(verb: .stop, mirror: "a", worker: "w1", options: [:]))
                #expect(try await manager.jobs().first?.status == .disabled)
                _ = try await manager.send(.DELETE, "/jobs/disabled")
                #expect(try await manager.jobs().isEmpty)
                #expect(worker.received.count == 3)
            }
        }
    }

    @Test func mirrorsOfARemovedWorkerStayForItsReturn() async throws {
        try await TestManager.run { manager in
            _ = try await manager.post("/workers", Worker(id: "w1", url: "http://127.0.0.1:1/"))
            try await manager.status("a", "paused")
            _ = try await manager.send(.DELETE, "/workers/w1")
            #expect(try await manager.rows().map(\.isWorkerOnline) == [false])
            _ = try await manager.post("/workers", Worker(id: "w1", url: "http://127.0.0.1:1/"))
            #expect(try [MirrorStatus](json: try await manager.get("/workers/w1/jobs").body).map(\.status) == [.paused])
            #expect(try await manager.send(.DELETE, "/api/v1/mirrors/w1/a").status == 200)
            #expect(try await manager.jobs().isEmpty)
        }
    }

    @Test func bodiesThatAreTooLongAreRefused() async throws {
        try await TestManager.run { manager in
            let body = #"{"name":"a","error_msg":""# + String(repeating: "x", count: 2 << 20) + #""}"#
            let reply = try await manager.post("/workers/w1/jobs/a", body)
            #expect(reply.status == 413)
            #expect(try !ErrorAnswer(json: reply.body).error.isEmpty)
            #expect(try await manager.jobs().isEmpty)
        }
    }
}
