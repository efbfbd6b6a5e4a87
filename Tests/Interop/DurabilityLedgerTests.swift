// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import LiveTestSupport
internal import Testing

/// The durability test's own test: its ledger finds every kind of broken promise.
@Suite("Durability ledger") struct DurabilityLedgerTests {
    /// A ledger that was told: messages 1 to 3 in mailbox 0; 2 flagged; 3 expunged; 1 copied to mailbox 1; and that
    /// somebody saw message 4 in mailbox 0.
    private static func ledger() throws -> DurabilityLedger {
        var ledger = DurabilityLedger()
        for number in 1...3 {
            try ledger.note(
                .append(mailbox: 0, token: number, flags: []),
                IMAPReply(tagged: IMAPLine("t OK [APPENDUID 9 \(number)] done")))
        }
        try ledger.note(.store(Slot(mailbox: 0, uid: 2), flags: ["\\Flagged"]), IMAPReply(tagged: IMAPLine("t OK")))
        try ledger.note(.expunge(Slot(mailbox: 0, uid: 3)), IMAPReply(tagged: IMAPLine("t OK")))
        try ledger.note(
            .copy(Slot(mailbox: 0, uid: 1), to: 1), IMAPReply(tagged: IMAPLine("t OK [COPYUID 9 1 1] done")))
        let header = Array("Subject: token 4\r\n\r\n".utf8)
        try ledger.note([IMAPLine("* 3 FETCH (UID 4 BODY[] {20})", literals: [header])], seenIn: 0)
        return ledger
    }

    private static let pendingAppend = [PendingOperation.append(mailbox: 0, token: 4, flags: [])]

    private static func mailbox(
        _ messages: [(uid: UInt32, token: Int, flags: Set<String>)], next: UInt32, validity: UInt32 = 9
    ) -> FarMailbox {
        FarMailbox(
            uidValidity: validity, uidNext: next,
            messages: messages.map {
                .init(uid: $0.uid, flags: $0.flags, bytes: MailBytes(DurabilityMail.bytes($0.token)))
            })
    }

    private static let good = mailbox([(1, 1, []), (2, 2, ["\\Flagged"]), (4, 4, [])], next: 5)
    private static let copied = mailbox([(1, 1, [])], next: 2)

    @Test func acceptsWhatWasAcknowledged() throws {
        var ledger = try Self.ledger()
        try ledger.verify([Self.good, Self.copied], pending: Self.pendingAppend)
        // And again: what was found is the new state.
        try ledger.verify([Self.good, Self.copied], pending: [])
        #expect(ledger.live.count == 4)
    }

    @Test(arguments: [
        ("a lost message", mailbox([(2, 2, ["\\Flagged"]), (4, 4, [])], next: 5)),
        ("a lost flag", mailbox([(1, 1, []), (2, 2, []), (4, 4, [])], next: 5)),
        ("a lost message that was seen", mailbox([(1, 1, []), (2, 2, ["\\Flagged"])], next: 5)),
        ("another message at a UID", mailbox([(1, 2, []), (2, 1, ["\\Flagged"]), (4, 4, [])], next: 5)),
        ("an expunged message", mailbox([(1, 1, []), (2, 2, ["\\Flagged"]), (3, 3, []), (4, 4, [])], next: 5)),
        ("a message twice", mailbox([(1, 1, []), (2, 2, ["\\Flagged"]), (4, 4, []), (5, 4, [])], next: 6)),
        ("a message of nobody", mailbox([(1, 1, []), (2, 2, ["\\Flagged"]), (4, 4, []), (5, 7, [])], next: 6)),
        ("a UIDNEXT that fell", mailbox([(1, 1, []), (2, 2, ["\\Flagged"]), (4, 4, [])], next: 4)),
    ])
    func refuses(what: String, mailbox: FarMailbox) throws {
        var ledger = try Self.ledger()
        #expect(throws: DurabilityLedger.Broken.self, "\(what)") {
            try ledger.verify([mailbox, Self.copied], pending: Self.pendingAppend)
        }
    }

    @Test func refusesAnotherUIDValidity() throws {
        var ledger = try Self.ledger()
        try ledger.verify([Self.good, Self.copied], pending: Self.pendingAppend)
        let other = Self.mailbox([(1, 1, [])], next: 2, validity: 10)
        #expect(throws: DurabilityLedger.Broken.self) { try ledger.verify([Self.good, other], pending: []) }
    }

    @Test func acceptsAMoveThatHappenedOrNotButNotHalf() throws {
        let pending = Self.pendingAppend + [.move(Slot(mailbox: 0, uid: 2), to: 1)]
        let without = Self.mailbox([(1, 1, []), (4, 4, [])], next: 5)
        let arrived = Self.mailbox([(1, 1, []), (2, 2, ["\\Flagged"])], next: 3)
        for (first, second, isWhole) in [
            (Self.good, Self.copied, true), (without, arrived, true), (Self.good, arrived, false),
            (without, Self.copied, false),
        ] {
            var ledger = try Self.ledger()
            if isWhole {
                try ledger.verify([first, second], pending: pending)
            } else {
                #expect(throws: DurabilityLedger.Broken.self) { try ledger.verify([first, second], pending: pending) }
            }
        }
    }

    @Test func refusesAUIDThatIsGivenTwice() throws {
        var ledger = try Self.ledger()
        for uid in [2, 3, 4] {
            #expect(throws: DurabilityLedger.Broken.self) {
                try ledger.note(
                    .append(mailbox: 0, token: 8, flags: []),
                    IMAPReply(tagged: IMAPLine("t OK [APPENDUID 9 \(uid)] done")))
            }
        }
    }
}
