// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import MirrorWire
import NIOHTTP1
import Testing

/// The exchanges that were recorded between tunasync's own programs, with our manager in the middle.
@Suite struct RecordedRunTests {
    private struct Exchange {
        let path: String
        let body: String
        let answer: String
    }

    private static let exchanges = [
        Exchange(
            path: "/workers",
            body:
                #"{"id":"w1","url":"http://127.0.0.1:26000/","token":"","last_online":"0001-01-01T00:00:00Z","last_register":"0001-01-01T00:00:00Z"}"#,
            answer: #"{"id":"w1","url":"http://127.0.0.1:26000/","token":"","last_online":"NOW","last_register":"NOW"}"#
        ),
        Exchange(
            path: "/workers/w1/schedules",
            body:
                #"{"schedules":[{"name":"ok","next_schedule":"2126-11-21T03:54:47.79018925Z"},{"name":"bad","next_schedule":"2126-11-21T03:54:47.790257782Z"}]}"#,
            answer: "{}"),
        Exchange(
            path: "/workers/w1/jobs/ok",
            body:
                #"{"name":"ok","worker":"w1","is_master":true,"status":"pre-syncing","last_update":"0001-01-01T00:00:00Z","last_started":"0001-01-01T00:00:00Z","last_ended":"0001-01-01T00:00:00Z","next_schedule":"0001-01-01T00:00:00Z","upstream":"https://u/?a=1\u0026b=\u003c2\u003e","size":"unknown","error_msg":""}"#,
            answer:
                #"{"name":"ok","worker":"w1","is_master":true,"status":"pre-syncing","last_update":"0001-01-01T00:00:00Z","last_started":"NOW","last_ended":"0001-01-01T00:00:00Z","next_schedule":"0001-01-01T00:00:00Z","upstream":"https://u/?a=1\u0026b=\u003c2\u003e","size":"unknown","error_msg":""}"#
        ),
        Exchange(
            path: "/workers/w1/schedules",
            body: #"{"schedules":[{"name":"bad","next_schedule":"2126-11-21T03:54:47.790257782Z"}]}"#, answer: "{}"),
        Exchange(
            path: "/workers/w1/jobs/ok",
            body:
                #"{"name":"ok","worker":"w1","is_master":true,"status":"syncing","last_update":"0001-01-01T00:00:00Z","last_started":"0001-01-01T00:00:00Z","last_ended":"0001-01-01T00:00:00Z","next_schedule":"0001-01-01T00:00:00Z","upstream":"https://u/?a=1\u0026b=\u003c2\u003e","size":"12.5G","error_msg":""}"#,
            answer:
                #"{"name":"ok","worker":"w1","is_master":true,"status":"syncing","last_update":"0001-01-01T00:00:00Z","last_started":"NOW","last_ended":"0001-01-01T00:00:00Z","next_schedule":"0001-01-01T00:00:00Z","upstream":"https://u/?a=1\u0026b=\u003c2\u003e","size":"12.5G","error_msg":""}"#
        ),
        Exchange(
            path: "/workers/w1/jobs/ok",
            body:
                #"{"name":"ok","worker":"w1","is_master":true,"status":"success","last_update":"0001-01-01T00:00:00Z","last_started":"0001-01-01T00:00:00Z","last_ended":"0001-01-01T00:00:00Z","next_schedule":"0001-01-01T00:00:00Z","upstream":"https://u/?a=1\u0026b=\u003c2\u003e","size":"12.5G","error_msg":""}"#,
            answer:
                #"{"name":"ok","worker":"w1","is_master":true,"status":"success","last_update":"NOW","last_started":"NOW","last_ended":"NOW","next_schedule":"0001-01-01T00:00:00Z","upstream":"https://u/?a=1\u0026b=\u003c2\u003e","size":"12.5G","error_msg":""}"#
        ),
        Exchange(
            path: "/workers/w1/jobs/bad",
            body:
                #"{"name":"bad","worker":"w1","is_master":false,"status":"failed","last_update":"0001-01-01T00:00:00Z","last_started":"0001-01-01T00:00:00Z","last_ended":"0001-01-01T00:00:00Z","next_schedule":"0001-01-01T00:00:00Z","upstream":"https://v/","size":"unknown","error_msg":"exit status 3"}"#,
            answer:
                #"{"name":"bad","worker":"w1","is_master":false,"status":"failed","last_update":"0001-01-01T00:00:00Z","last_started":"0001-01-01T00:00:00Z","last_ended":"NOW","next_schedule":"0001-01-01T00:00:00Z","upstream":"https://v/","size":"unknown","error_msg":"exit status 3"}"#
        ),
        Exchange(
            path: "/workers/w1/jobs/bad/size", body: #"{"name":"bad","size":"1T"}"#,
            answer:
                #"{"name":"bad","worker":"w1","is_master":false,"status":"failed","last_update":"0001-01-01T00:00:00Z","last_started":"0001-01-01T00:00:00Z","last_ended":"NOW","next_schedule":"0001-01-01T00:00:00Z","upstream":"https://v/","size":"1T","error_msg":"exit status 3"}"#
        ),
    ]

    @Test func theRecordedRunGetsTheRecordedAnswers() async throws {
        try await TestManager.run { manager in
            for exchange in Self.exchanges {
                let reply = try await manager.post(exchange.path, exchange.body + "\n")
                #expect(reply.status == 200)
                #expect(reply.headers["Content-Type"] == ["application/json; charset=utf-8"])
                #expect(reply.headers["Content-Length"] == ["\(reply.body.count)"])
                #expect(reply.headers["Kuiper-Mirror"] == ["1"])
                #expect(Self.withoutTimes(reply.text) == exchange.answer)
            }
        }
    }

    @Test func otherRoutesAnswerAsRecorded() async throws {
        try await TestManager.run { manager in
            #expect(try await manager.get("/ping").text == #"{"message":"pong"}"#)
            #expect(try await manager.get("/jobs").text == "[]")
            #expect(try await manager.send(.DELETE, "/jobs/disabled").text == #"{"message":"flushed"}"#)
            _ = try await manager.post("/workers", Worker(id: "fake", url: "http://127.0.0.1:1/", token: "x"))
            let workers = try await manager.get("/workers").text
            #expect(
                Self.withoutTimes(workers)
                    == #"[{"id":"fake","url":"http://127.0.0.1:1/","token":"REDACTED","last_online":"NOW","last_register":"NOW"}]"#
            )
            #expect(try await manager.send(.DELETE, "/workers/fake").text == #"{"message":"deleted"}"#)
            let again = try await manager.send(.DELETE, "/workers/fake")
            #expect(again.status == 400)
            #expect(again.text == #"{"error":"invalid workerID fake"}"#)
            #expect(try await manager.get("/workers/fake/jobs").text == #"{"error":"invalid workerID fake"}"#)
        }
    }

    @Test func unknownPathsGetTheTextPageAndSlashesAreRedirected() async throws {
        try await TestManager.run { manager in
            for (method, path) in [("GET", "/nothing"), ("POST", "/jobs"), ("PUT", "/workers"), ("GET", "/cmd")] {
                let reply = try await manager.send(.init(rawValue: method), path)
                #expect(reply.status == 404)
                #expect(reply.headers["Content-Type"] == ["text/plain"])
                #expect(reply.text == "404 page not found")
            }
            let moved = try await manager.get("/jobs/?a=1")
            #expect(moved.status == 301)
            #expect(moved.headers["Location"] == ["/jobs?a=1"])
            let posted = try await manager.post("/workers/", "{}")
            #expect(posted.status == 307)
            #expect(posted.headers["Location"] == ["/workers"])
            #expect(try await manager.get("/api/v1/nothing").text == #"{"error":"there is no such route"}"#)
        }
    }

    /// Puts NOW for every time but "never" and those of 2126, which the tests post.
    static func withoutTimes(_ text: String) -> String {
        text.replacing(#/"20[0-9]{2}-[0-9-]+T[0-9:.]+Z"/#, with: #""NOW""#)
    }
}
