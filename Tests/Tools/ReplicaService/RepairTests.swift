// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import CRDTKit
import Logging
import LiveTestSupport
import NodeSupport
import ReplicaService
import ReplicaTestSupport
import Synchronization
import Testing

@testable import MailStore

/// Real services and real stores: a difference is found and repaired, and who was away too long gets a snapshot, while
/// everybody serves on.
@Suite(.timeLimit(.minutes(10))) struct RepairTests {
    /// The machine may hear of an acknowledgement before it is told that the operation is durable; a new life for nothing would stop writing for a moment.
    @Test func operationsThatAreHereBeginNoNewLife() async throws {
        let cluster = try TestCluster(["a"])
        let node = try await cluster.start("a")
        try await node.append("one")
        let replica = MailStoreReplica(node.store)
        let id = node.store.replicaID
        let own = StreamVector(node.store.replicationStatus().durable)[id]
        #expect(own > 0)
        try await replica.takeNewIncarnation(seen: StreamPosition(origin: id, counter: own))
        #expect(node.store.replicaID == id)
        try await replica.takeNewIncarnation(seen: StreamPosition(origin: id, counter: own + 1))
        let next = node.store.replicaID
        #expect(next != id)
        // Another peer says the same of the former life.
        try await replica.takeNewIncarnation(seen: StreamPosition(origin: id, counter: own + 1))
        #expect(node.store.replicaID == next)
        try await cluster.stopAll()
    }

    /// Nobody has dropped anything yet that somebody may still need, and sessions would have to begin anew.
    @Test func aNewGroupNeedsNoSnapshot() async throws {
        for _ in 0..<5 {
            let cluster = try TestCluster(["a", "b", "c"])
            for name in cluster.names {
                try await cluster.start(name)
                try await cluster[name].append("by \(name)")
            }
            for number in 0..<20 { for name in cluster.names { try await cluster[name].append("news \(number)") } }
            try await cluster.waitUntilEqual()
            for name in cluster.names {
                #expect(cluster[name].metric("pluto_replication_snapshots_total") == 0, "\(name)")
            }
            try await cluster.stopAll()
        }
    }

    @Test func aFaultOfMemoryIsFoundAndRepairedWhileAllServe() async throws {
        let cluster = try await filledCluster()
        let shown = try await flags(cluster["a"])
        try await damage(cluster["b"].store)
        try await serveUntilRepaired(cluster, cluster["b"])
        for name in cluster.names { #expect(try await flags(cluster[name]) == shown) }
        try await cluster.stopAll()
    }

    @Test func aFaultThatIsOnDiskIsFoundAndRepairedAfterAStart() async throws {
        let cluster = try await filledCluster()
        let shown = try await flags(cluster["a"])
        // Nobody hears of it before the node stops.
        cluster.cut("a", "b")
        cluster.cut("b", "c")
        try await damage(cluster["b"].store)
        try await cluster["b"].store.checkpoint()
        try await cluster.stop("b")
        try await cluster.start("b")
        #expect(try await flags(cluster["b"]) != shown)
        cluster.mend("a", "b")
        cluster.mend("b", "c")
        try await serveUntilRepaired(cluster, cluster["b"])
        for name in cluster.names { #expect(try await flags(cluster[name]) == shown) }
        // What came in place of the damage is on disk.
        try await cluster.stop("b")
        try await cluster.start("b")
        try await cluster.waitUntilEqual()
        #expect(try await flags(cluster["b"]) == shown)
        try await cluster.stopAll()
    }

    @Test func whatTheCapLetGoComesByASnapshotWhileAllServe() async throws {
        let cluster = try TestCluster(["a", "b", "c"])
        let options: (inout MailStoreOptions) -> Void = {
            $0.segmentBytes = 64 << 10
            $0.retentionBytes = 256 << 10
            $0.checkpointBytes = 64 << 10
        }
        for name in cluster.names { try await cluster.start(name, options: options) }
        try await cluster["b"].append("first")
        try await cluster.waitUntilEqual()
        // What b writes alone is lost to nobody.
        cluster.cut("a", "b")
        cluster.cut("b", "c")
        try await cluster["b"].append("alone", user: "bob")
        try await cluster.stop("b")
        let origin = cluster["a"].store.replicaID
        let held = counter(origin, cluster["a"].store.replicationStatus().durable)
        var number = 0
        for name in ["a", "c"] {
            while counter(origin, cluster[name].store.replicationStatus().logStart) <= held {
                number += 1
                try await cluster["a"].append("kept \(number)", octets: 10_000)
            }
        }
        cluster.mend("a", "b")
        cluster.mend("b", "c")
        try await cluster.start("b", options: options)
        // Everybody serves meanwhile, the one that is brought up to date included.
        var served = 0
        while try await count(cluster["b"]) ?? 0 <= number {
            for name in ["a", "c"] { try await cluster[name].append("served \(served)", user: "carol") }
            served += 1
        }
        try await cluster.waitUntilEqual()
        let completed = "outcome=\"completed\""
        #expect(cluster["b"].metric("pluto_replication_snapshots_total", completed) >= 1)
        for name in cluster.names {
            #expect(try await cluster[name].messages().count == number + 1)
            #expect(try await cluster[name].messages(user: "bob").count == 1)
            #expect(try await cluster[name].messages(user: "carol").count == served * 2)
            // That is how it should be, and no error.
            #expect(!cluster[name].lines.has(.error, "brought up to date"))
        }
        try await cluster.stopAll()
    }

    // MARK: Support

    /// The messages that a session sees; nil when it has to begin anew because a snapshot has just been put in force.
    private func count(_ node: TestReplica) async throws -> Int? {
        do { return try await node.messages().count } catch let error as MailStoreError {
            if error.code == .superseded || error.code == .catchingUp { return nil }
            throw error
        }
    }

    private func counter(_ origin: ReplicaID, _ positions: [StreamPosition]) -> UInt64 {
        StreamVector(positions)[origin]
    }

    /// Three replicas that agree on mail of two users.
    private func filledCluster() async throws -> TestCluster {
        let cluster = try TestCluster(["a", "b", "c"])
        for name in cluster.names { try await cluster.start(name) }
        for number in 0..<20 {
            try await cluster["a"].append("mail \(number)", octets: 500)
            try await cluster["c"].append("other \(number)", user: "bob")
        }
        try await cluster.waitUntilEqual()
        return cluster
    }

    /// The UIDs and flags that a session sees.
    private func flags(_ node: TestReplica) async throws -> [String] {
        try await node.messages().map { "\($0.uid) \($0.flags)" }
    }

    /// Changes flags in memory, and with the next checkpoint on disk, as no operation does.
    private func damage(_ store: MailStore) async throws {
        let account = try await store.account(named: "alice")
        let open = try await account.open("INBOX") {}
        defer { open.close() }
        let count = store.core.withLock { core -> Int in
            guard let box = core.accounts[account.index] else { return 0 }
            var batch = OperationBatch(
                replica: core.replica.own, firstCounter: 1_000_000, timestamp: HybridTimestamp(milliseconds: 1),
                account: box.index, context: core.context(past: core.replica.delivered))
            let messages = box.state.messages(in: open.snapshot.id).prefix(3)
            for message in messages {
                // A flag that is set already would change nothing; these are not.
                _ = try? box.state.store(
                    .add(FlagSet([.flagged, .draft])), message: message.id, in: open.snapshot.id, batch: &batch)
            }
            _ = core.absorb(batch.changes, of: box, origin: 0)
            return messages.count
        }
        #expect(count == 3)
    }

    /// Lets clients of all nodes write and read until the damaged node has fetched what differed.
    private func serveUntilRepaired(_ cluster: TestCluster, _ damaged: TestReplica) async throws {
        // A session of another user on the damaged node goes on with its mailbox.
        let other = try await damaged.account("bob").open("INBOX") {}
        defer { other.close() }
        var written = 0
        while damaged.service.status?.group.repairs ?? 0 == 0 {
            for name in cluster.names { try await cluster[name].append("served \(written)", user: "bob") }
            written += 1
            // A moment in which nobody writes: digests are compared when all have the same operations.
            var patience = 100
            while damaged.service.status?.group.repairs ?? 0 == 0, patience > 0 {
                patience -= 1
                try await Task.sleep(for: .milliseconds(5))
                #expect(try await damaged.messages(user: "bob").count >= 20)
            }
        }
        try await cluster.waitUntilEqual()
        for name in cluster.names { #expect(try await cluster[name].messages(user: "bob").count == 20 + 3 * written) }
        #expect(
            !other.takeNotices().contains { notice in
                if case .overrun = notice { return true }
                return false
            })
        #expect(damaged.metric("pluto_replication_digest_mismatches_total") >= 1)
        #expect(damaged.metric("pluto_replication_repairs_total") >= 1)
        // The others were not changed.
        for name in cluster.names where name != damaged.name {
            #expect(cluster[name].service.status?.group.repairs == 0)
        }
    }
}
