// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Testing
import TestSupport

@testable import CRDTKit

/// Start-up from log and checkpoint, incarnations and clocks.
@Suite struct RecoveryTests {
    /// A node with own, foreign and early frames in its log, and its peers.
    private func world(_ seed: UInt64) throws -> (node: TestNode, peers: [TestNode], generator: SeededGenerator) {
        var generator = SeededGenerator(seed: seed)
        let node = try TestNode(1)
        let peers = [try TestNode(2), try TestNode(3)]
        try exchange(node, peers, &generator)
        return (node, peers, generator)
    }

    private func exchange(_ node: TestNode, _ peers: [TestNode], _ generator: inout SeededGenerator) throws {
        var pending: [[UInt8]] = []
        for _ in 0..<12 {
            for member in [node] + peers where Bool.random(using: &generator) {
                let payloads = try member.issueRandom(Int.random(in: 1...4, using: &generator), using: &generator)
                for other in peers where other !== member { for payload in payloads { try other.receive(payload) } }
                if member !== node { pending += payloads }
            }
            pending.shuffle(using: &generator)
            if let payload = pending.popLast() { try node.receive(payload) }
        }
        for payload in pending { try node.receive(payload) }
    }

    @Test(arguments: 0..<20)
    func replayOfTheLogGivesTheSameReplica(seed: Int) throws {
        let (node, _, _) = try world(UInt64(seed))
        let again = try TestNode(1)
        for payload in node.log { try again.recover(payload) }
        #expect(again.contexts == node.contexts)
        #expect(Set(again.events) == Set(node.events) && again.events.count == node.events.count)
        #expect(again.replica.nextCounter == node.replica.nextCounter)
    }

    @Test(arguments: 0..<10)
    func replayTwiceChangesNothing(seed: Int) throws {
        let (node, peers, _) = try world(UInt64(seed))
        let again = try TestNode(1)
        for payload in node.log { try again.recover(payload) }
        let count = again.events.count
        for payload in node.log {
            let verdict = Verdict(try again.recover(payload))
            guard verdict == .duplicate else {
                Issue.record("seed \(seed): a replayed frame came to \(verdict)")
                return
            }
        }
        #expect(again.events.count == count)
        // The recovered node goes on: its next frames are understood by peers that know the former ones.
        let next = try again.issue(count: 2)
        let verdicts = try peers.map { Verdict(try $0.receive(next)) }
        #expect(verdicts == [.delivered(2), .delivered(2)])
    }

    @Test(arguments: 0..<20)
    func checkpointsBringTheReplicaBackAndItGoesOn(seed: Int) throws {
        var (node, peers, generator) = try world(UInt64(seed))
        var engine: [[UInt8]: [UInt8]] = [:]
        for record in node.replica.checkpoint() { engine[record.key] = record.value }
        let cut = node.log.count
        try exchange(node, peers, &generator)
        if Bool.random(using: &generator) {
            for record in node.replica.checkpoint() { engine[record.key] = record.value }
        }
        let records = engine.map { CheckpointRecord(key: $0.key, value: $0.value) }
        let again = TestNode(try Replica(checkpoint: records))
        // From any earlier position: here from the first checkpoint's, whatever the second holds.
        for payload in node.log[cut...] { try again.recover(payload) }
        #expect(again.contexts == node.contexts)
        #expect(again.replica.delivered == node.replica.delivered)
        #expect(again.replica.symbols.keywordHashes == node.replica.symbols.keywordHashes)
        let whole = Set(again.replica.checkpoint(.everything))
        let expected = Set(node.replica.checkpoint(.everything))
        #expect(whole.filter { $0.key != [0] } == expected.filter { $0.key != [0] })
        let next = try again.issueRandom(3, using: &generator)
        for peer in peers {
            for payload in next {
                let verdict = Verdict(try peer.receive(payload))
                #expect(verdict == .delivered(3))
            }
        }
    }

    @Test func changedRecordsDoNotGrowWithTheHistory() throws {
        let node = try TestNode(1)
        for index in 0..<2_000 { _ = try node.replica.account(named: "user\(index)") }
        try node.issue(count: 1)
        let all = node.replica.checkpoint().reduce(0) { $0 + $1.value.count }
        try node.issue(count: 1)
        let changed = node.replica.checkpoint().reduce(0) { $0 + $1.value.count }
        #expect(all > 10_000 && changed < 100)
    }

