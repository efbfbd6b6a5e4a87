// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import CRDTKit
import LiveTestSupport
import Logging
import MailStore
import NodeSupport
import ReplicaService
import ReplicaTestSupport
import Testing

/// Nobody delays anybody else, and whoever does not belong is refused with a reason.
@Suite(.timeLimit(.minutes(10))) struct IsolationTests {
    @Test func aPeerThatVanishedDelaysNobody() async throws {
        let cluster = try TestCluster(["a", "b", "c"])
        for name in cluster.names { try await cluster.start(name) }
        try await cluster.waitUntilEqual()
        // c's machine is gone without a word: connections stay, nothing moves.
        for other in ["a", "b"] {
            cluster.proxy(other, "c").freeze()
            cluster.proxy("c", other).freeze()
        }
        for number in 0..<200 { try await cluster["a"].append("news \(number)", octets: 20_000) }
        try await cluster.waitUntilEqual(["a", "b"])
        let peer = try #require(cluster["a"].peer("c"))
        #expect(peer.windowBytesInUse <= ReplicationLimits().windowBytes + (256 << 10))
        try await waitUntil { cluster["a"].metric("pluto_replication_peer_reachable", "peer=\"c\"") == 0 }
        try await waitUntil { cluster["a"].metric("pluto_replication_peer_reachable", "peer=\"b\"") == 1 }
        try await waitUntil { cluster["a"].metric("pluto_replication_lag_operations", "peer=\"c\"", "send") >= 200 }
        for other in ["a", "b"] {
            cluster.proxy(other, "c").thaw()
            cluster.proxy("c", other).thaw()
        }
        try await cluster.waitUntilEqual()
        try await waitUntil { cluster["a"].metric("pluto_replication_lag_operations", "peer=\"c\"", "send") == 0 }
        try await cluster.stopAll()
    }

    /// Links that were cut for long are dialled again only now and then; a session that begins does not wait for that.
    @Test func aSessionBeginsWithWhatThePeersHave() async throws {
        let cluster = try TestCluster(["a", "b", "c"])
        for name in cluster.names { try await cluster.start(name) }
        try await cluster["b"].append("old")
        try await cluster.waitUntilEqual()
        for other in ["b", "c"] { cluster.cut("a", other) }
        try await waitUntil { cluster["a"].metric("pluto_replication_failed_dials_total") >= 12 }
        for number in 0..<20 { try await cluster["b"].append("news \(number)", octets: 50_000) }
        // Who cannot be reached is waited for a little, and nobody is told otherwise.
        await cluster["a"].service.catchUp(within: .milliseconds(30))
        await cluster["a"].service.catchUp(within: .milliseconds(30))
        #expect(try await cluster["a"].messages().count == 1)
        try await waitUntil { cluster["a"].service.status?.group.peers.allSatisfy { $0.incoming == .down } ?? false }
        for other in ["b", "c"] { cluster.mend("a", other) }
        try await Task.sleep(for: FreshLook.silencePause)
        await cluster["a"].service.catchUp(within: .seconds(60))
        #expect(try await cluster["a"].messages().count == 21)
        await cluster["a"].service.catchUp(within: .zero)
        try await cluster.stopAll()
    }

    @Test func aPeerWithASlowDiskDelaysNobodyAndHoldsAWindowAtMost() async throws {
        let cluster = try TestCluster(["a", "b", "c"])
        // A busy machine is no reason to give a link up: each new one would have a window of its own.
        var limits = ReplicationLimits()
        limits.unreachableMilliseconds = 60_000
        limits.silenceMilliseconds = 60_000
        limits.stallMilliseconds = 60_000
        try await cluster.start("a", limits: limits)
        try await cluster.start("b", limits: limits)
        var gate: GatedStore?
        try await cluster.start("c", limits: limits) { store in
            let gated = GatedStore(store)
            gate = gated
            return gated
        }
        try await cluster.waitUntilEqual()
        let slow = try #require(gate)
        slow.shut()
        for number in 0..<300 { try await cluster["a"].append("news \(number)", octets: 20_000) }
        try await cluster.waitUntilEqual(["a", "b"])
        // Two senders, each with its window.
        #expect(slow.heldBytes <= 2 * (ReplicationLimits().windowBytes + (256 << 10)))
        slow.open()
        try await cluster.waitUntilEqual()
        try await cluster.stopAll()
    }

    @Test func aLogThatCannotBeReadEndsTheLinkAndTheNextOneGoesOn() async throws {
        let cluster = try TestCluster(["a", "b"])
        var gate: GatedStore?
        try await cluster.start("a") { _ in
        } wrap: { store in
            let gated = GatedStore(store)
            gate = gated
            return gated
        }
        try await cluster.start("b")
        try await cluster.waitUntilEqual()
        gate?.failReads(1)
        try await cluster["a"].append("news")
        try await cluster.waitUntilEqual()
        #expect(cluster["a"].metric("pluto_replication_store_failures_total") == 1)
        #expect(cluster["a"].lines.has(.error, "the store could not serve replication"))
        try await cluster.stopAll()
    }

    @Test func anotherGroupIsRefusedWithAReason() async throws {
        let cluster = try TestCluster(["a", "b"])
        try await cluster.start("a")
        try await cluster.start("b") { $0.name = "range-2" }
        try await waitUntil { cluster["a"].metric("pluto_replication_refusals_total", "wrongGroup") > 0 }
        try await waitUntil { cluster["a"].lines.has(.error, "wrongGroup") }
        try await cluster["a"].append("mine")
        #expect(
            cluster["b"].store.replicationStatus().durable.allSatisfy {
                $0.origin != cluster["a"].store.replicaID
            })
        try await cluster.stopAll()
    }

    @Test func anUnknownMemberIsRefusedUntilAnOperationAddsIt() async throws {
        let cluster = try TestCluster(["a", "b"])
        try await cluster.start("a") { $0.members.removeAll { $0.name == "b" } }
        try await cluster.start("b")
        try await waitUntil { cluster["a"].metric("pluto_replication_refusals_total", "unknownMember") > 0 }
        let address = HostPort(host: "127.0.0.1", port: UInt16(cluster.proxy("a", "b").port))
        try await cluster["a"].store.changeMember(.add(name: "b", stripe: 1, addresses: [address.description]))
        try await waitUntil { cluster["a"].peer("b")?.outgoing == .up }
        try await cluster.waitUntilEqual()
        try await cluster["a"].store.changeMember(.remove(name: "b"))
        try await waitUntil { cluster["a"].peer("b") == nil }
        try await cluster.stopAll()
    }

    @Test func aConfigurationThatDoesNotFitIsRefused() async throws {
        let cluster = try TestCluster(["a", "b"])
        try await cluster.start("a")
        try await cluster.start("b") { $0.settings["separator"] = "." }
        try await waitUntil { cluster["a"].metric("pluto_replication_refusals_total", "otherConfiguration") > 0 }
        try await waitUntil { cluster["b"].metric("pluto_replication_refusals_total", "otherConfiguration") > 0 }
        try await cluster.stopAll()
    }

    @Test func aRunThatIsCancelledEndsAndLeavesTheStoreUsable() async throws {
        let cluster = try TestCluster(["a", "b"])
        for name in cluster.names { try await cluster.start(name) }
        for number in 0..<20 { try await cluster["a"].append("news \(number)") }
        try await cluster.stop("b")
        try await cluster["a"].append("after")
        #expect(try await cluster["a"].account().counts(of: "INBOX").uidNext > 1)
        try await cluster.stopAll()
    }
}
