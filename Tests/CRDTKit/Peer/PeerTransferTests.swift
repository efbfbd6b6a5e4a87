// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import TestSupport
import Testing

@testable import CRDTKit

/// Snapshots, differences and missing bodies.
@Suite struct PeerTransferTests {
    private var impatient: ReplicationLimits {
        var limits = ReplicationLimits()
        limits.exportKeepMilliseconds = 3_000
        limits.snapshotPauseMilliseconds = 200
        return limits
    }

    /// Two nodes with a history that their logs no longer hold, and a third that missed it.
    private func clusterWithACutLog(_ seed: UInt64, _ limits: ReplicationLimits) throws -> ToyCluster {
        let cluster = try ToyCluster(3, seed: seed, limits: limits)
        cluster.isolate(2)
        try cluster.nodes[0].store.issue(150)
        try cluster.nodes[1].store.issue(100)
        try cluster.nodes[2].store.issue(30)
        _ = try cluster.run(atMost: 3_000) {
            cluster.nodes[0].store.durable == cluster.nodes[1].store.durable
                && cluster.nodes[0].store.durable[ReplicaID(101)] == 100
        }
        for node in cluster.nodes[..<2] {
            node.store.cutLog()
            node.machine.storeAdvanced(node.store.status, now: cluster.now)
        }
        return cluster
    }

    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func aReplicaBehindEveryLogTakesASnapshot(seed: UInt64) throws {
        let cluster = try clusterWithACutLog(seed, impatient)
        cluster.join(2)
        let isDone = try cluster.run(atMost: 20_000) { cluster.isConverged }
        #expect(isDone, "seed \(seed)")
        #expect(cluster.nodes[2].imports.count == 1 && cluster.isExactlyOnce(2), "seed \(seed)")
        #expect(cluster.isExactlyOnce(0) && cluster.isExactlyOnce(1), "seed \(seed)")
        // Whoever made it has freed it.
        try cluster.run(milliseconds: 200)
        #expect(cluster.nodes[0].exports == cluster.nodes[0].endedExports, "seed \(seed)")
        #expect(cluster.nodes[1].exports == cluster.nodes[1].endedExports, "seed \(seed)")
    }

    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func aSnapshotGoesOnAfterALostLink(seed: UInt64) throws {
        let cluster = try clusterWithACutLog(seed, impatient)
        cluster.join(2)
        for round in 1...3 as ClosedRange<UInt64> {
            _ = try cluster.run(atMost: 5_000) { cluster.nodes[2].machine.status.importedParts >= round * 5 }
            for wire in cluster.wires where wire.to == 2 { cluster.drop(wire) }
        }
        let isDone = try cluster.run(atMost: 20_000) { cluster.isConverged }
        #expect(isDone, "seed \(seed)")
        #expect(cluster.nodes[2].imports.count == 1 && cluster.nodes[2].abortedImports.isEmpty, "seed \(seed)")
    }

    @Test func aSnapshotBeginsAnewElsewhereWhenItsMakerDies() throws {
        let cluster = try clusterWithACutLog(9, impatient)
        cluster.join(2)
        _ = try cluster.run(atMost: 5_000) { cluster.nodes[2].machine.status.importedParts >= 5 }
        let maker = cluster.nodes[0].exports.isEmpty ? 1 : 0
        cluster.isolate(maker)
        cluster.isRunning[maker] = false
        let isDone = try cluster.run(atMost: 20_000) { cluster.isConverged }
        #expect(isDone)
        #expect(cluster.nodes[2].imports.count == 2 && cluster.nodes[2].abortedImports.count == 1)
    }

    @Test func aNewReplicaFarBehindTakesASnapshotRatherThanTheLog() throws {
        var limits = impatient
        limits.snapshotLagOperations = 50
        let cluster = try ToyCluster(2, seed: 3, limits: limits)
        cluster.isolate(1)
        try cluster.nodes[0].store.issue(200)
        try cluster.run(milliseconds: 50)
        cluster.join(1)
        let isDone = try cluster.run(atMost: 10_000) { cluster.isConverged }
        #expect(isDone && cluster.nodes[1].imports.count == 1)
        let frames = cluster.nodes[0].machine.status.sentFrames
        #expect(frames == 0)
    }

