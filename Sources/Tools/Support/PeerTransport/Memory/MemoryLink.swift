// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import NIOCore
internal import Synchronization

/// One end of a link that stays in memory: the twin of ``ChannelLink`` with the same codec, bounds and order, for tests.
///
/// Bytes go over as the receiver makes room for them; what does not fit waits at the sender and counts there.
final class MemoryLink: PeerLink {
    private struct State {
        var other: MemoryLink?
        var receiver: (@Sendable (PeerLinkEvent) -> Void)?
        /// What is to be told, in order; told by one thread at a time.
        var events: [PeerLinkEvent] = []
        var isTelling = false
        var heldBytes = 0
        /// Frames that wait for room at the other end.
        var queue: [[UInt8]] = []
        var queuedBytes = 0
        var isAboveHigh = false
        var isHeld = false
        var isPushing = false
        var ended = false
        var counts = LinkCounts()
    }

    let peer: NodeIdentity
    let direction: LinkDirection
    private let limits: LinkLimits
    private let onEnd: @Sendable () -> Void
    private let state = Mutex(State())

    /// Makes the two ends of a link.
    static func pair(
        dialler: NodeIdentity, listener: NodeIdentity, limits: LinkLimits, onEnd: @escaping @Sendable () -> Void
    ) -> (outgoing: MemoryLink, incoming: MemoryLink) {
        let outgoing = MemoryLink(peer: listener, direction: .outgoing, limits: limits, onEnd: onEnd)
        let incoming = MemoryLink(peer: dialler, direction: .incoming, limits: limits, onEnd: {})
        outgoing.state.withLock { $0.other = incoming }
        incoming.state.withLock { $0.other = outgoing }
        return (outgoing, incoming)
    }

    private init(
        peer: NodeIdentity, direction: LinkDirection, limits: LinkLimits, onEnd: @escaping @Sendable () -> Void
    ) {
        self.peer = peer
        self.direction = direction
        self.limits = limits
        self.onEnd = onEnd
    }

    var remoteAddress: String { "memory:\(peer.name)" }
    var isWritable: Bool { state.withLock { !$0.isAboveHigh } }
    var queuedBytes: Int { state.withLock { $0.queuedBytes } }
    var counts: LinkCounts { state.withLock { $0.counts } }

    func start(_ receiver: @escaping @Sendable (PeerLinkEvent) -> Void) {
        state.withLock { $0.receiver = receiver }
        tell()
    }

    func send(_ message: PeerMessage) {
        let frame = PeerMessageFraming.frame(message)
        let overflows = state.withLock { state in
            guard !state.ended else { return false }
            guard state.queuedBytes + frame.count <= limits.outboundMaximumBytes else { return true }
            state.queue.append(frame)
            state.queuedBytes += frame.count
            state.counts.messagesOut += 1
            state.counts.bytesOut += UInt64(frame.count)
            if state.queuedBytes > limits.outboundHighBytes { state.isAboveHigh = true }
            return false
        }
        if overflows { end(LinkFault(.outboundOverflow, "the peer does not read"), LinkFault(.reset, "cut off")) }
        push()
    }

    func consumed(bytes: Int) {
        let other = state.withLock { state in
            state.heldBytes -= bytes
            return state.other
        }
        other?.push()
    }

    func advise(_ advice: RedialAdvice) {}

    func close(_ fault: LinkFault) { end(fault, LinkFault(.ended, "the peer closed the link")) }

    /// Ends the link at both ends.
    func end(_ fault: LinkFault, _ otherFault: LinkFault) {
        let other = state.withLock { $0.other }
        finish(fault)
        other?.finish(otherFault)
    }

    /// Keeps what is sent from here until it is released: a link on which nothing arrives.
    func hold(_ isHeld: Bool) {
        state.withLock { $0.isHeld = isHeld }
        push()
    }

    // MARK: Moving bytes

    /// Moves frames to the other end while there is room; whoever comes while another does leaves it to that one, which keeps the order.
    private func push() {
        while true {
            guard let other = state.withLock({ $0.other }), other.hasRoom else { break }
            let frame: [UInt8]? = state.withLock { state in
                guard !state.isPushing, !state.isHeld, !state.ended, !state.queue.isEmpty else { return nil }
                state.isPushing = true
                return state.queue.removeFirst()
            }
            guard let frame else { break }
            other.arrive(frame)
            state.withLock { state in
                state.isPushing = false
                state.queuedBytes -= frame.count
                if state.isAboveHigh, state.queuedBytes <= limits.outboundLowBytes {
                    state.isAboveHigh = false
                    state.events.append(.writable)
                }
            }
        }
        tell()
    }

    private var hasRoom: Bool { state.withLock { !$0.ended && $0.heldBytes <= limits.inboundHighBytes } }

    private func arrive(_ frame: [UInt8]) {
        var framer = LinkFramer(maximumBodyBytes: limits.messageBytes)
        framer.append(ByteBuffer(bytes: frame))
        do {
            guard let body = try framer.next() else { return }
            let message = try PeerMessageFraming.message(body)
            state.withLock { state in
                guard !state.ended else { return }
                state.heldBytes += frame.count
                state.counts.messagesIn += 1
                state.counts.bytesIn += UInt64(frame.count)
                state.events.append(.messages([message], bytes: frame.count))
            }
            tell()
        } catch {
            state.withLock { state in
                guard !state.ended else { return }
                state.events.append(.garbage(error))
            }
            tell()
        }
    }

    private func finish(_ fault: LinkFault) {
        let isFirst = state.withLock { state in
            guard !state.ended else { return false }
            state.ended = true
            state.queue = []
            state.other = nil
            state.events.append(.closed(fault))
            return true
        }
        guard isFirst else { return }
        tell()
        onEnd()
    }

    /// Tells what there is to tell; whoever comes while another does leaves it to that one, so the order holds and no lock is held.
    private func tell() {
        while true {
            let next = state.withLock { state -> (@Sendable (PeerLinkEvent) -> Void, PeerLinkEvent)? in
                guard !state.isTelling, let receiver = state.receiver, !state.events.isEmpty else { return nil }
                state.isTelling = true
                return (receiver, state.events.removeFirst())
            }
            guard let (receiver, event) = next else { return }
            receiver(event)
            state.withLock { $0.isTelling = false }
        }
    }
}
