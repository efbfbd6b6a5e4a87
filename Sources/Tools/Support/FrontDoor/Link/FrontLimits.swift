// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import NIOCore

/// The bounds of front links, the same at both ends.
package struct FrontLimits: Hashable, Sendable {
    /// The most octets of a frame that opens a session, ticket included: 4 MiB and 64 KiB.
    package var openBytes = (4 << 20) + (64 << 10)
    /// The most octets of any other frame: a whole ticket and the responses that make it, 5 MiB.
    package var frameBytes = 5 << 20
    /// The octets of mail and commands that one frame carries at most, 256 KiB; more is cut.
    package var dataBytes = 256 << 10
    /// The longest from an accepted connection to its first frame, 5 seconds.
    package var openingTime = TimeAmount.seconds(5)
    /// The longest a node may take to open a session or to say that it cannot, 10 seconds; others are asked long before.
    package var readyTime = TimeAmount.seconds(10)
    /// The longest a connection may take to be made, TLS included, 2 seconds; others are asked before.
    package var connectTime = TimeAmount.seconds(2)
    /// The octets that may wait to be written to a link before the client is not read from, 256 KiB.
    package var writeBytes = 256 << 10
    /// The silence after which a link that answers pings is closed, 30 seconds.
    package var healthSilence = TimeAmount.seconds(30)

    /// The defaults.
    package init() {}
}
