// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import IMAPCore
import Testing

@Suite("News of the selected mailbox")
struct SelectedMailboxTests {
    private func selected(_ count: Int = 3, mailbox: String = "INBOX") -> (ModelStore, ModelShell) {
        let store = ModelStore(["INBOX", "Work"])
        for _ in 0..<count { store.append(.inbox) }
        let shell = ModelShell(store)
        shell.start(selecting: mailbox)
        return (store, shell)
    }

    private func uid(_ number: UInt32) -> UID { UID(number)! }

    @Test func expungesWaitForACommandThatAllowsThem() {
        let (store, shell) = selected()
        store.remove([uid(2)], from: .inbox)
        shell.deliver()
        #expect(shell.output.isEmpty)
        #expect(shell.line("a FETCH 2 FLAGS") == ["a NO [EXPUNGEISSUED] Some of the messages no longer exist"])
        #expect(shell.line("b STORE 2 +FLAGS (\\Seen)")[0].hasPrefix("b NO [EXPUNGEISSUED]"))
        #expect(shell.line("c SEARCH ALL") == ["* SEARCH 1 3", "c OK SEARCH completed"])
        #expect(shell.line("d FETCH 3 UID") == ["* 3 FETCH (UID 3)", "d OK FETCH completed"])
        #expect(shell.line("e COPY 2 Work")[0].hasPrefix("* 2 EXPUNGE"))
        #expect(shell.line("f FETCH 2 UID") == ["* 2 FETCH (UID 3)", "f OK FETCH completed"])
    }

