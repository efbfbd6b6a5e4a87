// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Testing

@testable import IMAPCore

/// RFC 7162 section 3.1. The model's modification sequences: 10 for an empty mailbox, 10 more with each change.
@Suite("Sessions with CONDSTORE")
struct CondstoreSessionTests {
    private func selected(
        _ count: Int = 3, _ command: String? = "SELECT INBOX (CONDSTORE)"
    ) -> (ModelStore, ModelShell) {
        let store = ModelStore(["INBOX", "Work"])
        for _ in 0..<count { store.append(.inbox) }
        let shell = ModelShell(store)
        shell.start(selecting: nil)
        if let command { shell.line("s \(command)") }
        shell.output = []
        return (store, shell)
    }

    private func uid(_ number: UInt32) -> UID { UID(number)! }

    // MARK: Switching on

    @Test(arguments: [
        "FETCH 1 MODSEQ", "FETCH 1 FLAGS (CHANGEDSINCE 1)", "UID FETCH 9 (UID MODSEQ)", "SEARCH MODSEQ 0",
        "SEARCH NOT MODSEQ 5", "STORE 1 (UNCHANGEDSINCE 1) FLAGS ()", "STATUS Work (HIGHESTMODSEQ)",
        "LIST \"\" % RETURN (STATUS (HIGHESTMODSEQ))", "ENABLE X-OTHER CONDSTORE", "STATUS Nowhere (HIGHESTMODSEQ)",
    ])
    func everyEnablingCommandTellsHowFarTheClientWasToldAndSwitchesOn(command: String) {
        let (store, shell) = selected(3, "SELECT INBOX")
        let first = shell.line("a \(command)")
        #expect(first.filter { $0 == "* OK [HIGHESTMODSEQ 40] Highest modification" }.count == 1, "\(first)")
        #expect(!shell.line("b \(command)").contains { $0.contains("[HIGHESTMODSEQ") })
        store.setFlags([.flagged], of: uid(2), in: .inbox)
        shell.deliver()
        #expect(shell.line("c NOOP").first == "* 2 FETCH (UID 2 FLAGS (\\Flagged) MODSEQ (50))")
    }

    @Test(arguments: [
        "FETCH 1 FLAGS", "FETCH 9 MODSEQ", "SEARCH 9 MODSEQ 0", "STORE 9 (UNCHANGEDSINCE 1) FLAGS ()", "ENABLE X-OTHER",
        "FETCH 1 FLAGS (CHANGEDSINCE 0)", "FETCH 1 FLAGS (CHANGEDSINCE 1 X)", "STORE 1 (UNCHANGEDSINCE x) FLAGS ()",
        "STATUS Work (MESSAGES)", "SELECT INBOX", "EXAMINE INBOX",
    ])
    func othersAndThoseThatAreBadDoNotSwitchOn(command: String) {
        let (store, shell) = selected(3, "SELECT INBOX")
        shell.line("a \(command)")
        store.setFlags([.flagged], of: uid(2), in: .inbox)
        shell.deliver()
        #expect(shell.line("c NOOP").first == "* 2 FETCH (FLAGS (\\Flagged))")
    }

