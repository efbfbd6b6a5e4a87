// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Testing
import TestSupport

@testable import CRDTKit

/// Random histories over a network that loses, doubles, delays and reorders.
@Suite struct SimulationTests {
    private struct Packet {
        let target: Int
        let payload: [UInt8]
    }

    @Test(arguments: 0..<Effort.runs(100))
    func lossyNetworksEndInEqualReplicas(seed: Int) throws {
        var generator = SeededGenerator(seed: UInt64(seed))
        let nodes = try (0..<Int.random(in: 2...5, using: &generator)).map { try TestNode(UInt64($0) + 1) }
        var issued: [TestNode.Event] = []
        var network: [Packet] = []
        for _ in 0..<150 {
            let source = Int.random(in: 0..<nodes.count, using: &generator)
            if Int.random(in: 0..<3, using: &generator) == 0 {
                let node = nodes[source]
                node.now += UInt64.random(in: 0...50, using: &generator)
                let before = node.events.count
                let frames = try node.issueRandom(Int.random(in: 1...5, using: &generator), using: &generator)
                issued += node.events[before...]
                for target in nodes.indices where target != source {
                    network += frames.map { Packet(target: target, payload: $0) }
                }
            }
            for _ in 0..<3 where !network.isEmpty {
                let position = Int.random(in: 0..<network.count, using: &generator)
                let packet = network[position]
                let fate = Int.random(in: 0..<10, using: &generator)
                if fate > 1 { network.swapAt(position, network.count - 1) }
                if fate > 1 { network.removeLast() }
                if fate != 2 { try nodes[packet.target].receive(packet.payload) }
            }
        }
        try heal(nodes, "seed \(seed)")
        check(nodes, issued, "seed \(seed)")
    }

    /// Every node repeats what a peer lacks, until nothing is lacking: two rounds are enough when nothing is lost.
    private func heal(_ nodes: [TestNode], _ context: String) throws {
        for _ in 0..<2 {
            for source in nodes {
                for target in nodes where target !== source {
                    let index = try target.replica.replica(source.replica.id)
                    let seen = target.replica.delivered[index]
                    for (first, payload) in source.sent where first > seen { try target.receive(payload) }
                }
            }
        }
        for node in nodes where node.replica.waitingFrames > 0 || !node.refused.isEmpty {
            Issue.record("\(context): \(node.replica.waitingFrames) frames wait after healing")
        }
    }

    private func check(_ nodes: [TestNode], _ issued: [TestNode.Event], _ context: String) {
        let expected = Dictionary(uniqueKeysWithValues: issued.map { ($0.name, $0) })
        for node in nodes {
            if node.events.count != issued.count || Set(node.names).count != issued.count {
                Issue.record("\(context): \(node.events.count) of \(issued.count) delivered")
            }
            var seen: TestNode.GlobalVector = [:]
            for event in node.events {
                // The past told by deltas is the whole vector of the origin when it issued the operation.
                if expected[event.name] != event { Issue.record("\(context): \(event.name) arrived changed") }
                for (origin, counter) in event.past where seen[origin, default: 0] < counter {
                    Issue.record("\(context): \(event.name) came before its past")
                }
                if seen[event.name.origin, default: 0] + 1 != event.name.counter {
                    Issue.record("\(context): \(event.name) is out of order")
                }
                seen[event.name.origin] = event.name.counter
            }
            if node.contexts != nodes[0].contexts { Issue.record("\(context): contexts differ") }
            if node.global(node.replica.delivered) != nodes[0].global(nodes[0].replica.delivered) {
                Issue.record("\(context): delivered vectors differ")
            }
        }
    }

    @Test func stabilityIsTheMinimumOfWhatMembersHold() throws {
        let nodes = try (1...3).map { try TestNode(UInt64($0)) }
        let frames = try (0..<4).map { _ in try nodes[0].issue() }
        for frame in frames { try nodes[1].receive(frame) }
        for frame in frames.prefix(2) { try nodes[2].receive(frame) }
        let own = nodes[0].replica.own
        let alone = nodes[0].replica.stable
        #expect(alone == nodes[0].replica.delivered && alone[own] == 4)
        let second = try nodes[0].replica.replica(ReplicaID(2))
        let third = try nodes[0].replica.replica(ReplicaID(3))
        nodes[0].replica.admit(second)
        nodes[0].replica.admit(third)
        let unknown = nodes[0].replica.stable
        #expect(unknown == VersionVector())
        var vector = VersionVector()
        vector[own] = 4
        try nodes[0].replica.acknowledge(second, vector)
        vector[own] = 2
        try nodes[0].replica.acknowledge(third, vector)
        let both = nodes[0].replica.stable
        nodes[0].replica.exclude(third)
        let without = nodes[0].replica.stable
        #expect(both[own] == 2 && without[own] == 4)
    }
}
