// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import LiveTestSupport
import MailStore
import ReplicaTestSupport
import Testing

/// How long what is acknowledged here takes to be shown there. The figures are printed, not judged: machines differ.
@Suite(.serialized, .timeLimit(.minutes(10))) struct LagTests {
    @Test(arguments: [0, 20]) func whatIsAcknowledgedIsSoonShownElsewhere(delayMilliseconds: Int) async throws {
        let cluster = try TestCluster(["a", "b"])
        try await cluster.start("a")
        try await cluster.start("b")
        // The first message makes its writer the one that gives out UIDs here.
        try await cluster["a"].append("first")
        try await waitUntil { try await cluster["b"].messages().count == 1 }
        for (from, to) in [("a", "b"), ("b", "a")] {
            cluster.proxy(from, to).delay(.milliseconds(delayMilliseconds))
        }
        let (events, signal) = AsyncStream.makeStream(of: ContinuousClock.Instant.self)
        let open = try await cluster["b"].account().open("INBOX") { signal.yield(.now) }
        defer { open.close() }
        var iterator = events.makeAsyncIterator()
        var lags: [Duration] = []
        for number in 0..<100 {
            try await cluster["a"].append("message \(number)", octets: 2_000)
            let acknowledged = ContinuousClock.now
            var arrived = false
            while !arrived {
                let told = try #require(await iterator.next())
                arrived = open.takeNotices().contains { if case .arrived = $0 { true } else { false } }
                if arrived { lags.append(told - acknowledged) }
            }
        }
        lags.sort()
        print(
            "lag with \(delayMilliseconds) ms of delay: median \(lags[50]), 90 of 100 within \(lags[89]), longest \(lags[99])"
        )
        #expect(lags.count == 100)
        try await cluster.stopAll()
    }
}
