// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import CRDTKit
import NIOCore
import NIOPosix
import NodeSupport
import PeerTransport
import Synchronization

extension LinkLimits {
    /// The limits without the times that a busy machine can exceed; a test sets the one that it is about.
    static var patient: LinkLimits {
        var limits = LinkLimits()
        limits.connectTime = .seconds(60)
        limits.handshakeTime = .seconds(60)
        limits.firstMessageTime = .seconds(60)
        limits.stallTime = .seconds(60)
        return limits
    }
}

/// A link ended before what a test waited for had come.
struct EndedTooSoon: Error {
    let messages: Int
    let fault: LinkFault
}

/// One end of a link with everything that happened on it.
final class LinkProbe: Sendable {
    let link: any PeerLink
    let events = Recorder<PeerLinkEvent>()
    /// Whether what is received is given back at once, and the bytes that were not.
    private let intake: Mutex<(isOpen: Bool, keptBytes: Int)>

    /// Starts a link; with `consumes` false nothing received is given back before ``consumeAll()``.
    init(_ link: any PeerLink, consumes: Bool = true) {
        self.link = link
        intake = Mutex((consumes, 0))
        link.start { [self] event in
            if case .messages(_, let bytes) = event, isOpen(keeping: bytes) { link.consumed(bytes: bytes) }
            events.add(event)
        }
    }

    /// Gives back all that was received, and from now on whatever comes.
    func consumeAll() {
        let bytes = intake.withLock { intake in
            defer { intake = (true, 0) }
            return intake.keptBytes
        }
        link.consumed(bytes: bytes)
    }

    private func isOpen(keeping bytes: Int) -> Bool {
        intake.withLock { intake in
            if !intake.isOpen { intake.keptBytes += bytes }
            return intake.isOpen
        }
    }

    var messages: [PeerMessage] {
        events.all.flatMap { event -> [PeerMessage] in
            if case .messages(let messages, _) = event { messages } else { [] }
        }
    }

    var heldBytes: Int {
        events.all.reduce(0) { sum, event in
            if case .messages(_, let bytes) = event { sum + bytes } else { sum }
        }
    }

    /// Waits until so many messages have come.
    ///
    /// - Throws: why the link ended, if it ended before.
    func waitForMessages(_ count: Int) async throws -> [PeerMessage] {
        try await events.wait { _ in messages.count >= count || end != nil }
        let found = messages
        if found.count < count, let end { throw EndedTooSoon(messages: found.count, fault: end) }
        return found
    }

    private var end: LinkFault? {
        events.all.lazy.compactMap { if case .closed(let fault) = $0 { fault } else { nil } }.first
    }

    func waitForEnd() async throws -> LinkFault {
        try await events.first { if case .closed(let fault) = $0 { fault } else { nil } }
    }

    func waitForGarbage() async throws -> CRDTError {
        try await events.first { if case .garbage(let error) = $0 { error } else { nil } }
    }
}

/// An endpoint with everything that happened at it.
final class EndpointProbe: Sendable {
    let endpoint: any PeerEndpoint
    let events = Recorder<PeerEndpointEvent>()
    private let bound = Mutex<[HostPort]>([])

    init(_ endpoint: any PeerEndpoint) { self.endpoint = endpoint }

    /// A TLS endpoint on a free port of loopback.
    convenience init(_ tls: MeshTLS, limits: LinkLimits = .patient) {
        self.init(
            TLSEndpoint(
                listen: [HostPort(host: "127.0.0.1", port: 0)], tls: tls,
                group: MultiThreadedEventLoopGroup.singleton, limits: limits))
    }

    @discardableResult
    func start() async throws -> HostPort {
        let addresses = try await endpoint.start { [events] in events.add($0) }
        bound.withLock { $0 = addresses }
        return addresses.first ?? HostPort(host: "none", port: 0)
    }

    var address: HostPort { bound.withLock { $0.first } ?? HostPort(host: "none", port: 0) }

    func links(_ direction: LinkDirection) -> [any PeerLink] {
        events.all.compactMap { event in
            if case .opened(let link) = event, link.direction == direction { link } else { nil }
        }
    }

    /// Waits for the link of a direction with this number, from 0.
    func link(_ direction: LinkDirection, _ number: Int = 0) async throws -> any PeerLink {
        try await events.wait { _ in self.links(direction).count > number }
        return links(direction)[number]
    }

    func refusal() async throws -> LinkFault {
        try await events.first { if case .refused(_, let fault) = $0 { fault } else { nil } }
    }

    func dialFailure() async throws -> LinkFault {
        try await events.first { if case .dialFailed(_, let fault) = $0 { fault } else { nil } }
    }
}
