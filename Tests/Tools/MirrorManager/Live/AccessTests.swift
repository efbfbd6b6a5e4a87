// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import MirrorConfig
import MirrorManager
import MirrorWire
import NIOHTTP1
import Testing

@Suite struct AccessTests {
    private static func bearer(_ name: String) -> [(String, String)] { [("Authorization", "Bearer \(name)-secret")] }

    @Test func eachRoleMayDoWhatItMayAndNoMore() async throws {
        let registration = String(decoding: Worker(id: "w1", url: "http://127.0.0.1:1/").json, as: UTF8.self)
        let foreign = String(decoding: Worker(id: "w2", url: "http://127.0.0.1:1/").json, as: UTF8.self)
        let command = #"{"cmd":"reload","mirror_id":"","worker_id":"w1","options":{}}"#
        let status = #"{"name":"a","status":"success"}"#
        // Method, path, body, and the names of those who get through; the others get 401 without and 403 with a token.
        let table: [(HTTPMethod, String, String?, Set<String>)] = [
            (.GET, "/ping", nil, ["", "reader", "trigger", "worker", "operator", "admin"]),
            (.GET, "/", nil, ["", "reader", "trigger", "worker", "operator", "admin"]),
            (.GET, "/jobs", nil, ["reader", "trigger", "worker", "operator", "admin"]),
            (.GET, "/api/v1/mirrors", nil, ["reader", "trigger", "worker", "operator", "admin"]),
            (.GET, "/metrics", nil, ["reader", "trigger", "worker", "operator", "admin"]),
            (.GET, "/workers", nil, ["reader", "trigger", "worker", "operator", "admin"]),
            (.POST, "/workers", registration, ["worker", "operator", "admin"]),
            (.POST, "/workers", foreign, ["admin"]),
            (.POST, "/workers/w1/jobs/a", status, ["worker", "operator", "admin"]),
            (.POST, "/workers/w2/jobs/a", status, ["admin"]),
            (.POST, "/workers/w2/schedules", #"{"schedules":[]}"#, ["admin"]),
            (.POST, "/api/v1/trigger/a", "", ["trigger", "worker", "operator", "admin"]),
            (.POST, "/api/v1/trigger/b", "", ["worker", "operator", "admin"]),
            (.POST, "/cmd", command, ["operator", "admin"]),
            (.POST, "/api/v1/commands", command, ["operator", "admin"]),
            (.DELETE, "/jobs/disabled", nil, ["admin"]), (.DELETE, "/workers/w9", nil, ["admin"]),
        ]
        try await TestManager.run(TestManager.closed) { manager in
            _ = try await manager.post("/workers", registration, headers: Self.bearer("admin"))
            for name in ["a", "b"] {
                _ = try await manager.post(
                    "/workers/w1/jobs/\(name)", #"{"name":"\#(name)","status":"success"}"#,
                    headers: Self.bearer("admin"))
            }
            for (method, path, body, allowed) in table {
                for name in ["", "reader", "trigger", "worker", "operator", "admin"] {
                    let reply = try await manager.send(
                        method, path, body.map { Array($0.utf8) }, headers: name.isEmpty ? [] : Self.bearer(name))
                    let isRefused = reply.status == 401 || reply.status == 403
                    #expect(isRefused != allowed.contains(name), "\(method) \(path) by \(name): \(reply.status)")
                    if isRefused {
                        #expect(reply.status == (name.isEmpty ? 401 : 403))
                        #expect(try !ErrorAnswer(json: reply.body).error.isEmpty)
                    }
                }
            }
        }
    }

    @Test func wrongTokensAreRefusedEvenWhereNoneIsNeeded() async throws {
        try await TestManager.run { manager in
            for text in ["Bearer nonsense", "Bearer ", "Basic YTpi", "nonsense"] {
                let reply = try await manager.get("/ping", headers: [("Authorization", text)])
                #expect(reply.status == 401)
                #expect(reply.headers["WWW-Authenticate"] == ["Bearer"])
            }
        }
    }

    @Test func readingStaysOpenWhenItIsMeantTo() async throws {
        var settings = TestManager.closed
        settings.isReadingOpen = true
        try await TestManager.run(settings) { manager async throws in
            for path in ["/jobs", "/api/v1/mirrors", "/metrics", "/", "/healthz"] {
                #expect(try await manager.get(path).status == 200)
            }
            for path in ["/workers", "/api/v1/workers", "/api/v1/mirrors/w/m/logs"] {
                #expect(try await manager.get(path).status == 401)
            }
            #expect(try await manager.status("a", "success").status == 401)
            #expect(try await manager.get("/jobs").text == "[]")
        }
    }

    @Test func browsersHaveSessions() async throws {
        try await TestManager.run(TestManager.closed) { manager in
            #expect(try await manager.post("/api/v1/session", #"{"token":"wrong"}"#).status == 401)
            #expect(try await manager.post("/api/v1/session", "{").status == 400)
            let reply = try await manager.post("/api/v1/session", #"{"token":"operator-secret"}"#)
            #expect(reply.status == 200)
            #expect(reply.text == #"{"name":"operator","role":"operate","scope":["w1"],"reading_open":false}"#)
            let cookie = try #require(reply.headers["Set-Cookie"].first)
            #expect(cookie.contains("; HttpOnly; SameSite=Strict"))
            #expect(!cookie.contains("operator-secret"))
            let pair = String(try #require(cookie.split(separator: ";").first))
            let headers = [("Cookie", "other=1; \(pair)")]
            #expect(try await manager.get("/workers", headers: headers).status == 200)
            #expect(try await manager.get("/api/v1/session", headers: headers).text == reply.text)
            #expect(
                try await manager.get("/api/v1/session").text
                    == #"{"name":"anonymous","role":"","scope":[],"reading_open":false}"#)
            // A token that is taken away ends its sessions.
            var fewer = TestManager.closed
            fewer.tokens.removeAll { $0.name == "operator" }
            #expect(manager.manager.reload(fewer).isEmpty)
            #expect(try await manager.get("/workers", headers: headers).status == 401)
            #expect(manager.manager.reload(TestManager.closed).isEmpty)
            #expect(try await manager.get("/workers", headers: headers).status == 200)
            _ = try await manager.send(.DELETE, "/api/v1/session", headers: headers)
            #expect(try await manager.get("/workers", headers: headers).status == 401)
        }
    }

    @Test func pagesOfOtherSitesCannotPost() async throws {
        try await TestManager.run { manager in
            let host = manager.base.dropFirst("http://".count)
            for headers in [
                [("Origin", "http://evil.example")], [("Origin", "null")], [("Sec-Fetch-Site", "cross-site")],
                [("Sec-Fetch-Site", "same-site")],
            ] {
                let reply = try await manager.post(
                    "/workers/w1/jobs/a", #"{"name":"a","status":"success"}"#, headers: headers)
                #expect(reply.status == 403)
            }
            #expect(try await manager.get("/jobs").text == "[]")
            let own = [("Origin", "http://\(host)"), ("Sec-Fetch-Site", "same-origin")]
            #expect(try await manager.post("/workers/w1/jobs/a", #"{"name":"a"}"#, headers: own).status == 200)
        }
    }

    @Test func thePageMayOnlyUseWhatIsItsOwn() async throws {
        try await TestManager.run { manager in
            let reply = try await manager.get("/")
            #expect(reply.status == 200)
            #expect(reply.headers["Content-Type"] == ["text/html; charset=utf-8"])
            #expect(reply.headers["Content-Security-Policy"].first?.hasPrefix("default-src 'self'") == true)
            #expect(reply.headers["X-Content-Type-Options"] == ["nosniff"])
            let tag = try #require(reply.headers["ETag"].first)
            #expect(try await manager.get("/", headers: [("If-None-Match", tag)]).status == 304)
            let head = try await manager.send(.HEAD, "/")
            #expect(head.status == 200)
            #expect(head.body.isEmpty)
        }
    }

    @Test func registrationsCannotMakeTheManagerPostAnywhere() async throws {
        try await FakeWorker.run { worker, url in
            var settings = TestManager.open
            settings.allowedWorkerURLs = ["http://127.0.0.1:1"]
            try await TestManager.run(settings) { manager in
                for target in [url, "http://169.254.169.254/", "http://localhost:1/", "http://127.0.0.1:1@127.0.0.1/"] {
                    let reply = try await manager.post("/workers", Worker(id: "w1", url: target))
                    #expect(reply.status == 400)
                    #expect(try !ErrorAnswer(json: reply.body).error.isEmpty)
                }
                #expect(try await manager.get("/workers").text == "[]")
                // What was allowed when it registered counts no more when it is taken from the list.
                settings.allowedWorkerURLs = [url]
                _ = manager.manager.reload(settings)
                #expect(try await manager.post("/workers", Worker(id: "w1", url: url)).status == 200)
                settings.allowedWorkerURLs = ["http://127.0.0.1:1"]
                _ = manager.manager.reload(settings)
                let command = ClientCommand(verb: .start, mirror: "m", worker: "w1", options: [:])
                #expect(try await manager.post("/cmd", command).status == 500)
                #expect(worker.received.isEmpty)
            }
        }
    }
}
