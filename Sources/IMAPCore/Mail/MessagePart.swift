// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// One node of the tree of a message: a header, a body, and what the body is made of (RFC 2045, RFC 2046).
///
/// Ranges count octets from the start of the whole message as it is stored. The line break before a boundary delimiter
/// belongs to the delimiter and not to the body before it (RFC 2046 section 5.1.1).
public struct MessagePart: Sendable, Hashable {
    /// What the body of a part is made of.
    public indirect enum Content: Sendable, Hashable {
        /// Octets, to be read through the transfer encoding.
        case leaf
        /// The parts of a multipart, at least one.
        case multipart([MessagePart])
        /// A message inside a part of type message/rfc822 or message/global.
        case message(EmbeddedMessage)
    }

    /// The header with the empty line that ends it, when there is one.
    public var header: Range<Int>
    /// The body.
    public var body: Range<Int>
    /// How many line ends (CRLF, LF or CR) the body has.
    public var lineCount: Int
    /// The MIME fields of the header.
    public var fields: MIMEFields
    /// What the body is made of.
    public var content: Content

    /// A part.
    ///
    /// - Parameters:
    ///   - header: the range of the header.
    ///   - body: the range of the body.
    ///   - lineCount: the number of line ends in the body.
    ///   - fields: the MIME fields of the header.
    ///   - content: what the body is made of.
    public init(header: Range<Int>, body: Range<Int>, lineCount: Int, fields: MIMEFields, content: Content) {
        self.header = header
        self.body = body
        self.lineCount = lineCount
        self.fields = fields
        self.content = content
    }

    /// The parts of a multipart; empty for every other part.
    public var children: [MessagePart] {
        if case .multipart(let parts) = content { return parts }
        return []
    }

    /// The message inside this part, if there is one.
    public var embedded: EmbeddedMessage? {
        if case .message(let message) = content { return message }
        return nil
    }
}

/// A message inside another one, or the outermost message.
public struct EmbeddedMessage: Sendable, Hashable {
    /// What the message's header says about sender, receivers, subject and date.
    public var envelope: MessageEnvelope
    /// The message's header and body.
    public var part: MessagePart

    /// A message.
    ///
    /// - Parameters:
    ///   - envelope: the envelope.
    ///   - part: header and body.
    public init(envelope: MessageEnvelope, part: MessagePart) {
        self.envelope = envelope
        self.part = part
    }
}
