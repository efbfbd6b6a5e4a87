// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import LiveTestSupport
import MirrorConfig
import MirrorManager
import MirrorWire
import NIOHTTP1
import SyncJobs
import Testing

@Suite struct ManyMirrorsTests {
    @Test func tenThousandMirrorsAreKeptAndShown() async throws {
        let folder = try TemporaryDirectory("mirror-many")
        var settings = TestManager.open
        settings.database = .lmdb(path: folder.file("data"))
        let count: UInt64 = 10_000
        try await TestManager.run(settings) { manager in
            let start = WireTime(seconds: 1_795_000_000)
            _ = try await manager.post(
                "/workers", Worker(id: "w1", url: "http://127.0.0.1:1/", incarnation: "i", started: start))
            let events = (1...count).map { number in
                WorkerEvent(
                    sequence: number,
                    kind: .status(
                        .init(
                            at: start, run: number, attempt: 1,
                            status: MirrorStatus(
                                name: "mirror-\(number)", worker: "w1", status: .success,
                                upstream: "rsync://upstream.example.org/mirror-\(number)/", size: "\(number)G"),
                            isFinal: true)))
            }
            let reply = try await manager.post(
                "/api/v1/workers/w1/events",
                WorkerEvents(incarnation: "i", started: start, outbox: "o", events: events))
            #expect(reply.text == #"{"acknowledged":10000}"#)
            #expect(try await manager.jobs().count == 10_000)
            let clock = ContinuousClock()
            var times: [Duration] = []
            for index in 0..<50 {
                times.append(try await clock.measure { _ = try await manager.status("mirror-\(index + 1)", "syncing") })
            }
            let plain = try await clock.measure { _ = try await manager.get("/jobs") }
            let compressed = try await clock.measure {
                _ = try await manager.get("/jobs", headers: [("Accept-Encoding", "gzip")])
            }
            try await manager.status("mirror-7", "failed")
            let again = try await clock.measure {
                _ = try await manager.get("/jobs", headers: [("Accept-Encoding", "gzip")])
            }
            // For whoever looks at the output; nothing depends on it.
            print("status post \(times.sorted()[25]), /jobs \(plain), first gzip \(compressed), next gzip \(again)")
        }
        try await TestManager.run(settings) { manager in
            let jobs = try await manager.jobs()
            #expect(jobs.count == 10_000)
            #expect(jobs.count { $0.status == .syncing } == 49)
        }
    }
}
