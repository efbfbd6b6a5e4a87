// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import CRDTKit
import LiveTestSupport
import MailStore
import ReplicaService
import ReplicaTestSupport
import TestSupport
import Testing

/// Real services, real stores, real TLS: whatever happens to the links, the replicas become equal.
@Suite(.timeLimit(.minutes(10))) struct ConvergenceTests {
    @Test func whatOneWritesTheOtherShows() async throws {
        let cluster = try TestCluster(["a", "b"])
        try await cluster.start("a")
        try await cluster.start("b")
        try await cluster["a"].append("first")
        try await cluster["b"].append("second")
        try await cluster.waitUntilEqual()
        try await waitUntil { try await cluster["a"].messages().count == 2 }
        try await waitUntil { try await cluster["b"].messages().count == 2 }
        let here = try await cluster["a"].messages().map(\.uid)
        let there = try await cluster["b"].messages().map(\.uid)
        #expect(here == there)
        #expect(cluster["a"].metric("pluto_replication_links_total", "peer=\"b\"") >= 2)
        try await cluster.stopAll()
    }

    @Test func aNodeStartsAndServesAloneAndTheOthersCatchUp() async throws {
        let cluster = try TestCluster(["a", "b", "c"])
        try await cluster.start("a")
        for number in 0..<50 { try await cluster["a"].append("alone \(number)", octets: 1_000) }
        #expect(cluster["a"].store.replicationStatus().durable.count == 1)
        try await cluster.start("c")
        try await cluster.waitUntilEqual(["a", "c"])
        try await cluster.start("b")
        try await cluster.waitUntilEqual()
        try await cluster.stopAll()
    }

    @Test(arguments: [1, 2, 3] as [UInt64]) func threeWritersOverLinksThatComeAndGoBecomeEqual(seed: UInt64)
        async throws
    {
        let cluster = try TestCluster(["a", "b", "c"])
        for name in cluster.names { try await cluster.start(name) }
        var generator = SeededGenerator(seed: seed)
        let pairs = [("a", "b"), ("b", "c"), ("a", "c")]
        for round in 0..<40 {
            let name = cluster.names[Int.random(in: 0..<3, using: &generator)]
            try await cluster[name].append("\(name) \(round)", octets: Int.random(in: 0...50_000, using: &generator))
            let (first, second) = pairs[Int.random(in: 0..<3, using: &generator)]
            switch Int.random(in: 0..<6, using: &generator) {
            case 0: cluster.cut(first, second)
            case 1: cluster.mend(first, second)
            case 2: cluster.proxy(first, second).dropConnections()
            case 3: cluster.proxy(second, first).freeze()
            case 4: cluster.proxy(second, first).thaw()
            default: break
            }
        }
        for (first, second) in pairs {
            cluster.mend(first, second)
            cluster.proxy(first, second).thaw()
            cluster.proxy(second, first).thaw()
        }
        try await cluster.waitUntilEqual()
        try await waitUntil { try await cluster["b"].messages().count == 40 }
        try await cluster.stopAll()
    }

    @Test func whatACutLinkDoesNotBringComesThroughASurvivor() async throws {
        let cluster = try TestCluster(["a", "b", "c"])
        for name in cluster.names { try await cluster.start(name) }
        try await cluster.waitUntilEqual()
        cluster.cut("a", "b")
        for number in 0..<20 { try await cluster["a"].append("relayed \(number)") }
        try await cluster.waitUntilEqual()
        try await cluster.stopAll()
    }

    @Test func aNodeThatWasAwayCatchesUpFromItsOwnDirectory() async throws {
        let cluster = try TestCluster(["a", "b"])
        for name in cluster.names { try await cluster.start(name) }
        for number in 0..<10 { try await cluster["a"].append("before \(number)") }
        try await cluster.waitUntilEqual()
        try await cluster.stop("b")
        for number in 0..<100 { try await cluster["a"].append("meanwhile \(number)", octets: 5_000) }
        try await cluster.start("b")
        try await cluster.waitUntilEqual()
        #expect(try await cluster["b"].account().counts(of: "INBOX").octets > 500_000)
        try await cluster.stopAll()
    }

    @Test func aLargeBodyArrivesAlthoughTheLinkIsCutInTheMiddle() async throws {
        let cluster = try TestCluster(["a", "b"])
        for name in cluster.names { try await cluster.start(name) }
        try await cluster.waitUntilEqual()
        // Slow enough that it takes several round trips, each of which can be cut.
        cluster.proxy("a", "b").delay(.milliseconds(20))
        try await cluster["a"].append("large", octets: 3 << 20)
        let before = cluster.proxy("a", "b").bytes(.toTarget)
        for cut in 1...3 {
            try await waitUntil {
                cluster.proxy("a", "b").bytes(.toTarget) > before + cut * 600_000
                    || cluster["b"].store.missingBodyCount == 0
            }
            cluster.proxy("a", "b").dropConnections()
        }
        try await cluster.waitUntilEqual()
        let message = try #require(try await cluster["b"].messages().first)
        let reader = try await cluster["b"].account().openBody(of: message)
        defer { reader.close() }
        #expect(reader.size > 3 << 20)
        #expect(try reader.read(reader.size - 10..<reader.size) == [UInt8](repeating: 0x61, count: 10))
        // Resumed, not begun anew: far less went over than the body once more for each cut.
        #expect(cluster.proxy("a", "b").bytes(.toTarget) - before < 6 << 20)
        try await cluster.stopAll()
    }
}
