// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit

/// A body that is in the log and not yet in the engine: where its chunks are.
struct LoggedBody: Sendable {
    /// A run of the body's bytes in the log.
    struct Chunk: Sendable {
        /// The log position of its first byte.
        var position: LogPosition
        /// Its offset in the body.
        var offset: UInt64
        /// Its length.
        var length: Int
    }

    /// The chunks, by ascending offset, without gaps.
    var chunks: [Chunk]
    /// The body's size in octets.
    var size: UInt64

    /// The first position that must stay in the log while the body is only there.
    var firstPosition: LogPosition? { chunks.map(\.position).min() }

    /// Whether the chunks are the whole body.
    var isComplete: Bool {
        var next: UInt64 = 0
        for chunk in chunks {
            guard chunk.offset == next else { return false }
            next += UInt64(chunk.length)
        }
        return next == size
    }
}
