// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import IMAPCore
internal import MailStore

extension IMAPConnection {
    /// A message's header, from memory or from its body, which is read no further than that.
    ///
    /// - Returns: the header, or nil if it is too large to be held as a whole.
    /// - Throws: ``MailStoreError``.
    func header(of message: StoredMessage, in mailbox: OpenMailbox) throws -> HeaderCache.Entry? {
        if let known = services.headers.entry(of: message.facts.body) { return known }
        let body = mailbox.openBody(of: message)
        defer { body.close() }
        return try readHeader(of: message, in: body)
    }

    /// The same for a FETCH, which waits for a body that is on its way, and may want the envelope.
    func header(
        of message: StoredMessage, withEnvelope: Bool, in mailbox: OpenMailbox
    ) async throws -> HeaderCache.Entry? {
        var found = services.headers.entry(of: message.facts.body)
        if found == nil {
            let body = mailbox.openBody(of: message)
            defer { body.close() }
            try await body.waitUntilThere()
            found = try readHeader(of: message, in: body)
        }
        guard withEnvelope, var entry = found, entry.envelope == nil else { return found }
        var envelope: [UInt8] = []
        MessageScanner.scan(entry.header).appendEnvelope(to: &envelope)
        entry.envelope = envelope
        services.headers.insert(entry, for: message.facts.body)
        return entry
    }

    private func readHeader(of message: StoredMessage, in body: BodyReader) throws -> HeaderCache.Entry? {
        var boundary = HeaderBoundary()
        var bytes: [UInt8] = []
        while boundary.byteCount == nil, bytes.count < body.size {
            guard bytes.count < HeaderCache.maximumHeaderBytes else { return nil }
            // Most headers fit the first read.
            let end = bytes.isEmpty ? 4 << 10 : HeaderCache.maximumHeaderBytes
            let more = try body.read(bytes.count..<min(end, body.size))
            boundary.consume(more.span)
            bytes += more
        }
        let entry = HeaderCache.Entry(header: Array(bytes.prefix(boundary.byteCount ?? .max)), envelope: nil)
        services.headers.insert(entry, for: message.facts.body)
        return entry
    }
}
