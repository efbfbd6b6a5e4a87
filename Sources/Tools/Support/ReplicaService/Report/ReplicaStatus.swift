// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import CRDTKit
internal import PeerTransport

/// How a replica stands: what the machine says, and what its links went through; for `pluto status`.
package struct ReplicaStatus: Sendable {
    /// What one peer's links went through since the start.
    package struct Links: Hashable, Sendable {
        /// Links that came up and were accepted.
        package var established: UInt64 = 0
        /// Attempts to dial it that came to nothing.
        package var failedDials: UInt64 = 0
        /// Bytes received, before TLS.
        package var bytesIn: UInt64 = 0
        /// Bytes sent, before TLS.
        package var bytesOut: UInt64 = 0
        /// Messages received.
        package var messagesIn: UInt64 = 0
        /// Messages sent.
        package var messagesOut: UInt64 = 0
        /// Why the last link ended or did not come up; `nil` when none did.
        package var lastFault: String?
    }

    /// What the machine says.
    package var group: GroupStatus
    /// What the peers' links went through, by name.
    package var links: [String: Links]
}
