// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import NIOCore
internal import NIOSSL
internal import NodeSupport
internal import Synchronization

/// A link over a TLS channel: the half that any thread may touch.
///
/// What waits is counted in both directions: received bytes until the service is done with them, sent bytes until the socket has taken them. All events are told on the
/// channel's event loop. ``LinkHandler`` is the half inside the pipeline.
final class ChannelLink: PeerLink {
    private struct State {
        var receiver: (@Sendable (PeerLinkEvent) -> Void)?
        /// What came before the receiver did.
        var early: [PeerLinkEvent] = []
        var heldBytes = 0
        var isReadingPaused = true
        var isGarbled = false
        var queue: [[UInt8]] = []
        var queuedBytes = 0
        /// The bytes that the socket has taken, to see whether there is progress.
        var writtenBytes: UInt64 = 0
        var isFlushScheduled = false
        var isAboveHigh = false
        var isStallWatched = false
        var closing: LinkFault?
        var ended: LinkFault?
        var acceptedAt: NIODeadline?
        var isHopeless = false
        var counts = LinkCounts()
    }

    let peer: NodeIdentity
    let direction: LinkDirection
    let remoteAddress: String
    private let channel: any Channel
    private let limits: LinkLimits
    private let state = Mutex(State())

    init(peer: NodeIdentity, direction: LinkDirection, channel: any Channel, limits: LinkLimits) {
        self.peer = peer
        self.direction = direction
        self.channel = channel
        self.limits = limits
        remoteAddress = Self.name(of: channel.remoteAddress)
    }

    /// A network address for logs.
    static func name(of address: SocketAddress?) -> String {
        guard let address, let host = address.ipAddress else { return "unknown" }
        return HostPort(host: host, port: UInt16(clamping: address.port ?? 0)).description
    }

    /// Tells the channel apart from others.
    var channelIdentity: ObjectIdentifier { ObjectIdentifier(channel) }

    var isWritable: Bool { state.withLock { !$0.isAboveHigh } }
    var queuedBytes: Int { state.withLock { $0.queuedBytes } }
    var counts: LinkCounts { state.withLock { $0.counts } }

    // MARK: The service's side

    func start(_ receiver: @escaping @Sendable (PeerLinkEvent) -> Void) {
        channel.eventLoop.execute {
            let (early, ended) = self.state.withLock { state in
                state.receiver = receiver
                let early = state.early
                state.early = []
                state.isReadingPaused = state.heldBytes > self.limits.inboundHighBytes
                return (early, state.ended)
            }
            for event in early { receiver(event) }
            if let ended {
                receiver(.closed(ended))
            } else if self.mayRead {
                self.channel.read()
            }
        }
    }

    func send(_ message: PeerMessage) {
        let frame = PeerMessageFraming.frame(message)
        enum Action { case nothing, flush, overflow }
        let action: Action = state.withLock { state in
            guard state.closing == nil, state.ended == nil else { return .nothing }
            guard state.queuedBytes + frame.count <= limits.outboundMaximumBytes else { return .overflow }
            state.queue.append(frame)
            state.queuedBytes += frame.count
            state.counts.messagesOut += 1
            state.counts.bytesOut += UInt64(frame.count)
            if state.queuedBytes > limits.outboundHighBytes { state.isAboveHigh = true }
            if state.isFlushScheduled { return .nothing }
            state.isFlushScheduled = true
            return .flush
        }
        switch action {
        case .nothing: break
        case .flush: channel.eventLoop.execute { self.flush() }
        case .overflow:
            abort(
                LinkFault(
                    .outboundOverflow,
                    "the peer does not read: \(limits.outboundMaximumBytes) octets wait to be sent to it"))
        }
    }

    func consumed(bytes: Int) {
        let resumes = state.withLock { state in
            state.heldBytes -= bytes
            guard state.isReadingPaused, state.receiver != nil, state.heldBytes <= limits.inboundLowBytes else {
                return false
            }
            state.isReadingPaused = false
            return state.ended == nil
        }
        if resumes { channel.eventLoop.execute { self.channel.read() } }
    }

    func advise(_ advice: RedialAdvice) {
        state.withLock { state in
            state.isHopeless = advice == .hopeless
            if state.acceptedAt == nil, advice == .accepted { state.acceptedAt = .now() }
        }
    }

    func close(_ fault: LinkFault) {
        guard beginClosing(fault) else { return }
        channel.eventLoop.execute {
            self.flush()
            let alarm = self.channel.eventLoop.scheduleTask(in: TimeAmount(self.limits.closeTime)) {
                LinkHandler.abort(self.channel)
            }
            self.channel.closeFuture.whenComplete { _ in alarm.cancel() }
            self.channel.close(promise: nil)
        }
    }

    /// Closes at once, whatever waits to be sent.
    func abort(_ fault: LinkFault) {
        _ = beginClosing(fault)
        channel.eventLoop.execute { LinkHandler.abort(self.channel) }
    }

