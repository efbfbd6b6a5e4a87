// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import NodeSupport

/// The application protocol of links between replicas, as TLS agrees on it (RFC 7301).
package let peerApplicationProtocol = "kuiper-peer/1"

/// What an endpoint tells its service.
package enum PeerEndpointEvent: Sendable {
    /// A link is there; the service starts it.
    case opened(any PeerLink)
    /// An attempt to reach a peer came to nothing; there will be another.
    case dialFailed(name: String, LinkFault)
    /// A connection from outside was turned away before it became a link.
    case refused(remoteAddress: String, LinkFault)
}

/// Where the links of one group come from: a listener and a dialler that keeps one outgoing link to every peer.
///
/// ``TLSEndpoint`` is the real one, ``MemoryEndpoint`` its twin for tests.
package protocol PeerEndpoint: Sendable {
    /// Listens and dials from now on.
    ///
    /// - Parameter receiver: gets the events, on any thread, one event of a link after the other; it must not block.
    /// - Returns: the addresses that are listened on, with their real ports.
    /// - Throws: ``NodeError`` with `addressUnavailable`, or an error of the certificates.
    func start(_ receiver: @escaping @Sendable (PeerEndpointEvent) -> Void) async throws(NodeError) -> [HostPort]

    /// Says who is to be dialled; links to others are closed, links to those that stay are kept.
    ///
    /// - Parameter peers: all of them.
    func setPeers(_ peers: [PeerAddress])

    /// Says that a peer has just shown itself: a wait before the next attempt to dial it is cut short.
    ///
    /// - Parameter name: the peer.
    func nudge(_ name: String)

    /// Stops listening and dialling, closes all links, and returns when they are closed.
    func close() async
}
