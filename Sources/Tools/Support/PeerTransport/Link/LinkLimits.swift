// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit

/// The limits on links between nodes: what one peer can make this node hold, and how long it waits for it.
package struct LinkLimits: Sendable {
    /// The largest message, type and payload.
    package var messageBytes = ReplicationLimits.maximumMessageBytes
    /// The bytes of received messages that wait to be dealt with; beyond it the link reads no more.
    package var inboundHighBytes = 2 << 20
    /// The waiting bytes at which a link that had stopped reads again.
    package var inboundLowBytes = 1 << 20
    /// The bytes waiting to be sent beyond which a link asks its service to hold back.
    package var outboundHighBytes = 2 << 20
    /// The waiting bytes at which a link says that it takes more.
    package var outboundLowBytes = 1 << 20
    /// The bytes waiting to be sent beyond which the link is closed.
    package var outboundMaximumBytes = 8 << 20
    /// How long a TCP connection may take.
    package var connectTime: Duration = .seconds(3)
    /// How long a TLS handshake may take.
    package var handshakeTime: Duration = .seconds(5)
    /// How long the peer may wait with its first message.
    package var firstMessageTime: Duration = .seconds(5)
    /// How long a peer may take nothing of what is written.
    package var stallTime: Duration = .seconds(15)
    /// How long a link that closes waits for the peer to take what was written.
    package var closeTime: Duration = .seconds(1)
    /// The most connections to one listener that have not proved who they are.
    package var unauthenticatedConnections = 64
    /// The most links that one peer may hold open to one listener; a further one takes the place of the oldest.
    package var linksPerPeer = 2
    /// The connections that may wait to be accepted.
    package var backlog: Int32 = 128
    /// The longest wait before the second attempt to reach a peer; it doubles from attempt to attempt.
    package var backoffBase: Duration = .milliseconds(50)
    /// The longest wait between two attempts.
    package var backoffMaximum: Duration = .seconds(5)
    /// How long a link must have worked for the next wait to be short again.
    package var healthyTime: Duration = .seconds(1)

    /// The documented defaults.
    package init() {}
}
