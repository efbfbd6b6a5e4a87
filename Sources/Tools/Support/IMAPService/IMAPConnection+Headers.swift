// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import IMAPCore
internal import MailStore

extension IMAPConnection {
    /// A message's header, from memory or from its body, which is read no further than that.
    ///
    /// - Parameters:
    ///   - message: the message.
    ///   - body: its body, which is opened if it is needed; what was read of it is there for who reads on.
    ///   - visit: what the command may change of what is remembered.
    /// - Returns: the header, or nil if it is too large to be held as a whole.
    /// - Throws: ``MailStoreError``.
    func header(
        of message: StoredMessage, in body: inout BodySource, _ visit: inout HeaderCache.Visit
    ) throws -> HeaderCache.Entry? {
        if let known = services.headers.entry(of: message.facts.body, &visit) { return known }
        guard let entry = try readHeader(in: &body) else { return nil }
        services.headers.insert(entry, for: message.facts.body, &visit)
        return entry
    }

    /// The same for a FETCH, which waits for a body that is on its way, and may want the envelope.
    func header(
        of message: StoredMessage, withEnvelope: Bool, in body: inout BodySource, _ visit: inout HeaderCache.Visit
    ) async throws -> HeaderCache.Entry? {
        let known = services.headers.entry(of: message.facts.body, &visit)
        if let known, !withEnvelope || known.envelope != nil { return known }
        if known == nil { try await body.waitUntilThere() }
        guard var entry = try known ?? readHeader(in: &body) else { return nil }
        if withEnvelope {
            var envelope: [UInt8] = []
            MessageScanner.scan(entry.header).appendEnvelope(to: &envelope)
            entry.envelope = envelope
        }
        services.headers.insert(entry, for: message.facts.body, &visit)
        return entry
    }

    private func readHeader(in body: inout BodySource) throws -> HeaderCache.Entry? {
        var boundary = HeaderBoundary()
        var seen = 0
        // Most headers fit the first read.
        for end in [4 << 10, HeaderCache.maximumHeaderBytes] where boundary.byteCount == nil && seen < body.size {
            let bytes = try body.beginning(to: end)
            let span = bytes.span
            boundary.consume(span.extracting(seen..<span.count))
            seen = bytes.count
        }
        if boundary.byteCount == nil, seen < body.size { return nil }
        let header = Array(try body.beginning(to: seen).prefix(boundary.byteCount ?? .max))
        return HeaderCache.Entry(header: header, envelope: nil)
    }
}

/// The header of a message that a client is sending, if it is small enough to be remembered.
struct HeaderCollector {
    private var boundary = HeaderBoundary()
    private var bytes: [UInt8] = []
    private var isTooLarge = false

    /// Looks at more of the message.
    mutating func add(_ more: [UInt8]) {
        if boundary.byteCount != nil || isTooLarge { return }
        let part = more.prefix(HeaderCache.maximumHeaderBytes + 1 - bytes.count)
        bytes += part
        boundary.consume(part.span)
        guard boundary.byteCount == nil, bytes.count > HeaderCache.maximumHeaderBytes else { return }
        isTooLarge = true
        bytes = []
    }

    /// The header of the message, which has come to its end; nil if it is too large.
    func finish() -> [UInt8]? { isTooLarge ? nil : Array(bytes.prefix(boundary.byteCount ?? .max)) }
}
