// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// A message or part whose end has not been seen yet.
struct OpenEntity {
    var scope: HeaderScope
    /// The type of a body whose header does not name one.
    var defaultType: MediaType
    var headerStart: Int
    var isInHeader = true
    var bodyStart: Int
    /// How many lines the message had where the body begins.
    var linesBeforeBody = 0
    var fieldCount = 0
    /// The Content-Type that was found, nil until then.
    var mediaType: MediaType?
    var fields = MIMEFields()
    var envelope = MessageEnvelope()
    /// The boundary that is being looked for; nil when this is no multipart, or its closing delimiter has been seen.
    var boundary: [UInt8]?
    /// Whether the body goes to the sink.
    var emitsBody = false
    var children: [MessagePart] = []
    var embedded: EmbeddedMessage?

    init(scope: HeaderScope, defaultType: MediaType, start: Int) {
        self.scope = scope
        self.defaultType = defaultType
        headerStart = start
        bodyStart = start
    }

    /// Where the part of the entity that is being read begins.
    var currentStart: Int { isInHeader ? headerStart : bodyStart }

    /// Takes in one MIME field; the first of a kind counts, except for a Content-Type that cannot be read.
    mutating func takeMIME(_ field: KnownField, value: [UInt8], limits: MailLimits) {
        switch field {
        case .contentType:
            if mediaType == nil { mediaType = MIMEFieldParser.mediaType(value, limits: limits) }
        case .contentTransferEncoding:
            if fields.transferEncoding == nil { fields.transferEncoding = MIMEFieldParser.transferEncoding(value) }
        case .contentID: if fields.contentID == nil { fields.contentID = MIMEFieldParser.text(value) }
        case .contentDescription:
            if fields.contentDescription == nil { fields.contentDescription = MIMEFieldParser.text(value) }
        case .contentDisposition:
            if fields.disposition == nil {
                fields.disposition = MIMEFieldParser.disposition(value, limits: limits)
            }
        case .contentLanguage:
            if fields.languages.isEmpty { fields.languages = MIMEFieldParser.languages(value, limits: limits) }
        case .contentLocation: if fields.location == nil { fields.location = MIMEFieldParser.location(value) }
        case .contentMD5: if fields.md5 == nil { fields.md5 = MIMEFieldParser.text(value) }
        case .date, .subject, .from, .sender, .replyTo, .to, .cc, .bcc, .inReplyTo, .messageID: break
        }
    }

    /// Settles what the header says once all of it has been read.
    mutating func settleHeader() {
        fields.mediaType = mediaType ?? defaultType
        envelope.applyDefaults()
    }

    /// The finished part.
    ///
    /// A multipart in which no part was found, or which may not be opened, has one part of plain text: its whole body.
    /// A message that may not be opened has no header.
    func makePart(end: Int, lineCount: Int) -> MessagePart {
        let body = bodyStart..<max(bodyStart, end)
        let content: MessagePart.Content
        if fields.mediaType.isMultipart {
            let opaque = Self.opaque(body, lineCount: lineCount)
            content = .multipart(children.isEmpty ? [opaque] : children)
        } else if fields.mediaType.isMessage {
            let opaque = EmbeddedMessage(
                envelope: MessageEnvelope(), part: Self.opaque(body, lineCount: lineCount))
            content = .message(embedded ?? opaque)
        } else {
            content = .leaf
        }
        return MessagePart(
            header: headerStart..<bodyStart, body: body, lineCount: lineCount, fields: fields, content: content)
    }

    private static func opaque(_ body: Range<Int>, lineCount: Int) -> MessagePart {
        MessagePart(
            header: body.lowerBound..<body.lowerBound, body: body, lineCount: lineCount, fields: MIMEFields(),
            content: .leaf)
    }
}
