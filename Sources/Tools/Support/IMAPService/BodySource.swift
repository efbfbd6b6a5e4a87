// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import MailStore

/// The body of a message that is being answered about.
///
/// It is opened when it is needed first, and once; what was read of its beginning, where the header lies, is kept for whoever reads on.
struct BodySource {
    private let message: StoredMessage
    private let mailbox: OpenMailbox
    private var reader: BodyReader?
    private var isThere = false
    /// What was read of the body from its start.
    private var beginning: [UInt8] = []

    /// Up to where the beginning is read at once, and kept.
    static let beginningBytes = HeaderCache.maximumHeaderBytes

    /// Opens nothing yet.
    init(_ message: StoredMessage, in mailbox: OpenMailbox) {
        self.message = message
        self.mailbox = mailbox
    }

    /// The body's octets.
    var size: Int { Int(clamping: message.facts.size) }

    /// Waits for a body that is on its way from another replica; see ``BodyReader/waitUntilThere()``.
    mutating func waitUntilThere() async throws {
        if isThere { return }
        try await opened().waitUntilThere()
        isThere = true
    }

    /// Sees to it that the body can be read: it then stays as long as it is open.
    ///
    /// - Throws: ``MailStoreError`` with `bodyGone`.
    mutating func check() throws { _ = try beginning(to: Self.beginningBytes) }

    /// The beginning of the body, at least up to a place that is not behind ``beginningBytes``, or all of a smaller body.
    mutating func beginning(to end: Int) throws -> [UInt8] {
        let end = min(end, Self.beginningBytes, size)
        if beginning.count < end { beginning += try opened().read(beginning.count..<end) }
        return beginning
    }

    /// The bytes of a range, which must lie within the body.
    mutating func read(_ range: Range<Int>) throws -> [UInt8] {
        if range == 0..<beginning.count { return beginning }
        if range.upperBound <= beginning.count { return Array(beginning[range]) }
        if range.lowerBound >= beginning.count { return try opened().read(range) }
        var bytes = Array(beginning[range.lowerBound...])
        bytes += try opened().read(beginning.count..<range.upperBound)
        return bytes
    }

    /// Lets the body go.
    func close() { reader?.close() }

    private mutating func opened() -> BodyReader {
        if let reader { return reader }
        let opened = mailbox.openBody(of: message)
        reader = opened
        return opened
    }
}
