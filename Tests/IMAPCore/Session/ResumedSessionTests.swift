// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Testing

@testable import IMAPCore

@Suite("Sessions that were carried over")
struct ResumedSessionTests {
    /// A client that has selected INBOX with the given number of messages, and its server's ticket.
    private func selected(_ count: Int, _ command: String = "SELECT INBOX") throws -> (ModelStore, [UInt8]) {
        let store = ModelStore()
        for _ in 0..<count { store.append(.inbox) }
        let shell = try ModelShell(store, resuming: nil)
        shell.open()
        shell.line("s \(command)")
        return (store, shell.ticket)
    }

    private func resume(_ store: ModelStore, _ ticket: [UInt8]) throws -> ModelShell {
        let shell = try ModelShell(store, resuming: ticket)
        shell.open()
        return shell
    }

    @Test func aResumedSessionSaysNothingWhenNothingHasChanged() throws {
        let (store, ticket) = try selected(3)
        let shell = try resume(store, ticket)
        #expect(shell.output.isEmpty)
        #expect(shell.state == .selected)
        #expect(shell.line("a NOOP") == ["a OK NOOP completed"])
        #expect(shell.changes.isEmpty)
    }

    @Test func whatIsGoneIsExpungedHighestFirstAndWhatIsNewExists() throws {
        let (store, ticket) = try selected(5)
        store.remove(Set(SessionTicketTests.uids([2, 4])), from: .inbox)
        store.append(.inbox)
        store.append(.inbox)
        let shell = try resume(store, ticket)
        #expect(shell.output.isEmpty)
        #expect(
            shell.line("a NOOP") == ["* 4 EXPUNGE", "* 2 EXPUNGE", "* 5 EXISTS", "a OK NOOP completed"])
        #expect(try SessionTicketTests.decode(shell.ticket).mailbox?.uids == store.uids("INBOX"))
    }

    @Test func aFetchIsAnsweredWithTheNumbersThatTheClientKnows() throws {
        let (store, ticket) = try selected(4)
        store.remove(Set(SessionTicketTests.uids([1])), from: .inbox)
        let shell = try resume(store, ticket)
        #expect(shell.line("a FETCH 3 UID") == ["* 3 FETCH (UID 3)", "a OK FETCH completed"])
        #expect(shell.line("b FETCH 1 UID").last?.hasPrefix("b NO [EXPUNGEISSUED]") == true)
        #expect(shell.line("c NOOP").first == "* 1 EXPUNGE")
        #expect(shell.line("d FETCH 3 UID").first == "* 3 FETCH (UID 4)")
    }

    @Test func anIdleThatIsEnteredAgainTellsTheDifferenceAtOnce() throws {
        let (store, ticket) = try selected(2)
        store.append(.inbox)
        let shell = try resume(store, ticket)
        #expect(shell.line("a IDLE") == ["+ idling", "* 3 EXISTS"])
    }

    /// A replica that lags has not heard of the newest messages: nobody has removed them.
    @Test func messagesThatTheReplicaHasNotHeardOfAreNotExpunged() throws {
        let (ahead, ticket) = try selected(5)
        let behind = ModelStore()
        for _ in 0..<3 { behind.append(.inbox) }
        behind.mailboxes[.inbox]!.uidValidity = ahead.mailboxes[.inbox]!.uidValidity
        let shell = try resume(behind, ticket)
        #expect(shell.line("a NOOP") == ["a OK NOOP completed"])
        // They arrive one after the other: the client knows them already.
        behind.append(.inbox)
        shell.deliver()
        #expect(shell.line("b NOOP") == ["b OK NOOP completed"])
        behind.append(.inbox)
        behind.append(.inbox)
        shell.deliver()
        #expect(shell.line("c NOOP") == ["* 6 EXISTS", "c OK NOOP completed"])
        #expect(shell.line("d FETCH 1:* UID").count == 7)
    }

    /// Messages of a mailbox become visible in the order of their identifiers: what has been passed over never comes.
    @Test func messagesThatNeverCameAreExpungedWhenLaterOnesCome() throws {
        let (ahead, ticket) = try selected(5)
        let behind = ModelStore()
        for _ in 0..<3 { behind.append(.inbox) }
        behind.mailboxes[.inbox]!.uidValidity = ahead.mailboxes[.inbox]!.uidValidity
        let shell = try resume(behind, ticket)
        behind.mailboxes[.inbox]!.nextUID = 1_025
        behind.append(.inbox)
        shell.deliver()
        #expect(
            shell.line("a NOOP") == ["* 5 EXPUNGE", "* 4 EXPUNGE", "* 4 EXISTS", "a OK NOOP completed"])
        #expect(shell.line("b FETCH 4 UID").first == "* 4 FETCH (UID 1025)")
    }

    /// A number in the middle of the client's view cannot be given to anything.
    @Test func aMessageBelowWhatTheClientKnowsWaitsForTheNextSelect() throws {
        let (store, ticket) = try selected(5)
        store.remove(Set(SessionTicketTests.uids([3])), from: .inbox)
        let missing = try resume(store, ticket)
        _ = missing.line("a NOOP")
        let other = ModelStore()
        for _ in 0..<5 { other.append(.inbox) }
        other.mailboxes[.inbox]!.uidValidity = store.mailboxes[.inbox]!.uidValidity
        let shell = try resume(other, missing.ticket)
        #expect(shell.line("a NOOP") == ["a OK NOOP completed"])
        #expect(shell.line("b FETCH 1:* UID").count == 5)
        #expect(shell.line("c SELECT INBOX").contains("* 5 EXISTS"))
    }

    @Test func aMailboxThatIsGoneEndsTheSessionWithABye() throws {
        let (store, ticket) = try selected(2)
        store.delete(.inbox)
        let shell = try resume(store, ticket)
        #expect(shell.lines() == ["* BYE The selected mailbox was deleted"])
        #expect(shell.isClosed)
    }

    @Test func anotherUIDValidityEndsTheSessionWithABye() throws {
        let (store, ticket) = try selected(2)
        store.mailboxes[.inbox]!.uidValidity = UIDValidity(9_999)!
        let shell = try resume(store, ticket)
        #expect(shell.lines().first?.hasPrefix("* BYE") == true)
    }

    @Test func anExaminedMailboxStaysReadOnly() throws {
        let (store, ticket) = try selected(2, "EXAMINE INBOX")
        let shell = try resume(store, ticket)
        #expect(shell.line("a STORE 1 FLAGS ()").last?.hasPrefix("a NO [READ-ONLY]") == true)
    }

    @Test func aSessionWithoutAMailboxHasNone() throws {
        let (store, _) = try selected(2)
        let shell = try resume(store, SessionTicket().encoded())
        #expect(shell.state == .authenticated)
        #expect(shell.line("a NOOP") == ["a OK NOOP completed"])
        shell.line("b SELECT INBOX")
        shell.line("c UNSELECT")
        #expect(try SessionTicketTests.decode(shell.ticket) == SessionTicket())
    }

    @Test func anExtensionThatIsNotOfferedIsAnError() {
        #expect(throws: IMAPError.self) {
            try ModelShell(ModelStore(), resuming: SessionTicket(enabled: ["QRESYNC"]).encoded())
        }
    }

    @Test func aFailedSelectLeavesNothingSelectedInTheTicket() throws {
        let (store, ticket) = try selected(2)
        let shell = try resume(store, ticket)
        shell.line("a SELECT Nowhere")
        #expect(try SessionTicketTests.decode(shell.ticket).mailbox == nil)
        let (again, second) = try selected(2)
        let other = try resume(again, second)
        other.line("a SELECT \"\\\"")
        other.line("a SELECT &&&")
        #expect(try SessionTicketTests.decode(other.ticket).mailbox?.name == other.selectedMailbox)
    }

    // MARK: Giving up and handing over

    @Test func aReleaseBetweenCommandsSaysNothing() throws {
        let (store, ticket) = try selected(2)
        let shell = try resume(store, ticket)
        shell.machine.release()
        shell.drain()
        #expect(shell.isReleased)
        #expect(shell.output.isEmpty)
    }

    @Test func aReleaseWaitsForTheCommandInProgressAndBeginsNoOther() throws {
        let (store, ticket) = try selected(2)
        let shell = try resume(store, ticket)
        shell.answersAtOnce = false
        shell.feed("a STORE 1 FLAGS (\\Seen)\r\nb STORE 2 FLAGS (\\Seen)\r\n")
        shell.machine.release()
        shell.drain()
        #expect(!shell.isReleased)
        shell.answer()
        #expect(shell.isReleased)
        #expect(shell.lines().last == "a OK STORE completed")
        #expect(store.mailboxes[.inbox]!.messages[1].flags.isEmpty)
    }

    @Test func aReleaseEndsAnUploadAndAnIdle() throws {
        let (store, ticket) = try selected(0)
        let uploading = try resume(store, ticket)
        uploading.feed("a APPEND INBOX {5+}\r\nab")
        uploading.machine.release()
        uploading.drain()
        #expect(uploading.isReleased)
        #expect(uploading.upload == nil)
        let idling = try resume(store, ticket)
        idling.feed("a IDLE\r\n")
        idling.machine.release()
        idling.drain()
        #expect(idling.isReleased)
        #expect(idling.lines() == ["+ idling"])
    }

    @Test func aLoginHandsOverWhatCameBehindIt() {
        var configuration = SessionConfiguration()
        configuration.handsOverAfterLogin = true
        let shell = ModelShell(ModelStore(), configuration: configuration)
        shell.open()
        shell.feed("a LOGIN user wrong\r\n")
        #expect(shell.handedOver == nil)
        shell.feed("b LOGIN user secret\r\nc SELECT INBOX\r\nd FET")
        #expect(shell.handedOver == Array("c SELECT INBOX\r\nd FET".utf8))
        #expect(shell.lines().last?.hasSuffix("Logged in") == true)
        #expect(shell.finished == ["LOGIN NO", "LOGIN OK"])
    }
}