    @Test func uidCommandsIgnoreWhatIsGoneAndAnnounceIt() {
        let (store, shell) = selected()
        store.remove([uid(2)], from: .inbox)
        #expect(
            shell.line("a UID FETCH 1:2 UID") == [
                "* 1 FETCH (UID 1)", "* 2 EXPUNGE", "a OK UID FETCH completed",
            ])
    }

    @Test func idleTellsEverythingAtOnce() {
        let (store, shell) = selected()
        shell.line("a IDLE")
        shell.output = []
        store.remove([uid(1), uid(3)], from: .inbox)
        store.append(.inbox)
        store.setFlags([.seen], of: uid(2), in: .inbox)
        shell.deliver()
        #expect(shell.lines() == ["* 3 EXPUNGE", "* 1 EXPUNGE", "* 2 EXISTS", "* 1 FETCH (FLAGS (\\Seen))"])
        #expect(shell.isIdle)
        #expect(shell.line("DONE") == ["a OK IDLE completed"])
    }

    @Test func whatHappenedBeforeIDLEIsToldWhenItBegins() {
        let (store, shell) = selected()
        store.append(.inbox)
        shell.deliver()
        #expect(shell.line("a IDLE") == ["+ idling", "* 4 EXISTS"])
    }

    @Test func idleWithoutAMailboxIsQuiet() {
        let shell = ModelShell(ModelStore())
        shell.start(selecting: nil)
        #expect(shell.line("a IDLE") == ["+ idling"])
        #expect(shell.line("DONE") == ["a OK IDLE completed"])
    }

    @Test func pipelinedDONEEndsIDLE() {
        let (_, shell) = selected()
        shell.feed("a IDLE\r\nDONE\r\nb NOOP\r\n")
        #expect(shell.lines() == ["+ idling", "a OK IDLE completed", "b OK NOOP completed"])
    }

    @Test func ownChangesAreNotAnnouncedTwice() {
        let (_, shell) = selected()
        #expect(
            shell.line("a STORE 1 +FLAGS (\\Seen)") == ["* 1 FETCH (FLAGS (\\Seen))", "a OK STORE completed"])
        #expect(shell.line("b STORE 1 +FLAGS.SILENT (\\Flagged)") == ["b OK STORE completed"])
        #expect(shell.line("c NOOP") == ["c OK NOOP completed"])
        shell.line("d STORE 1 +FLAGS.SILENT (\\Deleted)")
        #expect(shell.line("e EXPUNGE") == ["* 1 EXPUNGE", "e OK EXPUNGE completed"])
        #expect(shell.line("f NOOP") == ["f OK NOOP completed"])
    }

    @Test func aChangeByOthersThatASilentStoreMeetsIsStillAnnounced() {
        let (store, shell) = selected()
        store.setFlags([.flagged], of: uid(1), in: .inbox)
        #expect(
            shell.line("a STORE 1 +FLAGS.SILENT (\\Seen)") == [
                "* 1 FETCH (FLAGS (\\Flagged \\Seen))", "a OK STORE completed",
            ])
    }

    @Test func aChangeByOthersThatAStoreMeetsIsToldOnce() {
        let (store, shell) = selected()
        store.setFlags([.flagged], of: uid(1), in: .inbox)
        #expect(
            shell.line("a STORE 1 +FLAGS (\\Seen)") == [
                "* 1 FETCH (FLAGS (\\Flagged \\Seen))", "a OK STORE completed",
            ])
        #expect(shell.line("b NOOP") == ["b OK NOOP completed"])
    }

    @Test func arrivalsThatAreGoneAgainAreNeverMentioned() {
        let (store, shell) = selected()
        store.append(.inbox)
        store.remove([uid(4)], from: .inbox)
        #expect(shell.line("a NOOP") == ["a OK NOOP completed"])
    }

    @Test func newKeywordsAreAnnouncedBeforeAFETCHShowsThem() {
        let (store, shell) = selected()
        store.setFlags([.keyword(Keyword("$New")!)], of: uid(1), in: .inbox)
        shell.deliver()
        let lines = shell.line("a FETCH 1 FLAGS")
        #expect(lines[0] == "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $New)")
        #expect(lines[1].hasPrefix("* OK [PERMANENTFLAGS "))
        #expect(lines[2] == "* 1 FETCH (FLAGS ($New))")
    }

    @Test func keywordsThatTheMailboxDoesNotTakeAreIgnored() {
        let store = ModelStore()
        store.append(.inbox)
        store.mailboxes[.inbox]!.canCreateKeywords = false
        let shell = ModelShell(store)
        shell.start()
        #expect(
            shell.line("a STORE 1 +FLAGS ($New \\Seen)") == ["* 1 FETCH (FLAGS (\\Seen))", "a OK STORE completed"])
    }

    @Test(arguments: ["SELECT", "EXAMINE"])
    func aMailboxDeletedBySomebodyElseEndsTheSession(command: String) {
        let (store, shell) = selected(1)
        shell.line("s \(command) Work")
        shell.output = []
        store.delete(ModelStore.name("Work"))
        shell.deliver()
        #expect(shell.lines() == ["* BYE The selected mailbox was deleted"])
        #expect(shell.isClosed)
        #expect(shell.opening == nil)
    }

    @Test func aMailboxDeletedDuringACommandEndsTheSessionAfterItsResponse() {
        let (store, shell) = selected(1)
        shell.line("s SELECT Work")
        shell.output = []
        shell.answersAtOnce = false
        shell.feed("a STATUS INBOX (MESSAGES)\r\nb NOOP\r\n")
        store.delete(ModelStore.name("Work"))
        shell.deliver()
        #expect(shell.output.isEmpty)
        shell.answer()
        #expect(
            shell.lines() == [
                "* STATUS INBOX (MESSAGES 1)", "a OK STATUS completed", "* BYE The selected mailbox was deleted",
            ])
        #expect(shell.isClosed)
    }

    @Test func aClientThatDeletesItsOwnMailboxStaysLoggedIn() {
        let (_, shell) = selected(1)
        shell.line("s SELECT Work")
        #expect(shell.line("a DELETE Work") == ["a OK DELETE completed"])
        #expect(shell.state == .authenticated)
        #expect(shell.opening == nil)
        #expect(shell.line("b CHECK")[0].hasPrefix("b BAD"))
    }

    @Test func aSelectThatFailsLeavesNoMailboxSelected() {
        let (_, shell) = selected()
        #expect(shell.line("a SELECT Nowhere")[0].hasPrefix("a NO"))
        #expect(shell.state == .authenticated)
        #expect(shell.selectedMailbox == nil)
        #expect(shell.opening == nil)
        #expect(shell.line("b FETCH 1 FLAGS")[0].hasPrefix("b BAD"))
    }

    @Test func eventsOfAnEarlierOpeningAreIgnored() {
        let (store, shell) = selected()
        let old = shell.opening!.handle
        shell.line("a SELECT Work")
        shell.output = []
        shell.machine.notify([.arrived(uid(1)), .vanished(uid(1)), .mailboxDeleted], of: old)
        shell.drain()
        #expect(shell.output.isEmpty)
        store.append(ModelStore.name("Work"))
        #expect(shell.line("b NOOP")[0] == "* 1 EXISTS")
    }

    @Test func repeatedAndOldArrivalsCountOnce() {
        let (_, shell) = selected()
        let handle = shell.opening!.handle
        shell.machine.notify([.arrived(uid(3)), .arrived(uid(4)), .arrived(uid(4)), .vanished(uid(99))], of: handle)
        #expect(shell.line("a NOOP") == ["* 4 EXISTS", "a OK NOOP completed"])
        let problem = shell.machine.checkInvariants()
        #expect(problem == nil)
    }

    @Test(arguments: [
        "STORE 1 FLAGS (\\Seen)", "UID STORE 1 FLAGS (\\Seen)", "EXPUNGE", "UID EXPUNGE 1", "MOVE 1 Work",
        "UID MOVE 1 Work",
    ])
    func aReadOnlyMailboxIsNotChanged(command: String) {
        let (store, shell) = selected()
        store.setFlags([.deleted], of: uid(1), in: .inbox)
        shell.line("s EXAMINE INBOX")
        let before = shell.requests.count
        #expect(shell.line("a \(command)")[0].hasPrefix("a NO [READ-ONLY]"))
        #expect(shell.requests.count == before)
        shell.line("b FETCH 1 BODY[]")
        #expect(store.message(uid(1), in: .inbox)?.flags == [.deleted])
        #expect(shell.line("c COPY 1 Work")[0].hasPrefix("c OK"))
        shell.line("d CLOSE")
        #expect(store.uids("INBOX").count == 3)
    }

    @Test func aMailboxThatIsReadOnlyByItselfSaysSo() {
        let store = ModelStore()
        store.mailboxes[.inbox]!.isReadOnly = true
        let shell = ModelShell(store)
        shell.start(selecting: nil)
        #expect(shell.line("a SELECT INBOX").last == "a OK [READ-ONLY] SELECT completed")
    }

    @Test func closeRemovesSilently() {
        let (store, shell) = selected()
        store.setFlags([.deleted], of: uid(2), in: .inbox)
        #expect(shell.line("a CLOSE") == ["a OK CLOSE completed"])
        #expect(store.uids("INBOX") == [uid(1), uid(3)])
        #expect(shell.state == .authenticated)
    }

    @Test func uidExpungeRemovesOnlyWhatIsNamed() {
        let (store, shell) = selected()
        for number in [UInt32(1), 2, 3] { store.setFlags([.deleted], of: uid(number), in: .inbox) }
        shell.line("a NOOP")
        #expect(shell.line("b UID EXPUNGE 2:9") == ["* 3 EXPUNGE", "* 2 EXPUNGE", "b OK UID EXPUNGE completed"])
        #expect(shell.line("c UID EXPUNGE 77") == ["c OK UID EXPUNGE completed"])
    }

    @Test func copyToNowhereAsksForCREATE() {
        let (_, shell) = selected()
        #expect(shell.line("a COPY 1 Nowhere")[0].hasPrefix("a NO [TRYCREATE]"))
        #expect(shell.line("b MOVE 1 Nowhere")[0].hasPrefix("b NO [TRYCREATE]"))
        #expect(shell.line("c UID COPY 99 Work") == ["c OK UID COPY completed"])
    }

    @Test func aMoveWithinTheSameMailboxAnnouncesBoth() {
        let (_, shell) = selected()
        #expect(
            shell.line("a MOVE 2 INBOX") == [
                "* OK [COPYUID 100 2 4] Moved", "* 2 EXPUNGE", "* 3 EXISTS", "a OK MOVE completed",
            ])
    }

    @Test(arguments: ["FETCH 0 FLAGS", "FETCH 4 FLAGS", "STORE 1,9 FLAGS ()", "COPY 4 Work", "MOVE 4 Work", "SEARCH 4"])
    func numbersBehindTheLastAreBAD(command: String) {
        let (_, shell) = selected()
        #expect(shell.line("a \(command)")[0].hasPrefix("a BAD"))
    }

    @Test(arguments: [
        ("FETCH * FLAGS", "a BAD"), ("UID FETCH * FLAGS", "a OK"), ("UID SEARCH UID *", "* SEARCH"),
        ("SEARCH 1", "a BAD"), ("SEARCH *", "a BAD"), ("UID STORE * FLAGS ()", "a OK"), ("UID EXPUNGE *", "a OK"),
        ("SEARCH RETURN (COUNT) ALL", "* ESEARCH (TAG \"a\") COUNT 0"),
    ])
    func anEmptyMailboxHasNoLastMessage(command: String, answer: String) {
        let (_, shell) = selected(0)
        #expect(shell.line("a \(command)")[0].hasPrefix(answer))
    }

    @Test func searchSpeaksOfWhatTheClientKnows() {
        let (store, shell) = selected()
        shell.answersAtOnce = false
        shell.feed("a UID SEARCH ALL\r\n")
        store.append(.inbox)
        shell.answer()
        #expect(shell.lines() == ["* SEARCH 1 2 3", "* 4 EXISTS", "a OK UID SEARCH completed"])
        shell.answersAtOnce = true
        #expect(shell.line("b SEARCH CHARSET KOI8-R ALL")[0].hasPrefix("b NO [BADCHARSET (US-ASCII UTF-8)]"))
        #expect(shell.line("c SEARCH NEW")[0] == "* SEARCH")
        #expect(shell.line("d SEARCH OLD 2:* NOT UID 3")[0] == "* SEARCH 2 4")
        #expect(shell.line("e SEARCH RETURN () ALL")[0] == "* ESEARCH (TAG \"e\") ALL 1:4")
    }

    @Test func tooMuchNewsEndsTheSession() {
        var configuration = SessionConfiguration()
        configuration.limits.pendingEvents = 10
        let store = ModelStore()
        let shell = ModelShell(store, configuration: configuration)
        shell.start()
        for _ in 0..<11 { store.append(.inbox) }
        shell.deliver()
        #expect(shell.lines() == ["* BYE Too many changes since the last command"])
    }
}
