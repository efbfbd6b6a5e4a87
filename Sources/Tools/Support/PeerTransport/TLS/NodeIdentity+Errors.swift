// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import NodeSupport

extension NodeError.Code {
    /// A certificate does not say, in the way that we believe, whose it is.
    package static let certificateUnidentified = NodeError.Code("certificateUnidentified")
    /// A node's certificate was not issued by the authorities that the node trusts.
    package static let certificateUntrusted = NodeError.Code("certificateUntrusted")
    /// New certificate files are another node's.
    package static let identityChanged = NodeError.Code("identityChanged")
    /// The other end of a connection showed no certificate that names a node.
    package static let peerUnidentified = NodeError.Code("peerUnidentified")
}
