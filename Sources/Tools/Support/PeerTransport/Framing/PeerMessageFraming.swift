// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import CRDTKit
package import NIOCore

/// ``PeerMessage``s as the frames of a link.
package enum PeerMessageFraming {
    /// Encodes a message as a whole frame.
    ///
    /// - Parameter message: the message.
    /// - Returns: length, type and payload.
    package static func frame(_ message: PeerMessage) -> [UInt8] {
        var bytes: [UInt8] = [0, 0, 0, 0]
        message.encode(into: &bytes)
        let length = UInt32(truncatingIfNeeded: bytes.count - LinkFramer.headerBytes)
        bytes[0] = UInt8(truncatingIfNeeded: length >> 24)
        bytes[1] = UInt8(truncatingIfNeeded: length >> 16)
        bytes[2] = UInt8(truncatingIfNeeded: length >> 8)
        bytes[3] = UInt8(truncatingIfNeeded: length)
        return bytes
    }

    /// Decodes the body of a frame.
    ///
    /// - Parameter body: type and payload.
    /// - Returns: the message.
    /// - Throws: ``LinkFault`` with `malformed`.
    package static func message(_ body: ByteBuffer) throws(LinkFault) -> PeerMessage {
        let span = body.readableBytesSpan
        do {
            return try PeerMessage(decoding: span)
        } catch {
            throw LinkFault(.malformed, "a message that cannot be read: \(error)")
        }
    }
}
