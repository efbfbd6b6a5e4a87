// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Why a link ended, or never came to be.
///
/// Scope: one link. The node that sees it logs and counts it; the other links and the state of the node are untouched. The text holds no key and no mail.
package struct LinkFault: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of end it was; callers decide on this, never on the text.
    package struct Code: Hashable, Sendable, CustomStringConvertible {
        /// The code's stable name, in lower snake case as metrics show it.
        package let name: String

        /// Makes a code.
        ///
        /// - Parameter name: a stable name in lower snake case.
        package init(_ name: String) { self.name = name }

        /// The code's stable name.
        package var description: String { name }

        /// This node closed the link on purpose.
        package static let closed = Code("closed")
        /// The peer closed the link between two messages.
        package static let ended = Code("ended")
        /// The link ended in the middle of a message.
        package static let truncated = Code("truncated")
        /// The connection broke.
        package static let reset = Code("reset")
        /// The TLS handshake failed, or a TLS record is damaged.
        package static let tls = Code("tls")
        /// The peer does not speak this application protocol (RFC 7301).
        package static let protocolMismatch = Code("protocol_mismatch")
        /// The peer's certificate names another node or another role than may be here.
        package static let identityRefused = Code("identity_refused")
        /// The TLS handshake took too long.
        package static let handshakeTimeout = Code("handshake_timeout")
        /// The peer said nothing after the handshake.
        package static let silent = Code("silent")
        /// The peer took nothing of what was written for too long.
        package static let stalled = Code("stalled")
        /// The peer asked for more than it read.
        package static let outboundOverflow = Code("outbound_overflow")
        /// There are too many connections that have not proved who they are.
        package static let tooManyConnections = Code("too_many_connections")
        /// A newer link of the same peer took its place.
        package static let replaced = Code("replaced")
        /// The peer cannot be reached.
        package static let unreachable = Code("unreachable")
        /// This node's own certificate or key cannot be used.
        package static let identityUnusable = Code("identity_unusable")
    }

    /// What kind of end it was.
    package let code: Code
    /// What happened, which limit, and what to do about it; one line for a person.
    package let message: String

    /// Makes a fault.
    ///
    /// - Parameters:
    ///   - code: what kind of end it was.
    ///   - message: one line for a person.
    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The code and the message.
    package var description: String { "\(code): \(message)" }
}
