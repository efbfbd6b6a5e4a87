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
