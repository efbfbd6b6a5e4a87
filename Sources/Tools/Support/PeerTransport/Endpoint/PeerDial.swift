// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import NodeSupport

/// Keeps one outgoing link to one peer: dials, waits, dials again.
///
/// Confined to its event loop, on which its links live too.
final class PeerDial {
    private enum Phase {
        case waiting(Scheduled<Void>)
        case connecting
        case linked(ChannelLink)
        case stopped
    }

    private let name: String
    private let eventLoop: any EventLoop
    private let tls: MeshTLS
    private let limits: LinkLimits
    private let receiver: @Sendable (PeerEndpointEvent) -> Void
    private var addresses: [HostPort]
    private var attempts = 0
    private var backoff: ReconnectBackoff
    private var generator = SystemRandomNumberGenerator()
    private var phase = Phase.connecting
    private var channel: (any Channel)?
    private var isNudged = false
    /// Whether the peer's showing itself is no reason to try sooner.
    private var isPatient = false
    private var hasStopped = false
    private let stopped: EventLoopPromise<Void>

    init(
        peer: PeerAddress, eventLoop: any EventLoop, tls: MeshTLS, limits: LinkLimits,
        receiver: @escaping @Sendable (PeerEndpointEvent) -> Void
    ) {
        name = peer.name
        addresses = peer.addresses
        self.eventLoop = eventLoop
        self.tls = tls
        self.limits = limits
        self.receiver = receiver
        backoff = ReconnectBackoff(base: limits.backoffBase, maximum: limits.backoffMaximum)
        stopped = eventLoop.makePromise()
    }

    /// Completes when the peer is dialled no more and no link to it is open.
    var stopFuture: EventLoopFuture<Void> { stopped.futureResult }

    /// Makes the first attempt.
    func start() { connect() }

    /// The peer may be found elsewhere; a link that works is kept.
    func setAddresses(_ addresses: [HostPort]) {
        guard addresses != self.addresses else { return }
        self.addresses = addresses
        attempts = 0
        retryNow()
    }

    /// The peer has shown itself: the wait is cut to the shortest one.
    func nudge() {
        switch phase {
        case .waiting where !isNudged && !isPatient:
            isNudged = true
            retryNow()
        case .waiting, .connecting, .linked, .stopped: break
        }
    }

    /// Dials no more, and closes the link.
    func stop() {
        let former = phase
        // First, because an attempt that is given up may end at once, and would be followed by another.
        phase = .stopped
        switch former {
        case .waiting(let wait):
            wait.cancel()
            didStop()
        case .linked(let link): link.close(LinkFault(.closed, "this node ends its link to \(name)"))
        case .connecting:
            if let channel { LinkHandler.abort(channel) } else { didStop() }
        case .stopped: return
        }
    }

    // MARK: Attempts

    private func retryNow() {
        guard case .waiting(let wait) = phase else { return }
        wait.cancel()
        var first = ReconnectBackoff(base: limits.backoffBase, maximum: limits.backoffBase)
        retry(after: first.next(using: &generator))
    }

    private func connect() {
        phase = .connecting
        guard !addresses.isEmpty else {
            fail(LinkFault(.unreachable, "there is no address for \(name)"))
            return
        }
        let address = addresses[attempts % addresses.count]
        attempts += 1
        isNudged = false
        isPatient = false
        let context: NIOSSLContext
        do {
            context = try tls.clientContext(applicationProtocols: [peerApplicationProtocol])
        } catch {
            fail(LinkFault(.identityUnusable, "this node's certificate cannot be used: \(error)"))
            return
        }
        let setup = self.setup()
        ClientBootstrap(group: eventLoop)
            .connectTimeout(TimeAmount(limits.connectTime))
            .channelOption(.autoRead, value: false)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        NIOSSLClientHandler(context: context, serverHostname: nil))
                    try channel.pipeline.syncOperations.addHandler(LinkHandler(setup: setup))
                }
            }
            .connect(host: address.host, port: address.port)
            .assumeIsolated()
            .whenComplete { self.connected($0, to: address) }
    }

    private func setup() -> LinkSetup {
        let own = tls.own
        let name = name
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        return LinkSetup(
            direction: .outgoing, limits: limits, applicationProtocol: peerApplicationProtocol,
            admit: { PeerAdmission.refusal(of: $0, own: own, expected: name) },
            opened: { bound.value.opened($0) },
            failed: { bound.value.fail($0) })
    }

    private func connected(_ result: Result<any Channel, any Error>, to address: HostPort) {
        switch result {
        case .success(let channel):
            self.channel = channel
            channel.closeFuture.assumeIsolated().whenComplete { _ in self.closed() }
            if case .stopped = phase { LinkHandler.abort(channel) }
        case .failure(let error):
            fail(LinkFault(.unreachable, "\(name) cannot be reached at \(address): \(Self.reason(error))"))
        }
    }

    /// Why a connection could not be made, in the words of the last attempt.
    private static func reason(_ error: any Error) -> String {
        guard let failure = error as? NIOConnectionError else { return "\(error)" }
        if let cause = failure.connectionErrors.last?.error { return "\(cause)" }
        return "\(failure.dnsAError ?? failure.dnsAAAAError ?? failure)"
    }

    private func opened(_ link: ChannelLink) {
        guard case .connecting = phase else {
            link.abort(LinkFault(.closed, "this node ends its link to \(name)"))
            return
        }
        phase = .linked(link)
        receiver(.opened(link))
    }

    /// The connection is closed, however far it had come.
    private func closed() {
        channel = nil
        switch phase {
        case .linked(let link):
            switch link.redial {
            case .soon: backoff.reset()
            case .later: break
            case .late: backoff.exhaust()
            }
            isPatient = link.redial == .late
            retry(after: backoff.next(using: &generator))
        case .stopped: didStop()
        case .waiting, .connecting: break
        }
    }

    /// An attempt came to nothing.
    private func fail(_ fault: LinkFault) {
        switch phase {
        case .connecting:
            receiver(.dialFailed(name: name, fault))
            retry(after: backoff.next(using: &generator))
        case .stopped: if channel == nil { didStop() }
        case .waiting, .linked: break
        }
    }

    private func didStop() {
        guard !hasStopped else { return }
        hasStopped = true
        stopped.succeed()
    }

    private func retry(after time: Duration) {
        let wait = eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(time)) {
            guard case .waiting = self.phase else { return }
            self.connect()
        }
        phase = .waiting(wait)
    }
}