    private func beginClosing(_ fault: LinkFault) -> Bool {
        state.withLock { state in
            guard state.closing == nil, state.ended == nil else { return false }
            state.closing = fault
            return true
        }
    }

    /// How to go on after the link, if it is over now.
    var redial: Redial {
        let (acceptedAt, isHopeless) = state.withLock { ($0.acceptedAt, $0.isHopeless) }
        if isHopeless { return .late }
        guard let acceptedAt, NIODeadline.now() - acceptedAt >= TimeAmount(limits.healthyTime) else { return .later }
        return .soon
    }

    /// When to dial again after a link.
    enum Redial {
        /// It worked for a while: after the shortest wait.
        case soon
        /// It did not last: after a longer wait than before.
        case later
        /// It cannot work: after the longest wait.
        case late
    }

    // MARK: The event loop's side

    /// Whether the socket may be read; on the event loop.
    var mayRead: Bool {
        state.withLock { !$0.isReadingPaused && !$0.isGarbled && $0.closing == nil && $0.ended == nil }
    }

    /// Messages have come; on the event loop.
    func received(_ messages: [PeerMessage], bytes: Int) {
        let receiver = state.withLock { state -> (@Sendable (PeerLinkEvent) -> Void)? in
            guard state.closing == nil else { return nil }
            state.counts.messagesIn += UInt64(messages.count)
            state.counts.bytesIn += UInt64(bytes)
            state.heldBytes += bytes
            if state.heldBytes > limits.inboundHighBytes { state.isReadingPaused = true }
            if state.receiver == nil { state.early.append(.messages(messages, bytes: bytes)) }
            return state.receiver
        }
        receiver?(.messages(messages, bytes: bytes))
    }

    /// Something has come that is no message; on the event loop.
    func garbled(_ error: CRDTError) {
        let receiver = state.withLock { state -> (@Sendable (PeerLinkEvent) -> Void)? in
            guard state.closing == nil else { return nil }
            state.isGarbled = true
            if state.receiver == nil { state.early.append(.garbage(error)) }
            return state.receiver
        }
        receiver?(.garbage(error))
    }

    /// The channel is closed; on the event loop.
    func ended(_ fault: LinkFault) {
        let (receiver, fault) = state.withLock { state in
            let first = state.ended == nil
            let fault = state.closing ?? fault
            state.ended = fault
            state.queue = []
            return (first ? state.receiver : nil, fault)
        }
        receiver?(.closed(fault))
    }

    /// Writes what is queued, in pieces, so that progress shows; on the event loop.
    private func flush() {
        let frames = state.withLock { state in
            state.isFlushScheduled = false
            let frames = state.queue
            state.queue = []
            return frames
        }
        guard !frames.isEmpty else { return }
        var start = 0
        while start < frames.count {
            // A piece is as large as it will be from the beginning: growing would copy it again and again.
            var count = frames[start].count
            var end = start + 1
            while end < frames.count, count + frames[end].count <= Self.pieceBytes {
                count += frames[end].count
                end += 1
            }
            var piece = channel.allocator.buffer(capacity: count)
            for frame in frames[start..<end] { piece.writeBytes(frame) }
            write(piece)
            start = end
        }
        channel.flush()
        watchForStall()
    }

    /// The octets that are handed to the socket as one.
    private static let pieceBytes = 256 << 10

    private func write(_ piece: ByteBuffer) {
        let count = piece.readableBytes
        channel.write(piece).whenSuccess { self.written(count) }
    }

    private func written(_ count: Int) {
        let receiver = state.withLock { state -> (@Sendable (PeerLinkEvent) -> Void)? in
            state.queuedBytes -= count
            state.writtenBytes += UInt64(count)
            guard state.isAboveHigh, state.queuedBytes <= limits.outboundLowBytes else { return nil }
            state.isAboveHigh = false
            return state.ended == nil ? state.receiver : nil
        }
        receiver?(.writable)
    }

    /// Looks after a while whether the socket has taken anything; on the event loop.
    private func watchForStall() {
        let written = state.withLock { state -> UInt64? in
            guard state.queuedBytes > 0, !state.isStallWatched, state.ended == nil else { return nil }
            state.isStallWatched = true
            return state.writtenBytes
        }
        guard let written else { return }
        // A link that has ended meanwhile is kept in memory until then; cancelling would leave something with the channel each time.
        channel.eventLoop.scheduleTask(in: TimeAmount(limits.stallTime)) {
            let isStalled = self.state.withLock { state in
                state.isStallWatched = false
                return state.ended == nil && state.queuedBytes > 0 && state.writtenBytes == written
            }
            if isStalled {
                self.abort(LinkFault(.stalled, "the peer has taken nothing for \(self.limits.stallTime)"))
            } else {
                self.watchForStall()
            }
        }
    }
}
