// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// An account as records for the engine: one for the account, one for each mailbox header and subscription, one for each message.
///
/// A record begins with its kind and version and ends with a 32-bit check; dots and keywords are local indexes of this node. A state that is made again from
/// all its records is the same state with the same ``digest``; the mailboxes' messages are absent until ``installMessages(_:)``.
extension AccountState {
    /// The account's own record; to be written whenever anything in the account changed.
    ///
    /// - Returns: the record.
    public borrowing func accountRecord() -> [UInt8] {
        var writer = RecordWriter(.account)
        writer.write(UInt64(uidValidityFloor))
        writer.writeFixed(digest.high)
        writer.writeFixed(digest.low)
        memberTable.write(to: &writer)
        modSeqMarks.write(to: &writer)
        writer.write(UInt64(knownLives.count))
        for life in knownLives.sorted() { writer.write(life) }
        return writer.finish()
    }

    /// A mailbox's header record.
    ///
    /// - Parameter mailbox: the mailbox, alive or not.
    /// - Returns: the record, or nil if there is none any more and the engine's is to be removed.
    public borrowing func mailboxRecord(of mailbox: MailboxID) -> [UInt8]? {
        slot(of: mailbox).map { slots[$0].encoded() }
    }

    /// A subscription's record.
    ///
    /// - Parameter name: the subscribed name.
    /// - Returns: the record, or nil if there is none any more and the engine's is to be removed.
    public borrowing func subscriptionRecord(of name: String) -> [UInt8]? {
        guard let dots = subscriptions.dotsByName[name] else { return nil }
        return RecordWriter.subscription(name, dots)
    }

    /// All mailboxes that have a header record, living or not, in no order.
    public var recordedMailboxes: [MailboxID] { slots.map(\.id) }

    /// Makes a state from its records.
    ///
    /// - Parameters:
    ///   - account: the account's record.
    ///   - mailboxes: the header records of all mailboxes, in any order.
    ///   - subscriptions: the records of all subscriptions, in any order.
    ///   - context: the names behind the local indexes; its past does not matter.
    ///   - limits: the limits of what commands issue.
    /// - Throws: ``CRDTError`` with `malformed` or `unsupportedVersion`.
    public init(
        account: [UInt8], mailboxes: [[UInt8]], subscriptions: [[UInt8]], context: borrowing ApplyContext,
        limits: AccountLimits = AccountLimits()
    ) throws(CRDTError) {
        self.init(limits: limits)
        try readAccount(account.span)
        for record in mailboxes {
            let mailbox = try Mailbox(record.span, context: context)
            if slot(of: mailbox.id) != nil { throw RecordReader.malformed("mailbox \(mailbox.id) is repeated") }
            if mailbox.birth?.uidValidity ?? 0 > uidValidityFloor {
                throw RecordReader.malformed("UIDVALIDITY of mailbox \(mailbox.id) is above the account's floor")
            }
            let slot = addSlot(mailbox)
            var changes: StateChanges = []
            refreshName(slot, context: context, changes: &changes)
            noteUIDWork(slot)
        }
        for record in subscriptions { try readSubscription(record.span) }
    }

    private mutating func readAccount(_ bytes: Span<UInt8>) throws(CRDTError) {
        var (position, end) = try RecordReader.open(bytes, .account)
        let floor = try RecordReader.number(bytes, &position, end, atMost: UInt64(UInt32.max))
        uidValidityFloor = UInt32(truncatingIfNeeded: floor)
        tally.digest.high = try RecordReader.fixed(bytes, &position, end)
        tally.digest.low = try RecordReader.fixed(bytes, &position, end)
        memberTable = try Members(bytes, &position, end)
        modSeqMarks = try ModSeqMarks(bytes, &position, end)
        for _ in 0..<(try RecordReader.count(bytes, &position, end, size: 9)) {
            knownLives.insert(try RecordReader.replica(bytes, &position, end))
        }
        try RecordReader.close(position, end)
    }

    private mutating func readSubscription(_ bytes: Span<UInt8>) throws(CRDTError) {
        let (name, dots) = try RecordReader.subscription(bytes)
        if dots.isEmpty || subscriptions.dotsByName[name] != nil {
            throw RecordReader.malformed("a subscription is repeated or empty")
        }
        subscriptions.install(name, dots)
    }
}

extension RecordWriter {
    /// The record of a subscription.
    static func subscription(_ name: String, _ dots: [Dot]) -> [UInt8] {
        var writer = RecordWriter(.subscription)
        writer.write(name)
        writer.write(UInt64(dots.count))
        for dot in dots { writer.write(dot) }
        return writer.finish()
    }
}

extension RecordReader {
    /// Reads the record of a subscription.
    static func subscription(_ bytes: Span<UInt8>) throws(CRDTError) -> (name: String, dots: [Dot]) {
        var (position, end) = try open(bytes, .subscription)
        let name = try text(bytes, &position, end)
        let dots = try dots(bytes, &position, end)
        try close(position, end)
        return (name, dots)
    }
}
