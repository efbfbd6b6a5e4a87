// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import CRDTKit

/// What a service knows about a link that helps to decide when to dial again after it.
package enum RedialAdvice: Hashable, Sendable {
    /// The peer has accepted this node: if that lasted a while, begin with the shortest wait again.
    case accepted
    /// Trying again soon cannot help, for a configuration has to change first: take the longest wait.
    case hopeless
}

/// What a link tells its service; on one thread after the other, in the order in which it happened.
package enum PeerLinkEvent: Sendable {
    /// Messages have come; the service says with ``PeerLink/consumed(bytes:)`` when it is done with their bytes.
    case messages([PeerMessage], bytes: Int)
    /// Bytes have come that are no message; nothing more is read, and the service closes the link after it has said why.
    case garbage(CRDTError)
    /// What waited to be sent has gone down to the low mark.
    case writable
    /// The link is over; nothing follows.
    case closed(LinkFault)
}

/// What went over a link so far.
package struct LinkCounts: Hashable, Sendable {
    /// Messages received.
    package var messagesIn: UInt64 = 0
    /// Bytes of messages received, before TLS.
    package var bytesIn: UInt64 = 0
    /// Messages sent.
    package var messagesOut: UInt64 = 0
    /// Bytes of messages sent, before TLS.
    package var bytesOut: UInt64 = 0

    /// Nothing yet.
    package init() {}
}

/// One authenticated, ordered link to a peer that carries ``PeerMessage``s both ways.
///
/// Every method may be called from any thread and returns at once. Messages are sent in the order of the calls.
package protocol PeerLink: AnyObject, Sendable {
    /// Who is at the other end, as its certificate says.
    var peer: NodeIdentity { get }
    /// Who opened the link.
    var direction: LinkDirection { get }
    /// The peer's network address, for logs.
    var remoteAddress: String { get }
    /// Whether less waits to be sent than the high mark.
    var isWritable: Bool { get }
    /// The bytes that wait to be sent.
    var queuedBytes: Int { get }
    /// What went over the link so far.
    var counts: LinkCounts { get }

    /// Begins to read; what has happened before is told first.
    ///
    /// - Parameter receiver: gets the events; it must not block.
    func start(_ receiver: @escaping @Sendable (PeerLinkEvent) -> Void)

    /// Queues a message; it is forgotten when the link closes first.
    ///
    /// - Parameter message: the message.
    func send(_ message: PeerMessage)

    /// Says that received bytes are dealt with, so that as many can be read.
    ///
    /// - Parameter bytes: how many.
    func consumed(bytes: Int)

    /// Helps to decide when to dial again after this link.
    ///
    /// - Parameter advice: what is known; the last word counts.
    func advise(_ advice: RedialAdvice)

    /// Sends what is queued and closes.
    ///
    /// - Parameter fault: why, for the `closed` event.
    func close(_ fault: LinkFault)
}