    /// The number that is told when CONDSTORE is switched on does not cover what the client has not been told.
    @Test func whatIsPendingIsNotCoveredByTheNumberThatIsTold() {
        let (store, shell) = selected(3, "SELECT INBOX")
        store.setFlags([.seen], of: uid(3), in: .inbox)
        shell.deliver()
        #expect(
            shell.line("a ENABLE CONDSTORE") == [
                "* ENABLED CONDSTORE", "* OK [HIGHESTMODSEQ 40] Highest modification",
                "* 3 FETCH (UID 3 FLAGS (\\Seen) MODSEQ (50))", "a OK ENABLE completed",
            ])
        shell.line("b SELECT INBOX")
        let (second, other) = selected(3, "SELECT INBOX")
        second.setFlags([.seen], of: uid(3), in: .inbox)
        second.append(.inbox)
        other.deliver()
        other.line("a NOOP")
        #expect(other.line("b ENABLE CONDSTORE")[1] == "* OK [HIGHESTMODSEQ 60] Highest modification")
    }

    @Test func selectAlwaysTellsTheHighest() {
        let (_, shell) = selected(2, nil)
        #expect(shell.line("a SELECT INBOX").contains("* OK [HIGHESTMODSEQ 30] Highest modification"))
        #expect(shell.line("b EXAMINE Work").contains("* OK [HIGHESTMODSEQ 10] Highest modification"))
        #expect(
            shell.line("c STATUS INBOX (HIGHESTMODSEQ MESSAGES)")[1] == "* STATUS INBOX (HIGHESTMODSEQ 30 MESSAGES 2)")
    }

    @Test func enableNamesWhatItSwitchesOnAgainAndAgain() {
        let (_, shell) = selected(0, nil)
        #expect(shell.line("a ENABLE QRESYNC condstore") == ["* ENABLED CONDSTORE", "a OK ENABLE completed"])
        #expect(shell.line("b ENABLE CONDSTORE") == ["* ENABLED CONDSTORE", "b OK ENABLE completed"])
        #expect(shell.line("c ENABLE QRESYNC") == ["* ENABLED", "c OK ENABLE completed"])
    }

    // MARK: FETCH

    @Test func changedSinceLeavesOutWhatHasNotChangedAndWhatIsGone() {
        let (store, shell) = selected()
        #expect(
            shell.line("a FETCH 1:* (FLAGS) (CHANGEDSINCE 30)") == [
                "* 3 FETCH (FLAGS () MODSEQ (40))", "a OK FETCH completed",
            ])
        #expect(
            shell.line("b UID FETCH 1:* (MODSEQ) (CHANGEDSINCE 20)") == [
                "* 2 FETCH (UID 2 MODSEQ (30))", "* 3 FETCH (UID 3 MODSEQ (40))", "b OK UID FETCH completed",
            ])
        store.remove([uid(2)], from: .inbox)
        #expect(
            shell.line("c FETCH 1:* FLAGS (CHANGEDSINCE 1)") == [
                "* 1 FETCH (FLAGS () MODSEQ (20))", "* 3 FETCH (FLAGS () MODSEQ (40))", "c OK FETCH completed",
            ])
        #expect(shell.line("d FETCH 1 FLAGS (CHANGEDSINCE 9223372036854775807)") == ["d OK FETCH completed"])
    }

    @Test func aFetchThatSetsSeenTellsTheModSequence() {
        let (_, shell) = selected()
        #expect(shell.line("a FETCH 1 BODY[]<0.1>")[1] == "S FLAGS (\\Seen) UID 1 MODSEQ (50))")
        #expect(shell.line("b FETCH 1 BODY[]<0.1>")[1] == "S)")
        #expect(shell.line("c UID FETCH 2 (FLAGS BODY[]<0.1>)")[0].hasPrefix("* 2 FETCH (UID 2 FLAGS (\\Seen) BODY"))
        #expect(shell.lines().contains("S MODSEQ (60))"))
        // Only what passes CHANGEDSINCE is read and seen.
        #expect(shell.line("d FETCH 3 BODY[]<0.1> (CHANGEDSINCE 40)") == ["d OK FETCH completed"])
        #expect(shell.line("e FETCH 3 FLAGS")[0] == "* 3 FETCH (FLAGS ())")
    }

    // MARK: STORE

    @Test func aConditionalStoreChangesWhatHasNotChangedAndNamesTheRest() {
        let (store, shell) = selected(5)
        store.setFlags([.answered], of: uid(2), in: .inbox)
        #expect(
            shell.line("a STORE 1:3 (UNCHANGEDSINCE 60) +FLAGS (\\Deleted)") == [
                "* 1 FETCH (UID 1 FLAGS (\\Deleted) MODSEQ (80))", "* 3 FETCH (UID 3 FLAGS (\\Deleted) MODSEQ (90))",
                "* 2 FETCH (UID 2 FLAGS (\\Answered) MODSEQ (70))", "a OK [MODIFIED 2] STORE completed",
            ])
        store.remove([uid(1)], from: .inbox)
        shell.line("b NOOP")
        #expect(
            shell.line("c UID STORE 2:4 (UNCHANGEDSINCE 70) FLAGS.SILENT (\\Seen)") == [
                "* 1 FETCH (UID 2 MODSEQ (110))", "* 3 FETCH (UID 4 MODSEQ (120))",
                "* 2 FETCH (UID 3 FLAGS (\\Deleted) MODSEQ (90))", "c OK [MODIFIED 3] UID STORE completed",
            ])
        #expect(
            shell.line("d STORE 1 (UNCHANGEDSINCE 110) -FLAGS.SILENT (\\Answered)") == [
                "* 1 FETCH (UID 2 MODSEQ (110))", "d OK STORE completed",
            ])
    }

    /// Section 3.1.3, example 11.
    @Test func expungedAndModifiedMessagesGiveNoWithModified() {
        let (store, shell) = selected(4)
        store.setFlags([.answered], of: uid(2), in: .inbox)
        store.remove([uid(4)], from: .inbox)
        shell.deliver()
        let lines = shell.line("a STORE 1:4 (UNCHANGEDSINCE 50) +FLAGS.SILENT (\\Seen)")
        #expect(
            lines == [
                "* 1 FETCH (UID 1 MODSEQ (80))", "* 3 FETCH (UID 3 MODSEQ (90))",
                "* 2 FETCH (UID 2 FLAGS (\\Answered) MODSEQ (60))",
                "a NO [MODIFIED 2] Some of the messages no longer exist",
            ])
        #expect(shell.line("b STORE 4 (UNCHANGEDSINCE 500) +FLAGS (\\Seen)")[0].hasPrefix("b NO [EXPUNGEISSUED]"))
        #expect(
            shell.line("c UID STORE 4 (UNCHANGEDSINCE 500) +FLAGS (\\Seen)") == [
                "* 4 EXPUNGE", "c OK UID STORE completed",
            ])
    }

    /// Section 3.1.3, examples 7 and 8.
    @Test func zeroAsksWhetherTheFlagsExist() {
        let (_, shell) = selected()
        #expect(
            shell.line("a STORE 1 (UNCHANGEDSINCE 0) +FLAGS.SILENT (\\Seen)").last
                == "a OK [MODIFIED 1] STORE completed")
        #expect(
            shell.line("b STORE 1 (UNCHANGEDSINCE 0) FLAGS.SILENT ($A)").last == "b OK [MODIFIED 1] STORE completed")
        #expect(
            shell.line("c STORE 1 (UNCHANGEDSINCE 0) +FLAGS.SILENT ($A)").suffix(2) == [
                "* 1 FETCH (UID 1 MODSEQ (50))", "c OK STORE completed",
            ])
        #expect(
            shell.line("d STORE 1 (UNCHANGEDSINCE 0) +FLAGS.SILENT ($A)") == [
                "* 1 FETCH (UID 1 FLAGS ($A) MODSEQ (50))", "d OK [MODIFIED 1] STORE completed",
            ])
    }

    @Test func aReadOnlyMailboxIsNotChanged() {
        let (_, shell) = selected(1, "EXAMINE INBOX (CONDSTORE)")
        #expect(shell.line("a STORE 1 (UNCHANGEDSINCE 99) FLAGS ()")[0].hasPrefix("a NO [READ-ONLY]"))
    }

    @Test func everyStoreTellsTheModSequenceOnceThatWasAskedFor() {
        let (store, shell) = selected()
        #expect(
            shell.line("a STORE 1 +FLAGS.SILENT (\\Seen)") == [
                "* 1 FETCH (UID 1 MODSEQ (50))", "a OK STORE completed",
            ])
        #expect(
            shell.line("b STORE 1 -FLAGS (\\Seen)") == [
                "* 1 FETCH (UID 1 FLAGS () MODSEQ (60))", "b OK STORE completed",
            ])
        // What somebody else did before is told with it.
        store.setFlags([.flagged], of: uid(2), in: .inbox)
        shell.deliver()
        #expect(
            shell.line("c STORE 2 +FLAGS.SILENT (\\Seen)") == [
                "* 2 FETCH (UID 2 FLAGS (\\Flagged \\Seen) MODSEQ (80))", "c OK STORE completed",
            ])
    }

    /// The reply to STORE can come after somebody else's later change was delivered.
    @Test(arguments: [false, true])
    func aLaterChangeBySomebodyElseIsNotForgotten(isEnabled: Bool) {
        let (_, shell) = selected(3, isEnabled ? "SELECT INBOX (CONDSTORE)" : "SELECT INBOX")
        shell.answersAtOnce = false
        shell.feed("a STORE 1 +FLAGS (\\Seen)\r\n")
        guard let handle = shell.opening?.handle else { return }
        let own = ModSequence(clamping: 50)
        let later = ModSequence(clamping: 60)
        shell.outstanding = nil
        shell.machine.notify(
            [
                .flagsChanged(uid(1), [.seen], own, isOwn: true),
                .flagsChanged(uid(1), [.flagged], later, isOwn: false),
                .modSequenceRaised(later),
            ], of: handle)
        shell.machine.complete(
            .stored(StoreOutcome(flags: [MessageFlags(uid: uid(1), flags: [.seen], modSequence: own)])))
        shell.drain()
        #expect(
            shell.lines()
                == (isEnabled
                    ? [
                        "* 1 FETCH (UID 1 FLAGS (\\Seen) MODSEQ (50))",
                        "* 1 FETCH (UID 1 FLAGS (\\Flagged) MODSEQ (60))",
                    ]
                    : ["* 1 FETCH (FLAGS (\\Seen))", "* 1 FETCH (FLAGS (\\Flagged))"]) + ["a OK STORE completed"])
    }

    @Test func idleTellsModSequences() {
        let (store, shell) = selected()
        shell.line("a IDLE")
        shell.output = []
        store.setFlags([.seen], of: uid(2), in: .inbox)
        store.append(.inbox)
        shell.deliver()
        #expect(shell.lines() == ["* 4 EXISTS", "* 2 FETCH (UID 2 FLAGS (\\Seen) MODSEQ (50))"])
    }

    // MARK: SEARCH

    @Test func searchTellsTheHighestOfWhatItReturns() {
        let (store, shell) = selected(4)
        store.setFlags([.seen], of: uid(1), in: .inbox)
        shell.line("n NOOP")
        #expect(shell.line("a SEARCH MODSEQ 40")[0] == "* SEARCH 1 3 4 (MODSEQ 60)")
        #expect(shell.line("b UID SEARCH MODSEQ 50 UNSEEN")[0] == "* SEARCH 4 (MODSEQ 50)")
        #expect(shell.line("c SEARCH MODSEQ 61")[0] == "* SEARCH")
        #expect(shell.line("d SEARCH ALL")[0] == "* SEARCH 1 2 3 4")
        #expect(shell.line("e SEARCH NOT MODSEQ 40")[0] == "* SEARCH 2 (MODSEQ 30)")
        #expect(shell.line("f SEARCH MODSEQ \"/flags/\\\\Seen\" all 60")[0] == "* SEARCH 1 (MODSEQ 60)")
    }

    /// RFC 4731 section 3.2.
    @Test func extendedSearchTellsTheHighestOfWhatItReturns() {
        let (store, shell) = selected(4)
        store.setFlags([.seen], of: uid(2), in: .inbox)
        shell.line("n NOOP")
        for (options, result) in [
            ("ALL", "ALL 1:4 MODSEQ 60"), ("MIN", "MIN 1 MODSEQ 20"), ("MAX", "MAX 4 MODSEQ 50"),
            ("MIN MAX", "MIN 1 MAX 4 MODSEQ 50"), ("MIN COUNT", "MIN 1 COUNT 4 MODSEQ 60"), ("", "ALL 1:4 MODSEQ 60"),
        ] {
            #expect(shell.line("a SEARCH RETURN (\(options)) MODSEQ 1")[0] == "* ESEARCH (TAG \"a\") \(result)")
        }
        #expect(shell.line("b SEARCH RETURN (COUNT) MODSEQ 99")[0] == "* ESEARCH (TAG \"b\") COUNT 0")
        #expect(shell.line("c SEARCH RETURN (MAX) ALL")[0] == "* ESEARCH (TAG \"c\") MAX 4")
    }

    // MARK: Carrying over

    @Test(arguments: [
        "ENABLE CONDSTORE", "SELECT INBOX (CONDSTORE)", "FETCH 1 MODSEQ", "STATUS Work (HIGHESTMODSEQ)",
        "STORE 1 (UNCHANGEDSINCE 1) FLAGS ()", "SEARCH MODSEQ 5",
    ])
    func aSessionThatWasCarriedOverKeepsIt(command: String) throws {
        let store = ModelStore(["INBOX", "Work"])
        for _ in 0..<3 { store.append(.inbox) }
        let first = try ModelShell(store, resuming: nil)
        first.open()
        first.line("s SELECT INBOX")
        first.line("a \(command)")
        #expect(try SessionTicketTests.decode(first.ticket).enabled == ["CONDSTORE"])
        let second = try ModelShell(store, resuming: first.ticket)
        second.open()
        store.setFlags([.flagged], of: uid(2), in: .inbox)
        second.deliver()
        #expect(second.line("b NOOP").first == "* 2 FETCH (UID 2 FLAGS (\\Flagged) MODSEQ (50))")
        // It stays in every later ticket, and is not news again.
        second.line("c UNSELECT")
        #expect(try SessionTicketTests.decode(second.ticket) == SessionTicket(enabled: ["CONDSTORE"]))
        let third = try ModelShell(store, resuming: second.ticket)
        third.open()
        let changes = third.changes.count
        #expect(third.line("d ENABLE CONDSTORE") == ["* ENABLED CONDSTORE", "d OK ENABLE completed"])
        #expect(third.changes.count == changes)
    }

    /// A client that saw a later modification sequence would never ask for what was changed in between.
    @Test func whatChangedWhileTheSessionWasCarriedOverIsTold() throws {
        let store = ModelStore()
        for _ in 0..<4 { store.append(.inbox) }
        let first = try ModelShell(store, resuming: nil)
        first.open()
        first.line("s SELECT INBOX (CONDSTORE)")
        store.setFlags([.seen], of: uid(1), in: .inbox)
        store.append(.inbox)
        first.deliver()
        first.line("a NOOP")
        #expect(try SessionTicketTests.decode(first.ticket).mailbox?.modSequence == ModSequence(clamping: 50))
        store.setFlags([.flagged], of: uid(3), in: .inbox)
        store.setFlags([.flagged], of: uid(5), in: .inbox)
        store.append(.inbox, flags: [.draft])
        let second = try ModelShell(store, resuming: first.ticket)
        second.open()
        #expect(
            second.line("b NOOP") == [
                "* 6 EXISTS", "* 1 FETCH (UID 1 FLAGS (\\Seen) MODSEQ (60))",
                "* 3 FETCH (UID 3 FLAGS (\\Flagged) MODSEQ (80))", "* 5 FETCH (UID 5 FLAGS (\\Flagged) MODSEQ (90))",
                "b OK NOOP completed",
            ])
        #expect(second.line("c NOOP") == ["c OK NOOP completed"])
        // Without CONDSTORE nobody relies on it.
        #expect(try SessionTicketTests.decode(selectedTicket(store)).mailbox?.modSequence == nil)
    }

    /// Until the difference was told, a ticket must not say that it was.
    @Test func aTicketDoesNotRunAheadOfWhatWasTold() throws {
        let store = ModelStore()
        for _ in 0..<3 { store.append(.inbox) }
        let mailbox = try #require(ModelShell(store).openMailbox(.inbox, readOnly: false))
        let known = SessionTicket.Mailbox(
            name: .inbox, identity: [], uidValidity: mailbox.uidValidity, isReadOnly: false, nextUID: 4,
            uids: Array(mailbox.uids), modSequence: ModSequence(clamping: 20))
        var resumed = SessionMailbox(mailbox, resuming: known)
        #expect(resumed.ticket(withModSequence: true).modSequence == ModSequence(clamping: 20))
        resumed.noteTold()
        #expect(resumed.ticket(withModSequence: true).modSequence == ModSequence(clamping: 40))
        #expect(resumed.ticket(withModSequence: false).modSequence == nil)
    }

    private func selectedTicket(_ store: ModelStore) throws -> [UInt8] {
        let shell = try ModelShell(store, resuming: nil)
        shell.open()
        shell.line("s SELECT INBOX")
        return shell.ticket
    }

    /// Whoever keeps the ticket knows before the store has answered: a server that is lost then is replaced by one that knows.
    @Test func theTicketSaysSoBeforeTheCommandIsAnswered() throws {
        let store = ModelStore()
        store.append(.inbox)
        let shell = try ModelShell(store, resuming: nil)
        shell.open()
        shell.line("s SELECT INBOX")
        shell.answersAtOnce = false
        shell.feed("a FETCH 1 MODSEQ\r\n")
        #expect(try SessionTicketTests.decode(shell.ticket).enabled == ["CONDSTORE"])
        #expect(try SessionTicketTests.decode(shell.ticket).mailbox?.uids.count == 1)
        #expect(shell.outstanding != nil)
    }
}
