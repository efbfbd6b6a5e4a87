// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import CRDTKit
package import NIOCore

/// Cuts the bytes of a link into frames, in bounded memory.
///
///     frame = length body          ; body = type payload
///     length = 4OCTET              ; big-endian, the octets of the body, at least 1
///     type = OCTET
///     payload = *OCTET
///
/// It holds one incomplete frame at most. A length beyond the limit is refused as soon as its four octets are there.
package struct LinkFramer: Sendable {
    /// The octets in front of a body.
    package static let headerBytes = 4

    private let maximumBodyBytes: Int
    private var buffer = ByteBuffer()

    /// Makes a framer.
    ///
    /// - Parameter maximumBodyBytes: the largest body, type included.
    package init(maximumBodyBytes: Int) {
        self.maximumBodyBytes = maximumBodyBytes
    }

    /// Whether a frame has begun that is not all there.
    package var isInsideFrame: Bool { buffer.readableBytes > 0 }

    /// The octets that are held.
    package var heldBytes: Int { buffer.readableBytes }

    /// Takes octets as they come.
    ///
    /// - Parameter bytes: any number of octets.
    package mutating func append(_ bytes: ByteBuffer) {
        guard buffer.readableBytes > 0 else {
            buffer = bytes
            return
        }
        if buffer.readerIndex > buffer.capacity / 2 { buffer.discardReadBytes() }
        if let length = buffer.getInteger(at: buffer.readerIndex, as: UInt32.self), Int(length) <= maximumBodyBytes {
            // One growth for each frame, however small the pieces are that it comes in.
            let missing = Self.headerBytes + Int(length) - buffer.readableBytes
            buffer.reserveCapacity(minimumWritableBytes: max(missing, bytes.readableBytes))
        }
        buffer.writeImmutableBuffer(bytes)
    }

    /// Takes out the next frame.
    ///
    /// - Returns: its body, type first; `nil` when it is not all there.
    /// - Throws: ``CRDTError`` with `limitExceeded` or `malformed`; what follows cannot be read any more.
    package mutating func next() throws(CRDTError) -> ByteBuffer? {
        guard let length = buffer.getInteger(at: buffer.readerIndex, as: UInt32.self) else { return nil }
        guard length > 0 else { throw CRDTError(.malformed, "a message of no octets; the smallest has 1") }
        guard Int(length) <= maximumBodyBytes else {
            throw CRDTError(
                .limitExceeded, "a message of \(length) octets; the limit is \(maximumBodyBytes)")
        }
        guard buffer.readableBytes >= Self.headerBytes + Int(length) else { return nil }
        buffer.moveReaderIndex(forwardBy: Self.headerBytes)
        let body = buffer.readSlice(length: Int(length))
        if buffer.readableBytes == 0 { buffer = ByteBuffer() }
        return body
    }
}
