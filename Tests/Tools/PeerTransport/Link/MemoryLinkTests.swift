// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import CRDTKit
import NodeSupport
import PeerTransport
import Testing

@Suite(.timeLimit(.minutes(10))) struct MemoryLinkTests {
    private func probe(_ network: MemoryNetwork, _ name: String, peers: [String]) async throws -> EndpointProbe {
        let identity = try #require(NodeIdentity(role: .worker, name: name))
        let probe = EndpointProbe(network.endpoint(identity))
        probe.endpoint.setPeers(peers.map { PeerAddress(name: $0, addresses: []) })
        try await probe.start()
        return probe
    }

    @Test func messagesArriveInOrderBothWays() async throws {
        let network = MemoryNetwork()
        let a = try await probe(network, "a", peers: ["b"])
        let b = try await probe(network, "b", peers: ["a"])
        let out = LinkProbe(try await a.link(.outgoing))
        let into = LinkProbe(try await b.link(.incoming))
        #expect(into.link.peer.name == "a")
        for number in 0..<100 {
            out.link.send(.frames([UInt8(number)]))
            into.link.send(.acknowledge(consumed: UInt64(number), durable: []))
        }
        #expect(try await into.waitForMessages(100) == (0..<100).map { .frames([UInt8($0)]) })
        #expect(try await out.waitForMessages(100).count == 100)
    }

    @Test func aReceiverThatIsBehindStopsTheSender() async throws {
        var limits = LinkLimits()
        limits.inboundHighBytes = 10_000
        limits.outboundHighBytes = 5_000
        limits.outboundLowBytes = 1_000
        let network = MemoryNetwork(limits: limits)
        let a = try await probe(network, "a", peers: ["b"])
        let b = try await probe(network, "b", peers: [])
        let out = LinkProbe(try await a.link(.outgoing))
        let into = LinkProbe(try await b.link(.incoming), consumes: false)
        var sent = 0
        while out.link.isWritable {
            out.link.send(.frames([UInt8](repeating: 1, count: 1_000)))
            sent += 1
        }
        #expect(into.heldBytes <= 12_000)
        #expect(out.link.queuedBytes <= 7_000)
        into.link.consumed(bytes: into.heldBytes)
        try await out.events.wait { $0.contains { if case .writable = $0 { true } else { false } } }
        #expect(try await into.waitForMessages(sent).count == sent)
    }

    @Test func aCutEndsLinksAndMendingBringsThemBack() async throws {
        let network = MemoryNetwork()
        let a = try await probe(network, "a", peers: ["b"])
        let b = try await probe(network, "b", peers: ["a"])
        let first = LinkProbe(try await a.link(.outgoing))
        network.cut("a", "b")
        #expect(try await first.waitForEnd().code == .reset)
        network.mend("a", "b")
        let second = LinkProbe(try await a.link(.outgoing, 1))
        let into = LinkProbe(try await b.link(.incoming, 1))
        second.link.send(.frames([5]))
        #expect(try await into.waitForMessages(1) == [.frames([5])])
    }
}