    @Test func aSnapshotThatTheStoreRejectsIsTriedAgainLater() throws {
        let script = try PeerScript()
        let link = script.establish("a", 2, .incoming, durable: [position(2, 9)], logStart: [position(2, 5)])
        guard case .snapshotRequest(let id, .everything, 0, 4)? = script.messages.last else {
            Issue.record("no request: \(script.messages)")
            return
        }
        script.answers = false
        script.feed(.snapshotPart(id, SnapshotPart(index: 0, isLast: false, bytes: [1])), link)
        script.node.machine.snapshotPartImported(id, index: 0, .rejected("no room"), now: script.now)
        script.clear()
        script.drain()
        #expect(script.messages == [.snapshotAbort(id, "no room")])
        script.node.answers = []
        script.advance(1_000)
        #expect(script.node.imports.count == 1)
        script.feed(.presence(script.presence([position(2, 9)], logStart: [position(2, 5)])), link)
        script.advance(1_300)
        #expect(script.node.imports.count == 2)
    }

    @Test func partsBeyondTheCreditAreAViolation() throws {
        let script = try PeerScript()
        let link = script.establish("a", 2, .incoming, durable: [position(2, 9)], logStart: [position(2, 5)])
        guard case .snapshotRequest(let id, _, _, _)? = script.messages.last else { return }
        script.answers = false
        for index in 0..<4 as Range<UInt64> {
            script.feed(.snapshotPart(id, SnapshotPart(index: index, isLast: false, bytes: [1])), link)
            try script.node.machine.checkInvariants()
        }
        #expect(script.closed.isEmpty)
        script.feed(.snapshotPart(id, SnapshotPart(index: 4, isLast: false, bytes: [1])), link)
        #expect(script.closed.last?.reason.code == .protocolViolation)
    }

    @Test func makesFewSnapshotsAtOnceAndInNobodyElsesName() throws {
        let script = try PeerScript()
        let link = script.establish("a", 2, .outgoing)
        for number in 1...3 as ClosedRange<UInt64> {
            let id = TransferID(receiver: ReplicaID(2), number: number)
            script.answers = false
            script.feed(.snapshotRequest(id, .everything, nextPart: 0, credit: 1_000_000), link)
        }
        #expect(script.node.exports.count == 2)
        guard case .snapshotAbort(let refused, _)? = script.messages.last else {
            Issue.record("not refused")
            return
        }
        #expect(refused.number == 3)
        let foreign = TransferID(receiver: ReplicaID(5), number: 1)
        script.feed(.snapshotRequest(foreign, .everything, nextPart: 0, credit: 4), link)
        #expect(script.closed.last?.reason.code == .protocolViolation)
        // For a receiver that is gone they are kept for a while only.
        script.advance(31_000)
        #expect(script.node.endedExports.count == 2)
    }

    // MARK: Differences

    private func account(_ name: String, _ digest: UInt64) -> AccountDigest {
        AccountDigest(account: name, digest: StateDigest(low: digest, high: digest))
    }

    private func run(_ accounts: [[AccountDigest]], pageSize: Int = 1_024) throws -> ToyCluster {
        let cluster = try ToyCluster(accounts.count, seed: 4)
        try cluster.nodes[0].store.issue(5)
        let isDone = try cluster.run(atMost: 3_000) { cluster.isConverged }
        #expect(isDone)
        for (index, list) in accounts.enumerated() {
            cluster.nodes[index].accounts = list
            let sum = list.reduce(UInt64(0)) { $0 &+ $1.digest.low }
            cluster.nodes[index].store.digest = StateDigest(low: sum, high: 0)
            cluster.nodes[index].machine.storeAdvanced(cluster.nodes[index].store.status, now: cluster.now)
            cluster.drain(index)
        }
        try cluster.run(milliseconds: 1_500)
        return cluster
    }

    @Test func theMinorityFetchesTheAccountAgain() throws {
        let common = [account("anna", 1), account("bob", 2)]
        let cluster = try run([common, common, [account("anna", 1), account("bob", 7), account("carl", 9)]])
        #expect(cluster.nodes[2].machine.status.repairs == 2)
        #expect(cluster.nodes[0].imports.isEmpty && cluster.nodes[1].imports.isEmpty)
        for case .divergence(let accounts, let repairing) in cluster.nodes[2].events {
            #expect(accounts == ["bob", "carl"] && repairing == accounts)
        }
        #expect(cluster.nodes[0].machine.status.divergences >= 1)
    }

