// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import TestSupport
import Testing

@testable import CRDTKit

/// Whole groups of machines over toy stores: every operation arrives everywhere, exactly once.
@Suite struct PeerConvergenceTests {
    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func pushesOperationsToAllPeers(seed: UInt64) throws {
        let cluster = try ToyCluster(3, seed: seed)
        try cluster.run(milliseconds: 200)
        for node in cluster.nodes { try node.store.issue(20) }
        let isDone = try cluster.run(atMost: 2_000) { cluster.isConverged }
        #expect(isDone, "seed \(seed)")
        for index in 0..<3 { #expect(cluster.isExactlyOnce(index), "seed \(seed)") }
        #expect(cluster.nodes[0].store.names.count == 60)
    }

    @Test(arguments: 1...12 as ClosedRange<UInt64>)
    func deliversExactlyOnceOverLossyLinks(seed: UInt64) throws {
        let count = 2 + Int(seed % 3)
        let cluster = try ToyCluster(count, seed: seed)
        for _ in 0..<120 {
            let index = Int.random(in: 0..<count, using: &cluster.generator)
            switch Int.random(in: 0..<8, using: &cluster.generator) {
            case 0..<4: try cluster.nodes[index].store.issue(Int.random(in: 1...9, using: &cluster.generator))
            case 4: try cluster.nodes[index].store.append(Array(repeating: UInt8(index), count: 3_000 + cluster.steps))
            case 5: if let wire = cluster.wires.randomElement(using: &cluster.generator) { cluster.drop(wire) }
            case 6: cluster.cut(index, (index + 1) % count)
            default: cluster.mend(index, (index + 1) % count)
            }
            try cluster.run(milliseconds: UInt64.random(in: 1...60, using: &cluster.generator))
        }
        cluster.cuts = []
        let isDone = try cluster.run(atMost: 20_000) { cluster.isConverged }
        #expect(isDone, "seed \(seed)")
        for index in 0..<count { #expect(cluster.isExactlyOnce(index), "seed \(seed)") }
    }

    /// Small windows, small buffers, logs that are cut too early, nodes that stand still.
    @Test(arguments: 1...12 as ClosedRange<UInt64>)
    func convergesWithTightLimitsAndCutLogs(seed: UInt64) throws {
        var limits = ReplicationLimits()
        limits.windowBytes = 2_000
        limits.batchBytes = 300
        limits.readBytes = 700
        limits.snapshotPauseMilliseconds = 100
        limits.exportKeepMilliseconds = 900
        limits.snapshotParts = 2
        limits.snapshotLagOperations = 120
        limits.wantedBodies = 2
        limits.knownMissingBodies = 3
        var replicaLimits = ReplicaLimits()
        replicaLimits.buffer.maximumFrames = 6
        let count = 2 + Int(seed % 3)
        let cluster = try ToyCluster(count, seed: seed, limits: limits, replicaLimits: replicaLimits)
        for _ in 0..<80 {
            let index = Int.random(in: 0..<count, using: &cluster.generator)
            switch Int.random(in: 0..<9, using: &cluster.generator) {
            case 0..<3: try cluster.nodes[index].store.issue(Int.random(in: 1...20, using: &cluster.generator))
            case 3:
                try cluster.nodes[index].store.append(Array(repeating: UInt8(index), count: 300_000 + cluster.steps))
            case 4: if let wire = cluster.wires.randomElement(using: &cluster.generator) { cluster.drop(wire) }
            case 5: cluster.isolate(index)
            case 6:
                // Own operations that nobody else has are never cut.
                let store = cluster.nodes[index].store
                if cluster.nodes[index].ownSecured >= store.nextCounter - 1 && store.durableEnd == store.end {
                    store.cutLog()
                    cluster.nodes[index].machine.storeAdvanced(store.status, now: cluster.now)
                    cluster.drain(index)
                }
            case 7: cluster.isFrozen[index].toggle()
            default: cluster.join(index)
            }
            try cluster.run(milliseconds: UInt64.random(in: 1...80, using: &cluster.generator))
        }
        cluster.cuts = []
        cluster.isFrozen = Array(repeating: false, count: count)
        let isDone = try cluster.run(atMost: 60_000) { cluster.isConverged }
        #expect(isDone, "seed \(seed)")
        for index in 0..<count { #expect(cluster.isExactlyOnce(index), "seed \(seed)") }
    }

    /// Whatever members that went mad send, in whatever order: no trap, no broken invariant, bounded memory.
    @Test(arguments: 1...10 as ClosedRange<UInt64>)
    func survivesPeersThatSendAnything(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let script = try PeerScript()
        var links: [LinkID] = []
        for step in 0..<1_500 {
            if links.count < 2 || Int.random(in: 0..<50, using: &generator) == 0 {
                let name = Bool.random(using: &generator) ? "a" : "b"
                let direction: LinkDirection = Bool.random(using: &generator) ? .incoming : .outgoing
                links.append(script.establish(name, name == "a" ? 2 : 3, direction))
            }
            guard let link = links.randomElement(using: &generator),
                var message = PeerMessageTests.samples.randomElement(using: &generator)?.message
            else { return }
            var bytes = Array(PeerMessageTests.bytes(message)[4...])
            bytes[Int.random(in: 0..<bytes.count, using: &generator)] ^= UInt8(1 << (step & 7))
            if let changed = try? PeerMessageTests.decode(bytes), Bool.random(using: &generator) { message = changed }
            script.answers = Int.random(in: 0..<3, using: &generator) != 0
            script.feed(message, link)
            if step % 40 == 0 { script.advance(100) }
            try script.node.machine.checkInvariants()
            let closed = Set(script.closed.map(\.link))
            links.removeAll { closed.contains($0) }
            script.clear()
        }
    }

    @Test func aLogThatWasCutIsToldAndTheStreamEnds() throws {
        let script = try PeerScript()
        try script.store.issue(20)
        script.sync()
        script.store.cutLog()
        let link = script.establish("a", 2, .outgoing)
        script.advance(30)
        script.clear()
        // The status of before the cut: the machine learns it from the log.
        script.feed(.subscribe([position(1, 5)]), link)
        #expect(script.frames(link).isEmpty)
        script.node.machine.storeAdvanced(script.store.status, now: script.now)
        script.drain()
        script.advance(30)
        let starts = script.messages.compactMap {
            if case .presence(let presence) = $0 { presence.logStart } else { nil }
        }
        #expect(starts.last == [position(1, 20)])
        try script.store.issue(1)
        script.sync()
        #expect(script.frames(link).isEmpty)
    }

    @Test func relaysThroughSurvivors() throws {
        let cluster = try ToyCluster(3, seed: 5)
        cluster.cut(0, 2)
        try cluster.run(milliseconds: 200)
        try cluster.nodes[0].store.issue(50)
        try cluster.nodes[2].store.issue(30)
        let isDone = try cluster.run(atMost: 3_000) { cluster.isConverged }
        #expect(isDone)
        #expect(cluster.isExactlyOnce(0) && cluster.isExactlyOnce(2))
    }

    @Test func relaysWhatADeadNodeLeftBehind() throws {
        let cluster = try ToyCluster(3, seed: 6)
        cluster.cut(0, 2)
        try cluster.nodes[0].store.issue(10)
        _ = try cluster.run(atMost: 2_000) { cluster.nodes[1].store.durable[ReplicaID(100)] == 10 }
        cluster.isolate(0)
        cluster.isRunning[0] = false
        let isDone = try cluster.run(atMost: 2_000) { cluster.nodes[2].store.durable[ReplicaID(100)] == 10 }
        #expect(isDone)
    }

    @Test func sendsFramesLargerThanAMessage() throws {
        let cluster = try ToyCluster(2, seed: 7)
        try cluster.nodes[0].store.issueLarge(3_000_000)
        try cluster.nodes[0].store.issueLarge(2_500_000)
        try cluster.nodes[0].store.issue(3)
        let isDone = try cluster.run(atMost: 5_000) { cluster.isConverged }
        #expect(isDone)
        #expect(cluster.isExactlyOnce(1))
    }

    @Test func pushesSmallBodiesAndPullsLargeOnes() throws {
        let cluster = try ToyCluster(3, seed: 8)
        try cluster.run(milliseconds: 100)
        let small = Array(repeating: UInt8(1), count: 200 << 10)
        let large = (0..<(700 << 10)).map { UInt8(truncatingIfNeeded: $0 / 1_000) }
        try cluster.nodes[0].store.append(small)
        try cluster.nodes[0].store.append(large)
        try cluster.nodes[1].store.append([])
        let isDone = try cluster.run(atMost: 5_000) { cluster.isConverged }
        #expect(isDone)
        #expect(cluster.nodes[2].store.bodies[ToyStore.digest(of: large)] == large)
        let wants = cluster.nodes[1].sent.filter { if case .want = $0 { true } else { false } }
        #expect(wants.count == 3)
        let pushed = cluster.nodes[0].sent.filter { if case .body = $0 { true } else { false } }
        #expect(pushed.count == 2)
    }

    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func resumesLargeBodiesWhereTheyStood(seed: UInt64) throws {
        let cluster = try ToyCluster(2, seed: seed)
        let large = (0..<(2 << 20)).map { UInt8(truncatingIfNeeded: $0 / 1_000) }
        try cluster.nodes[0].store.append(large)
        let digest = ToyStore.digest(of: large)
        _ = try cluster.run(atMost: 5_000) { cluster.nodes[1].store.partial[digest]?.count ?? 0 > 500 << 10 }
        cluster.cut(0, 1)
        let held = cluster.nodes[1].store.partial[digest]?.count ?? 0
        cluster.nodes[1].sent = []
        cluster.mend(0, 1)
        let isDone = try cluster.run(atMost: 5_000) { cluster.isConverged }
        #expect(isDone, "seed \(seed)")
        let first = cluster.nodes[1].sent.compactMap { message -> UInt64? in
            if case .want(_, let offset, _) = message { offset } else { nil }
        }.first
        #expect(first ?? 0 >= UInt64(held) - (256 << 10) && held > 0, "seed \(seed)")
    }
}
