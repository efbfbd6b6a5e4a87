// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import NIOCore
internal import Synchronization

/// The documents that are made of all rows, kept until a row changes.
///
/// For a changed row the plain document is joined anew, and of the compressed one only the row's chunk is compressed anew.
final class DocumentCache: Sendable {
    private struct Plain {
        var generation: UInt64
        var buffer: ByteBuffer
    }

    private let plain = Mutex<Plain?>(nil)
    private let gzip = Mutex(SegmentedGzip())

    /// The rows as a JSON array.
    func plain(_ snapshot: RowTable.Snapshot) -> ByteBuffer {
        plain.withLock { plain in
            if let known = plain, known.generation == snapshot.generation { return known.buffer }
            let buffer = Self.join(snapshot)
            plain = Plain(generation: snapshot.generation, buffer: buffer)
            return buffer
        }
    }

    /// The rows as a compressed JSON array; nothing when that fails.
    func compressed(_ snapshot: RowTable.Snapshot) -> ByteBuffer? {
        gzip.withLock { $0.document(snapshot) }
    }

    private static func join(_ snapshot: RowTable.Snapshot) -> ByteBuffer {
        let size = snapshot.chunks.reduce(2) { $0 + $1.rows.reduce(0) { $0 + $1.count + 1 } }
        var buffer = ByteBuffer()
        buffer.reserveCapacity(size)
        buffer.writeInteger(UInt8(ascii: "["))
        var isFirst = true
        for chunk in snapshot.chunks {
            for row in chunk.rows {
                if !isFirst { buffer.writeInteger(UInt8(ascii: ",")) }
                isFirst = false
                buffer.writeBytes(row)
            }
        }
        buffer.writeInteger(UInt8(ascii: "]"))
        return buffer
    }
}