    @Test func atEqualNumbersTheOldestReplicaWins() throws {
        let cluster = try run([[account("bob", 2)], [account("bob", 7)]])
        #expect(cluster.nodes[0].imports.isEmpty)
        #expect(cluster.nodes[1].machine.status.repairs >= 1)
    }

    @Test func equalStoresAreLeftAlone() throws {
        let common = [account("anna", 1)]
        let cluster = try run([common, common, common])
        for node in cluster.nodes {
            #expect(node.machine.status.divergences == 0 && node.imports.isEmpty)
        }
    }

    @Test func pagesAreComparedOverTheNamesThatTheyShare() {
        let own = (0..<10).map { account("user\($0)", UInt64($0)) }
        var theirs = own
        theirs.remove(at: 3)
        theirs[6] = account(theirs[6].account, 99)
        var search = DivergenceSearch()
        let vector = [position(1, 5)]
        search.run = DivergenceSearch.Run(
            vector: StreamVector(vector), own: ReplicaID(2), startedAt: 0,
            participants: [LinkID(1): .init(name: "a", replica: ReplicaID(1))])
        var after: String?
        var rounds = 0
        func page(_ all: [AccountDigest], _ size: Int) -> DigestPage {
            let rest = all.filter { entry in after.map { AccountDigest.isBefore($0, entry.account) } ?? true }
            return DigestPage(vector: vector, entries: Array(rest.prefix(size)), isLast: rest.count <= size)
        }
        while rounds < 20 {
            rounds += 1
            search.run?.ownPage = page(own, 3)
            search.run?.pages = [LinkID(1): page(theirs, 2)]
            guard case .next(let name) = search.step(repairLimit: 64) else { break }
            after = name
        }
        #expect(search.run?.differing == ["user3", "user7"])
        #expect(search.run?.repairs.map(\.account) == ["user3", "user7"])
        #expect(rounds < 10)
    }

    // MARK: Bodies

    @Test func asksEveryPeerForABodyAndRestsWhenNobodyHasIt() throws {
        let script = try PeerScript()
        let first = script.establish("a", 2, .incoming)
        let second = script.establish("b", 3, .incoming)
        let digest = ToyStore.digest(of: [1, 2, 3])
        script.clear()
        let body = MissingBody(digest: digest, size: 3, origin: ReplicaID(3))
        script.node.machine.bodiesMissing([body], now: script.now)
        script.drain()
        #expect(script.sent.map(\.link) == [second])
        script.feed(.bodyAbsent(digest), second)
        #expect(script.sent.map(\.link) == [second, first])
        script.feed(.bodyAbsent(digest), first)
        #expect(script.sent.count == 2)
        for _ in 0..<25 {
            script.advance(100)
            script.feed(.presence(script.presence([])), first)
            script.feed(.presence(script.presence([])), second)
        }
        let wants = script.messages.count { if case .want = $0 { true } else { false } }
        #expect(wants == 3)
        script.feed(.bodyChunk(digest, size: 3, offset: 0, bytes: [1, 2, 3]), second)
        #expect(script.store.bodies[digest] == [1, 2, 3])
        #expect(script.status.missingBodies == 0)
    }

    @Test func aBodyWithAnotherHashIsReportedAndFetchedElsewhere() throws {
        let script = try PeerScript()
        let first = script.establish("a", 2, .incoming)
        let second = script.establish("b", 3, .incoming)
        let digest = ToyStore.digest(of: [1, 2, 3])
        let body = MissingBody(digest: digest, size: 3, origin: ReplicaID(2))
        script.node.machine.bodiesMissing([body], now: script.now)
        script.drain()
        script.feed(.bodyChunk(digest, size: 3, offset: 0, bytes: [6, 6, 6]), first)
        #expect(script.node.count { if case .bodyMismatch("a", _) = $0 { true } else { false } } == 1)
        script.feed(.bodyChunk(digest, size: 3, offset: 0, bytes: [1, 2, 3]), second)
        #expect(script.store.bodies[digest] == [1, 2, 3])
    }

