// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import CRDTKit
import LiveTestSupport
import NodeSupport
import PeerTransport
import Testing

@Suite(.timeLimit(.minutes(10))) struct TLSLinkTests {
    private let folder: MeshFolder

    init() throws {
        folder = try MeshFolder()
        for name in ["worker-1", "worker-2"] { try folder.issue(.worker, name) }
        try folder.issue(.storage, "storage")
    }

    /// Two endpoints, the first of which dials the second.
    private func pair(
        _ first: LinkLimits = .patient, _ second: LinkLimits = .patient
    ) async throws -> (EndpointProbe, EndpointProbe) {
        let dialler = EndpointProbe(try folder.mesh("worker-1"), limits: first)
        let listener = EndpointProbe(try folder.mesh("worker-2"), limits: second)
        try await dialler.start()
        let address = try await listener.start()
        dialler.endpoint.setPeers([PeerAddress(name: "worker-2", addresses: [address])])
        return (dialler, listener)
    }

    private func close(_ probes: EndpointProbe...) async {
        for probe in probes { await probe.endpoint.close() }
    }

    @Test func messagesTravelBothWaysInOrderAndEachEndKnowsTheOther() async throws {
        let (dialler, listener) = try await pair()
        let out = LinkProbe(try await dialler.link(.outgoing))
        let into = LinkProbe(try await listener.link(.incoming))
        #expect(out.link.peer == NodeIdentity(role: .worker, name: "worker-2"))
        #expect(into.link.peer == NodeIdentity(role: .worker, name: "worker-1"))
        let frames = (0..<300).map { [UInt8](repeating: UInt8(truncatingIfNeeded: $0), count: $0 * 7 + 1) }
        for frame in frames {
            out.link.send(.frames(frame))
            into.link.send(.acknowledge(consumed: UInt64(frame.count), durable: []))
        }
        #expect(try await into.waitForMessages(300) == frames.map { .frames($0) })
        #expect(
            try await out.waitForMessages(300) == frames.map { .acknowledge(consumed: UInt64($0.count), durable: []) })
        #expect(out.link.counts.messagesOut == 300)
        #expect(into.link.counts.messagesIn == 300)
        #expect(out.link.counts.bytesOut == into.link.counts.bytesIn)
        await close(dialler, listener)
        #expect(try await out.waitForEnd().code == .closed)
        _ = try await into.waitForEnd()
    }

    @Test func theLargestMessageFitsInManyPieces() async throws {
        let (dialler, listener) = try await pair()
        let out = LinkProbe(try await dialler.link(.outgoing))
        let into = LinkProbe(try await listener.link(.incoming))
        let large = [UInt8](repeating: 0xA5, count: 1 << 20)
        out.link.send(.frames(large))
        #expect(try await into.waitForMessages(1) == [.frames(large)])
        await close(dialler, listener)
    }

    @Test func closingSendsWhatIsQueuedFirst() async throws {
        let (dialler, listener) = try await pair()
        let out = LinkProbe(try await dialler.link(.outgoing))
        let into = LinkProbe(try await listener.link(.incoming))
        let reason = RefusalReason(.wrongGroup, "this is another group")
        for _ in 0..<50 { out.link.send(.frames([UInt8](repeating: 3, count: 10_000))) }
        out.link.send(.refuse(reason))
        out.link.close(LinkFault(.closed, "test"))
        #expect(try await into.waitForMessages(51).last == .refuse(reason))
        #expect(try await into.waitForEnd().code == .ended)
        #expect(try await out.waitForEnd() == LinkFault(.closed, "test"))
        await close(dialler, listener)
    }

    @Test func aReceiverThatIsBehindStopsTheSenderInBoundedMemory() async throws {
        var limits = LinkLimits.patient
        limits.outboundMaximumBytes = 64 << 20
        let (dialler, listener) = try await pair(limits)
        let out = LinkProbe(try await dialler.link(.outgoing))
        let into = LinkProbe(try await listener.link(.incoming), consumes: false)
        let message = PeerMessage.frames([UInt8](repeating: 1, count: 64 << 10))
        // More than the kernel's buffers and both ends' marks together hold.
        let count = 400
        for _ in 0..<count { out.link.send(message) }
        #expect(!out.link.isWritable)
        try await into.events.wait { _ in into.heldBytes > limits.inboundHighBytes }
        // Beyond the mark comes at most what one turn of reading brings.
        #expect(into.heldBytes <= limits.inboundHighBytes + (4 << 20))
        #expect(out.link.queuedBytes > 0)
        into.consumeAll()
        #expect(try await into.waitForMessages(count).count == count)
        try await out.events.wait { $0.contains { if case .writable = $0 { true } else { false } } }
        await close(dialler, listener)
    }

    @Test func aPeerThatAsksForMoreThanItReadsIsCutOff() async throws {
        var limits = LinkLimits.patient
        limits.outboundMaximumBytes = 4 << 20
        let (dialler, listener) = try await pair(limits)
        let out = LinkProbe(try await dialler.link(.outgoing))
        let into = LinkProbe(try await listener.link(.incoming), consumes: false)
        for _ in 0..<2_000 { out.link.send(.frames([UInt8](repeating: 1, count: 64 << 10))) }
        #expect(try await out.waitForEnd().code == .outboundOverflow)
        // Whoever does not read does not see the end either: it comes after what the kernels hold.
        into.consumeAll()
        _ = try await into.waitForEnd()
        await close(dialler, listener)
    }

    @Test func aPeerThatTakesNothingIsCutOff() async throws {
        var limits = LinkLimits.patient
        limits.stallTime = .milliseconds(200)
        limits.outboundMaximumBytes = 64 << 20
        let (dialler, listener) = try await pair(limits)
        let out = LinkProbe(try await dialler.link(.outgoing))
        let into = LinkProbe(try await listener.link(.incoming), consumes: false)
        for _ in 0..<400 { out.link.send(.frames([UInt8](repeating: 1, count: 64 << 10))) }
        #expect(try await out.waitForEnd().code == .stalled)
        _ = into
        await close(dialler, listener)
    }

    @Test func aPeerThatSaysNothingAfterTheHandshakeIsCutOff() async throws {
        var limits = LinkLimits.patient
        limits.firstMessageTime = .milliseconds(200)
        let (dialler, listener) = try await pair(.patient, limits)
        let into = LinkProbe(try await listener.link(.incoming))
        #expect(try await into.waitForEnd().code == .silent)
        await close(dialler, listener)
    }

    @Test func aLinkThatIsCutIsDialledAgain() async throws {
        let listener = EndpointProbe(try folder.mesh("worker-2"))
        let proxy = try LinkProxy(to: try await listener.start().port)
        let dialler = EndpointProbe(try folder.mesh("worker-1"))
        try await dialler.start()
        let address = HostPort(host: "127.0.0.1", port: UInt16(proxy.port))
        dialler.endpoint.setPeers([PeerAddress(name: "worker-2", addresses: [address])])
        let first = LinkProbe(try await dialler.link(.outgoing))
        proxy.cut()
        _ = try await first.waitForEnd()
        // While the way is cut, attempts go on and fail.
        try await dialler.events.wait { events in
            events.count { if case .dialFailed = $0 { true } else { false } } >= 3
        }
        proxy.mend()
        let second = LinkProbe(try await dialler.link(.outgoing, 1))
        let into = LinkProbe(try await listener.link(.incoming, 1))
        second.link.send(.frames([9]))
        #expect(try await into.waitForMessages(1) == [.frames([9])])
        await close(dialler, listener)
        proxy.stop()
    }

    @Test func aPeerThatStartsLaterIsFoundAndOthersDoNotWaitForIt() async throws {
        let dialler = EndpointProbe(try folder.mesh("worker-1"))
        try await dialler.start()
        let listener = EndpointProbe(try folder.mesh("worker-2"))
        let address = try await listener.start()
        // The port of a proxy that is gone: nobody listens there.
        let gone = try LinkProxy(to: 1)
        gone.stop()
        dialler.endpoint.setPeers([
            PeerAddress(name: "storage", addresses: [HostPort(host: "127.0.0.1", port: UInt16(gone.port))]),
            PeerAddress(name: "worker-2", addresses: [address]),
        ])
        #expect(try await dialler.link(.outgoing).peer.name == "worker-2")
        #expect(try await dialler.dialFailure().code == .unreachable)
        let storage = EndpointProbe(try folder.mesh("storage"))
        let storageAddress = try await storage.start()
        dialler.endpoint.setPeers([
            PeerAddress(name: "storage", addresses: [storageAddress]),
            PeerAddress(name: "worker-2", addresses: [address]),
        ])
        #expect(try await dialler.link(.outgoing, 1).peer.name == "storage")
        await close(dialler, listener, storage)
    }

    @Test func aPeerThatIsRemovedIsDialledNoMore() async throws {
        let (dialler, listener) = try await pair()
        let out = LinkProbe(try await dialler.link(.outgoing))
        let into = LinkProbe(try await listener.link(.incoming))
        dialler.endpoint.setPeers([])
        #expect(try await out.waitForEnd().code == .closed)
        #expect(try await into.waitForEnd().code == .ended)
        await close(dialler, listener)
        #expect(dialler.links(.outgoing).count == 1)
    }

    /// Giving up a handshake under way must not look like an attempt that came to nothing.
    @Test func aPeerThatIsRemovedDuringTheHandshakeIsDialledNoMore() async throws {
        let silent = try LinkProxy(to: 1)
        silent.freeze()
        let proxy = try LinkProxy(to: silent.port)
        let dialler = EndpointProbe(try folder.mesh("worker-1"))
        try await dialler.start()
        let address = HostPort(host: "127.0.0.1", port: UInt16(proxy.port))
        dialler.endpoint.setPeers([PeerAddress(name: "worker-2", addresses: [address])])
        while proxy.openConnections == 0 { try await Task.sleep(for: .milliseconds(2)) }
        // The dialler knows of its connection a little later.
        try await Task.sleep(for: .milliseconds(100))
        dialler.endpoint.setPeers([])
        // Several times the first wait between two attempts.
        try await Task.sleep(for: .milliseconds(300))
        #expect(proxy.acceptedConnections == 1)
        await close(dialler)
        proxy.stop()
        silent.stop()
    }

    @Test func anotherNodeAtTheAddressIsRefusedByTheDialler() async throws {
        let dialler = EndpointProbe(try folder.mesh("worker-1"))
        let listener = EndpointProbe(try folder.mesh("worker-2"))
        try await dialler.start()
        let address = try await listener.start()
        dialler.endpoint.setPeers([PeerAddress(name: "storage", addresses: [address])])
        let fault = try await dialler.dialFailure()
        #expect(fault.code == .identityRefused)
        #expect(fault.message.contains("worker-2") && fault.message.contains("storage"))
        await close(dialler, listener)
    }

    @Test func severalAddressesAreTriedInTurn() async throws {
        let gone = try LinkProxy(to: 1)
        gone.stop()
        let dialler = EndpointProbe(try folder.mesh("worker-1"))
        let listener = EndpointProbe(try folder.mesh("worker-2"))
        try await dialler.start()
        let address = try await listener.start()
        dialler.endpoint.setPeers([
            PeerAddress(
                name: "worker-2", addresses: [HostPort(host: "127.0.0.1", port: UInt16(gone.port)), address])
        ])
        #expect(try await dialler.link(.outgoing).peer.name == "worker-2")
        await close(dialler, listener)
    }
}
