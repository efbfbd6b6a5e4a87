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
        var bytes: [UInt8] = []
        message.encode(into: &bytes)
        return bytes
    }

    /// Decodes the body of a frame.
    ///
    /// - Parameter body: type and payload.
    /// - Returns: the message.
    /// - Throws: ``CRDTError`` that says what is wrong with it.
    package static func message(_ body: ByteBuffer) throws(CRDTError) -> PeerMessage {
        let span = body.readableBytesSpan
        return try PeerMessage(decoding: span)
    }
}