    @Test func urgentBodiesGoFirstAndWantsAreBounded() throws {
        let script = try PeerScript()
        script.node.machine.bodiesMissing(
            (0..<1_000).map { MissingBody(digest: ToyStore.digest(of: [UInt8($0 & 255), UInt8($0 >> 8)]), size: 2) },
            now: script.now)
        script.drain()
        #expect(script.status.missingBodies == script.node.machine.limits.knownMissingBodies)
        let urgent = ToyStore.digest(of: [9, 9, 9])
        script.node.machine.bodiesMissing([MissingBody(digest: urgent, size: 3, isUrgent: true)], now: script.now)
        let link = script.establish("a", 2, .incoming)
        let wants = script.sent.compactMap { if case .want(let digest, _, _) = $0.message { digest } else { nil } }
        #expect(wants.count == script.node.machine.limits.wantedBodiesPerLink && wants.first == urgent)
        try script.node.machine.checkInvariants()
        script.close(link)
        try script.node.machine.checkInvariants()
    }

    /// Disks that were lost may have had bodies that are nowhere else (seed 283 of the simulation).
    @Test func bodiesThatNobodyHasKeepNoOthersOut() throws {
        let script = try PeerScript()
        let known = script.node.machine.limits.knownMissingBodies
        let lost = (0..<known * 4).map { ToyStore.digest(of: [UInt8($0 & 255), UInt8($0 >> 8)]) }
        for digest in lost { script.store.wanted[digest] = 2 }
        let link = script.establish("a", 2, .incoming)
        var answered = 0
        /// Answers what was asked for as the peer does, and lets time pass.
        func exchange(rounds: Int, _ held: [BodyDigest: [UInt8]]) throws {
            for _ in 0..<rounds {
                while answered < script.sent.count {
                    answered += 1
                    guard case .want(let digest, _, _) = script.sent[answered - 1].message else { continue }
                    guard let bytes = held[digest] else {
                        script.feed(.bodyAbsent(digest), link)
                        continue
                    }
                    script.feed(.bodyChunk(digest, size: UInt64(bytes.count), offset: 0, bytes: bytes), link)
                }
                script.advance(100)
                script.feed(.presence(script.presence([])), link)
                try script.node.machine.checkInvariants()
            }
        }
        try exchange(rounds: 100, [:])
        let body: [UInt8] = [1, 2, 3]
        let fresh = ToyStore.digest(of: body)
        script.store.wanted[fresh] = 3
        try exchange(rounds: 100, [fresh: body])
        #expect(script.store.bodies[fresh] == body)
        // One that somebody has after all comes, too: its turn comes again.
        let found = (0..<lost.count).filter { $0 % 10 == 0 }.map { [UInt8($0 & 255), UInt8($0 >> 8)] }
        try exchange(
            rounds: 1_000, Dictionary(uniqueKeysWithValues: found.map { (ToyStore.digest(of: $0), $0) }))
        #expect(found.allSatisfy { script.store.bodies[ToyStore.digest(of: $0)] != nil })
        #expect(script.status.missingBodies <= known)
    }

    /// On a slow link they would take all the room, as soon as they may be asked for again (seed 821 of the simulation).
    @Test func bodiesThatNobodyHadAreAskedForLast() {
        var wants = BodyWants(ReplicationLimits())
        let (lost, fresh, urgent) = (ToyStore.digest(of: [1]), ToyStore.digest(of: [2]), ToyStore.digest(of: [3]))
        wants.add(MissingBody(digest: lost, size: 1))
        wants.startOver(lost, at: 100)
        wants.add(MissingBody(digest: fresh, size: 1))
        wants.add(MissingBody(digest: urgent, size: 1, isUrgent: true))
        wants.startOver(urgent, at: 100)
        #expect(wants.idle(at: 50) == [fresh])
        #expect(wants.idle(at: 200) == [urgent, fresh, lost])
    }

    @Test func wantsBeyondTheLimitAreAViolation() throws {
        let script = try PeerScript()
        script.answers = false
        let link = script.establish("a", 2, .outgoing)
        for _ in 0..<64 { script.feed(.want(ToyStore.digest(of: [1]), offset: 0, length: 10), link) }
        #expect(script.closed.isEmpty)
        script.feed(.want(ToyStore.digest(of: [1]), offset: 0, length: 10), link)
        #expect(script.closed.last?.reason.code == .protocolViolation)
    }
}
