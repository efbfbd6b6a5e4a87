// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import MirrorConfig
@testable import MirrorManager
import MirrorWire
import NIOHTTP1
import SyncJobs
import Testing

/// The documents that are made of everything.
@Suite struct DocumentTests {
    @Test func jobsAreTheSamePlainAndCompressed() async throws {
        try await TestManager.run { manager in
            for index in 0..<300 { try await manager.status("mirror-\(index)", "success", size: "\(index)G") }
            for path in ["/jobs", "/api/v1/mirrors"] {
                let plain = try await manager.get(path)
                let compressed = try await manager.get(path, headers: [("Accept-Encoding", "gzip")])
                #expect(plain.headers["Content-Encoding"].isEmpty)
                #expect(compressed.headers["Content-Encoding"] == ["gzip"])
                #expect(compressed.headers["Vary"] == ["Accept-Encoding"])
                #expect(compressed.body.count * 3 < plain.body.count)
                #expect(try Gunzip.run(compressed.body) == plain.body)
                #expect(try await manager.get(path, headers: [("Accept-Encoding", "br, gzip;q=0")]).body == plain.body)
            }
            try await manager.status("mirror-150", "failed")
            try await manager.status("new", "failed")
            let plain = try await manager.get("/jobs")
            let compressed = try await manager.get("/jobs", headers: [("Accept-Encoding", "gzip")])
            #expect(try Gunzip.run(compressed.body) == plain.body)
            #expect(try [WebStatus](json: plain.body).count == 301)
        }
    }

    @Test func emptyDocumentsAreCompressedToo() async throws {
        try await TestManager.run { manager in
            let reply = try await manager.get("/jobs", headers: [("Accept-Encoding", "gzip")])
            #expect(try Gunzip.run(reply.body) == Array("[]".utf8))
        }
    }

    @Test func whatDidNotChangeIsNotSentAgain() async throws {
        try await TestManager.run { manager in
            try await manager.status("a", "success")
            for coding in ["gzip", "identity"] {
                let first = try await manager.get("/jobs", headers: [("Accept-Encoding", coding)])
                let tag = try #require(first.headers["ETag"].first)
                let headers = [("Accept-Encoding", coding), ("If-None-Match", "\"x\", W/\(tag)")]
                let second = try await manager.get("/jobs", headers: headers)
                #expect(second.status == 304)
                #expect(second.body.isEmpty)
                #expect(second.headers["ETag"] == [tag])
                try await manager.status("a", coding == "gzip" ? "syncing" : "failed")
                let third = try await manager.get("/jobs", headers: headers)
                #expect(third.status == 200)
                #expect(third.headers["ETag"] != [tag])
            }
        }
    }

    @Test func metricsCountMirrorsAndWorkers() async throws {
        try await TestManager.run { manager in
            try await manager.status("a", "success")
            try await manager.status("b", "failed")
            let reply = try await manager.get("/metrics")
            #expect(reply.headers["Content-Type"] == ["text/plain; version=0.0.4; charset=utf-8"])
            for line in [
                #"mirror_mirrors{state="success"} 1"#, #"mirror_mirrors{state="failed"} 1"#,
                #"mirror_workers{online="true"} 1"#, #"mirror_failing{mirror="b",worker="w1"} 1"#,
                #"mirror_last_success_timestamp_seconds{mirror="b",worker="w1"} 0"#,
                #"mirror_requests_total{status="200"} 2"#,
            ] {
                #expect(reply.text.contains(line + "\n"))
            }
        }
    }

    @Test func mirrorZGetsTheSiteAndItsMirrors() async throws {
        var settings = TestManager.open
        var site = MirrorZSettings(url: "https://mirror.example", abbreviation: "EX", name: "Example")
        site.email = "admin@mirror.example"
        settings.mirrorZ = site
        try await TestManager.run(settings) { manager in
            try await manager.status("a", "success", size: "5G")
            try await manager.status("gone", "disabled")
            let time = try #require(try await manager.jobs().first { $0.name == "a" }).lastUpdate.seconds
            let reply = try await manager.get("/mirrorz.json")
            #expect(
                reply.text
                    == #"{"version":1.7,"site":{"url":"https://mirror.example","abbr":"EX","name":"Example","email":"admin@mirror.example"},"info":[],"mirrors":[{"cname":"a","desc":"","url":"/a","status":"S\#(time)","help":"","upstream":"","size":"5G"}]}"#
            )
            #expect(reply.headers["Access-Control-Allow-Origin"] == ["*"])
            _ = manager.manager.reload(TestManager.open)
            #expect(try await manager.get("/mirrorz.json").status == 404)
        }
    }

    @Test(arguments: [
        (JobState.success, "S20X40"), (.syncing, "Y10X40O20"), (.preSyncing, "Y10X40O20"), (.failed, "F30X40O20"),
        (.paused, "P30X40O20"), (.none, "UX40O20"),
    ])
    func statesOfMirrorZTellTheTimes(_ state: JobState, _ text: String) {
        let status = MirrorStatus(
            name: "a", worker: "w", status: state, lastUpdate: WireTime(seconds: 20),
            lastStarted: WireTime(seconds: 10),
            lastEnded: WireTime(seconds: 30), nextSchedule: WireTime(seconds: 40))
        #expect(MirrorZDocument.status(of: status) == text)
    }

    @Test func mirrorZHasOneRowForSeveralCopies() {
        let site = MirrorZSettings(url: "u", abbreviation: "a", name: "n")
        let statuses = [
            MirrorStatus(name: "a", worker: "1", isMaster: false, status: .success, lastUpdate: WireTime(seconds: 9)),
            MirrorStatus(name: "a", worker: "2", isMaster: true, status: .success, lastUpdate: WireTime(seconds: 5)),
            MirrorStatus(name: "a", worker: "3", isMaster: true, status: .success, lastUpdate: WireTime(seconds: 7)),
            MirrorStatus(name: "a", worker: "4", isMaster: true, status: .disabled),
        ]
        #expect(MirrorZDocument(site: site, statuses: statuses).mirrors.map(\.worker) == ["3"])
    }
}
