// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What a node does in the cluster; a certificate says it, and peers check it.
package enum NodeRole: String, Hashable, Sendable, CaseIterable {
    /// Takes clients and passes them on; the only role that may speak for a user.
    case distributor
    /// Leads the users of one range in one region.
    case worker
    /// Holds a replica of all users.
    case storage
}