    @Test func damagedCheckpointsAreRefused() throws {
        let (node, _, _) = try world(3)
        let records = node.replica.checkpoint(.everything)
        for position in records.indices {
            var fewer = records
            fewer.remove(at: position)
            let missing = code { _ = try Replica(checkpoint: fewer) }
            #expect(missing == .malformed, "record \(records[position].key)")
            for length in records[position].value.indices {
                var cut = records
                cut[position] = CheckpointRecord(
                    key: records[position].key, value: Array(records[position].value[..<length]))
                let truncated = code { _ = try Replica(checkpoint: cut) }
                #expect(truncated != nil, "record \(records[position].key) cut at \(length)")
            }
        }
    }

    @Test func everyBitFlipInACheckpointIsAnErrorOrAValidReplica() throws {
        let (node, _, _) = try world(4)
        let records = node.replica.checkpoint(.everything)
        for position in records.indices {
            for bit in 0..<records[position].value.count * 8 {
                var value = records[position].value
                value[bit / 8] ^= 1 << UInt8(bit % 8)
                var damaged = records
                damaged[position] = CheckpointRecord(key: records[position].key, value: value)
                _ = code {
                    let replica = try Replica(checkpoint: damaged)
                    try replica.checkInvariants()
                }
            }
        }
    }

    @Test func ownFramesFromAPeerAskForANewIncarnation() throws {
        let (node, peer) = (try TestNode(1), try TestNode(2))
        let lost = try (0..<2).map { _ in try node.issue() }
        for payload in lost { try peer.receive(payload) }
        let effect = try peer.issue()
        // The node comes back with an older log.
        let restored = try TestNode(1)
        try restored.recover(lost[0])
        let own = code { try restored.receive(lost[1]) }
        let dependent = code { try restored.receive(effect) }
        let member = try restored.replica.replica(ReplicaID(2))
        restored.replica.admit(member)
        var vector = VersionVector()
        vector[restored.replica.own] = 2
        let acknowledged = code { try restored.replica.acknowledge(member, vector) }
        #expect(own == .fork && dependent == .fork && acknowledged == .fork)

        try restored.replica.reincarnate()
        #expect(restored.replica.id == ReplicaID(1, incarnation: 2))
        let verdicts = try [lost[1], effect].map { Verdict(try restored.receive($0)) }
        #expect(verdicts == [.delivered(1), .delivered(1)])
        let next = try restored.issue()
        let verdict = Verdict(try peer.receive(next))
        #expect(verdict == .delivered(1))
        #expect(peer.events.last?.past == [ReplicaID(1): 2, ReplicaID(2): 1])
    }

    @Test func aGapInTheOwnLogIsReported() throws {
        let node = try TestNode(1)
        let frames = try (0..<2).map { _ in try node.issue() }
        let again = try TestNode(1)
        let found = code { try again.recover(frames[1]) }
        #expect(found == .malformed)
    }

    @Test func aClockTooFarAheadIsRefusedAndChangesNothing() throws {
        let (origin, peer) = (try TestNode(1), try TestNode(2))
        origin.now += 300_001
        let early = try origin.issue()
        let before = peer.replica.checkpoint(.everything)
        let found = code { try peer.receive(early) }
        #expect(found == .clockTooFarAhead)
        #expect(peer.replica.checkpoint(.everything) == before)
        peer.now += 1
        let verdict = Verdict(try peer.receive(early))
        #expect(verdict == .delivered(1))
        let point = peer.replica.begin(nowMilliseconds: peer.now)
        #expect(point.timestamp > HybridTimestamp(milliseconds: origin.now))
    }

    @Test func aBatchThatADeliveryOvertookIsRefused() throws {
        let (origin, peer) = (try TestNode(1), try TestNode(2))
        let account = try peer.replica.account(named: "user")
        let point = peer.replica.begin(nowMilliseconds: peer.now)
        try peer.receive(try origin.issue())
        let operation = Operation(
            dot: Dot(point.replica, 1), timestamp: point.timestamp, account: account, body: .subscribe(name: "a"))
        let found = code { _ = try peer.replica.seal([operation], issuedAt: point) }
        #expect(found == .notPermitted)
        let again = peer.replica.begin(nowMilliseconds: peer.now)
        let later = Operation(
            dot: operation.dot, timestamp: again.timestamp, account: account, body: operation.body)
        let frames = try peer.replica.seal([later], issuedAt: again)
        #expect(frames.count == 1)
    }
}
