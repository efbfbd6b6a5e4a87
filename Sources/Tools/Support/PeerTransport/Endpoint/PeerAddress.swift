// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import NodeSupport

/// A node that is to be dialled: its name and where it listens.
package struct PeerAddress: Hashable, Sendable {
    /// The node's name, which its certificate must carry.
    package var name: String
    /// Where it listens; tried in turn.
    package var addresses: [HostPort]

    /// Joins a name and addresses.
    ///
    /// - Parameters:
    ///   - name: the node's name.
    ///   - addresses: where it listens; none means that it is not dialled.
    package init(name: String, addresses: [HostPort]) {
        self.name = name
        self.addresses = addresses
    }
}
