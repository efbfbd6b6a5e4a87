// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

extension PeerMessage {
    /// Reads a message: the type byte and the payload, without the length in front.
    ///
    /// - Parameter bytes: exactly one message, at most ``ReplicationLimits/maximumMessageBytes``.
    /// - Throws: `malformed`, `limitExceeded` or `unsupportedVersion` for bytes that are none.
    public init(decoding bytes: RawSpan) throws(CRDTError) {
        throw CRDTError(.malformed, "message type is not known")
    }

    /// Appends the message as it travels, the length in front: `u32 length (big-endian) | u8 type | payload`.
    ///
    /// - Parameter bytes: the buffer that grows by the message.
    public func encode(into bytes: inout [UInt8]) {}
}
