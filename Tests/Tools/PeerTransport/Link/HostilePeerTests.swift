// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import CRDTKit
import LiveTestSupport
import NIOCore
import NIOPosix
import NIOSSL
import NodeSupport
import PeerTransport
import Testing

/// Peers that are not what they should be: each is refused with a clear reason, and nobody else notices.
@Suite(.timeLimit(.minutes(10))) struct HostilePeerTests {
    private let folder: MeshFolder

    init() throws {
        folder = try MeshFolder()
        for name in ["worker-1", "worker-2"] { try folder.issue(.worker, name) }
        try folder.issue(.distributor, "distributor-1")
    }

    private func listener(_ limits: LinkLimits = .patient) async throws -> EndpointProbe {
        let probe = EndpointProbe(try folder.mesh("worker-2"), limits: limits)
        try await probe.start()
        return probe
    }

    /// Connects with TLS and sends bytes, whatever they are; the connection stays open until it is closed.
    private func connect(
        _ context: NIOSSLContext, to address: HostPort, sending bytes: [UInt8] = []
    ) async throws -> any Channel {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        NIOSSLClientHandler(context: context, serverHostname: nil))
                }
            }
            .connect(host: address.host, port: address.port).get()
        if !bytes.isEmpty {
            // The other side may have closed already, which is what some tests want.
            try? await channel.writeAndFlush(ByteBuffer(bytes: bytes)).get()
        }
        return channel
    }

    private func isStillWelcome(_ listener: EndpointProbe) async throws -> Bool {
        let before = listener.links(.incoming).count
        let dialler = EndpointProbe(try folder.mesh("worker-1"))
        try await dialler.start()
        dialler.endpoint.setPeers([PeerAddress(name: "worker-2", addresses: [listener.address])])
        let out = LinkProbe(try await dialler.link(.outgoing))
        let into = LinkProbe(try await listener.link(.incoming, before))
        out.link.send(.frames([1]))
        let isFine = try await into.waitForMessages(1) == [.frames([1])]
        await dialler.endpoint.close()
        return isFine
    }

    @Test func aDistributorMayNotReplicate() async throws {
        let listener = try await listener()
        let context = try folder.mesh("distributor-1").clientContext(applicationProtocols: ["kuiper-peer/1"])
        let channel = try await connect(context, to: listener.address)
        let fault = try await listener.refusal()
        #expect(fault.code == .identityRefused)
        #expect(fault.message.contains("distributor"))
        try? await channel.closeFuture.get()
        #expect(try await isStillWelcome(listener))
        await listener.endpoint.close()
    }

    @Test func aNodeMayNotCarryTheListenersName() async throws {
        let listener = try await listener()
        let context = try folder.mesh("worker-2").clientContext(applicationProtocols: ["kuiper-peer/1"])
        _ = try await connect(context, to: listener.address)
        #expect(try await listener.refusal().code == .identityRefused)
        await listener.endpoint.close()
    }

    @Test func aCertificateOfAnotherAuthorityIsRefused() async throws {
        let stranger = try MeshFolder()
        try stranger.issue(.worker, "worker-1")
        let listener = try await listener()
        let context = try stranger.mesh("worker-1").clientContext(applicationProtocols: ["kuiper-peer/1"])
        _ = try await connect(context, to: listener.address)
        #expect(try await listener.refusal().code == .tls)
        #expect(try await isStillWelcome(listener))
        await listener.endpoint.close()
    }

    @Test func anotherApplicationProtocolIsRefused() async throws {
        let listener = try await listener()
        let mesh = try folder.mesh("worker-1")
        _ = try await connect(try mesh.clientContext(applicationProtocols: []), to: listener.address)
        #expect(try await listener.refusal().code == .protocolMismatch)
        await listener.endpoint.close()
    }

    @Test func olderVersionsOfTLSAreRefused() async throws {
        let listener = try await listener()
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .none
        configuration.maximumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["kuiper-peer/1"]
        configuration.certificateChain = try NIOSSLCertificate.fromPEMFile(folder.file("worker-1.pem"))
            .map { .certificate($0) }
        configuration.privateKey = .privateKey(
            try NIOSSLPrivateKey(file: folder.file("worker-1-key.pem"), format: .pem))
        _ = try await connect(try NIOSSLContext(configuration: configuration), to: listener.address)
        #expect(try await listener.refusal().code == .tls)
        await listener.endpoint.close()
    }

    @Test func plainTextIsRefused() async throws {
        let listener = try await listener()
        let socket = try LiveSocket(port: listener.address.port)
        try socket.send(Array("a001 LOGIN somebody secret\r\n".utf8))
        #expect(try await listener.refusal().code == .tls)
        #expect(try await isStillWelcome(listener))
        await listener.endpoint.close()
    }

    @Test(
        arguments: [
            [0xFF, 0xFF, 0xFF, 0xFF], [0, 0, 0, 0], [0, 0, 0, 1, 0xEE], [0, 0, 0, 3, 1, 2, 3],
            Array(repeating: 0x41, count: 5_000),
        ] as [[UInt8]])
    func garbageAfterTheHandshakeIsReported(bytes: [UInt8]) async throws {
        let listener = try await listener()
        let context = try folder.mesh("worker-1").clientContext(applicationProtocols: ["kuiper-peer/1"])
        _ = try await connect(context, to: listener.address, sending: bytes)
        let into = LinkProbe(try await listener.link(.incoming))
        let error = try await into.waitForGarbage()
        #expect(error.code == .malformed || error.code == .limitExceeded || error.code == .unsupportedVersion)
        into.link.send(.refuse(RefusalReason(.malformed, error.message)))
        into.link.close(LinkFault(.closed, "garbage"))
        #expect(try await into.waitForEnd().code == .closed)
        #expect(try await isStillWelcome(listener))
        await listener.endpoint.close()
    }

    @Test func aLinkThatEndsInsideAMessageSaysSo() async throws {
        let listener = try await listener()
        let context = try folder.mesh("worker-1").clientContext(applicationProtocols: ["kuiper-peer/1"])
        let channel = try await connect(context, to: listener.address, sending: [0, 0, 1, 0, 5, 5, 5])
        let into = LinkProbe(try await listener.link(.incoming))
        try await channel.close().get()
        #expect(try await into.waitForEnd().code == .truncated)
        await listener.endpoint.close()
    }

    @Test func whoeverDoesNotShakeHandsIsCutOff() async throws {
        var limits = LinkLimits.patient
        limits.handshakeTime = .milliseconds(200)
        let listener = try await listener(limits)
        let socket = try LiveSocket(port: listener.address.port)
        #expect(try await listener.refusal().code == .handshakeTimeout)
        _ = socket
        await listener.endpoint.close()
    }

    @Test func strangersAreFewAtATimeAndFriendsComeBackWhenTheyAreGone() async throws {
        var limits = LinkLimits.patient
        limits.unauthenticatedConnections = 2
        let listener = try await listener(limits)
        var sockets: [LiveSocket] = []
        while !listener.events.all.contains(where: { if case .refused = $0 { true } else { false } }) {
            sockets.append(try LiveSocket(port: listener.address.port))
            if sockets.count == 3 { break }
        }
        #expect(try await listener.refusal().code == .tooManyConnections)
        sockets = []
        #expect(try await isStillWelcome(listener))
        await listener.endpoint.close()
    }

    @Test func aThirdLinkOfOnePeerTakesThePlaceOfTheOldest() async throws {
        let listener = try await listener()
        let context = try folder.mesh("worker-1").clientContext(applicationProtocols: ["kuiper-peer/1"])
        var channels: [any Channel] = []
        for number in 0..<3 {
            channels.append(try await connect(context, to: listener.address))
            _ = try await listener.link(.incoming, number)
        }
        let oldest = LinkProbe(listener.links(.incoming)[0])
        #expect(try await oldest.waitForEnd().code == .replaced)
        for channel in channels { channel.close(promise: nil) }
        await listener.endpoint.close()
    }
}
