// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import PeerTransport

/// What a writer knows about one of its replicas.
struct FanOutPeer {
    /// How a replica behaves.
    enum Kind: Sendable {
        /// It does what it can.
        case healthy
        /// It takes its time with every message.
        case slow
        /// It has shaken hands and reads nothing.
        case dead
    }

    let kind: Kind
    var link: (any PeerLink)?
    /// Where in the writer's log the next frame for it lies.
    var position = LogPosition.start
    /// Bytes that went to it, and those that it has dealt with.
    var sentBytes: UInt64 = 0
    var consumedBytes: UInt64 = 0
    /// The last operation that is durable there.
    var acknowledged: UInt64 = 0
}
