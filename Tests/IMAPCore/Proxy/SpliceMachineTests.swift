// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Testing

@testable import IMAPCore

@Suite("A proxied session that outlives its server")
struct SpliceMachineTests {
    private static let lost =
        "NO [UNAVAILABLE] The server was lost; the command may or may not have been carried out"

    private func selected(_ count: Int = 3) throws -> SpliceHarness {
        let store = ModelStore(["INBOX", "Other"])
        for _ in 0..<count { store.append(.inbox) }
        let harness = try SpliceHarness(store)
        _ = harness.line("s SELECT INBOX")
        return harness
    }

    @Test func commandsAndAnswersPassUnchanged() throws {
        let harness = try selected()
        #expect(harness.line("a NOOP") == ["a OK NOOP completed"])
        #expect(harness.line("b FETCH 2 UID") == ["* 2 FETCH (UID 2)", "b OK FETCH completed"])
        #expect(harness.line("c APPEND INBOX {2+}\r\nhi").last?.hasPrefix("c OK [APPENDUID") == true)
        #expect(harness.line("d FROB").first?.hasPrefix("d BAD") == true)
        #expect(harness.line("").first?.hasPrefix("* BAD") == true)
        #expect(harness.finished == ["SELECT OK", "NOOP OK", "FETCH OK", "APPEND OK", "UNKNOWN BAD"])
    }

    @Test func aSelectedSessionGoesOnElsewhere() throws {
        let harness = try selected()
        try harness.failOver()
        #expect(harness.lines() == [])
        #expect(harness.line("a FETCH 3 UID") == ["* 3 FETCH (UID 3)", "a OK FETCH completed"])
    }

    @Test func whatHappenedMeanwhileIsToldWithTheNextCommand() throws {
        let harness = try selected()
        harness.kill()
        harness.store.remove([UID(2)!], from: .inbox)
        harness.store.append(.inbox)
        try harness.recover()
        #expect(harness.lines() == [])
        #expect(harness.line("a NOOP") == ["* 2 EXPUNGE", "* 3 EXISTS", "a OK NOOP completed"])
    }

    @Test(arguments: ["NOOP", "SELECT Other", "FETCH 1 UID", "SEARCH ALL", "STATUS Other (MESSAGES)", "LIST \"\" *"])
    func aCommandThatChangesNothingIsSentAgain(command: String) throws {
        let harness = try selected()
        harness.isFast = false
        #expect(harness.line("a \(command)") == [])
        harness.isFast = true
        try harness.failOver()
        #expect(harness.lines().last?.hasPrefix("a OK") == true)
        #expect(harness.toServer == Array("a \(command)\r\n".utf8))
    }

    /// The original repeated whatever it had sent, for ever: CREATE was done again, and storage fell over.
    @Test(
        "1.3: a command that changes something is never sent again",
        arguments: ["CREATE New", "STORE 1 FLAGS ()", "EXPUNGE", "COPY 1 Other", "DELETE Other", "CLOSE"])
    func aCommandThatChangesSomethingIsNotSentAgain(command: String) throws {
        let harness = try selected()
        harness.isFast = false
        _ = harness.line("a \(command)")
        harness.isFast = true
        try harness.failOver()
        #expect(harness.lines() == ["a \(Self.lost)"])
        #expect(harness.toServer == [])
        #expect(harness.line("b NOOP").last == "b OK NOOP completed")
    }

    @Test func answersKeepTheOrderOfTheCommands() throws {
        let harness = try selected()
        harness.isFast = false
        harness.send("a CREATE x\r\nb FETCH 1 UID\r\nc CREATE y\r\nd NOOP\r\n")
        harness.isFast = true
        try harness.failOver()
        #expect(
            harness.lines() == [
                "a \(Self.lost)", "* 1 FETCH (UID 1)", "b OK FETCH completed", "c \(Self.lost)", "d OK NOOP completed",
            ])
        #expect(harness.finished.suffix(4) == ["CREATE NO", "FETCH OK", "CREATE NO", "NOOP OK"])
    }

    @Test func aFetchThatWasAnsweredInPartIsRefused() throws {
        let harness = try selected()
        harness.isFast = false
        harness.send("a FETCH 1:3 UID\r\n")
        harness.receive(bytes: 30)
        harness.isFast = true
        try harness.failOver()
        #expect(harness.lines() == ["* 1 FETCH (UID 1)", "a \(Self.lost)"])
    }

    @Test func aResponseThatWasCutClosesTheConnection() throws {
        let harness = try selected()
        harness.store.append(.inbox, String(repeating: "line of mail\r\n", count: 20_000))
        harness.shell.deliver()
        #expect(harness.line("n NOOP").first == "* 4 EXISTS")
        harness.isFast = false
        harness.send("a FETCH 4 BODY.PEEK[]\r\n")
        harness.receive(bytes: 200_000)
        harness.kill()
        #expect(harness.closed == "a response was cut")
        #expect(!harness.lines().contains { $0.hasPrefix("*") && $0.contains("BYE") })
    }

    @Test func aSmallResponseIsNeverCut() throws {
        let harness = try selected()
        harness.isFast = false
        harness.send("a FETCH 1 BODY.PEEK[]\r\n")
        harness.receive(bytes: 20)
        harness.isFast = true
        try harness.failOver()
        let lines = harness.lines()
        #expect(lines.first?.hasPrefix("* 1 FETCH") == true)
        #expect(lines.last == "a OK FETCH completed")
    }

    // MARK: IDLE

    @Test func anIdleIsEnteredAgainAndNobodyNotices() throws {
        let harness = try selected()
        #expect(harness.line("a IDLE") == ["+ idling"])
        harness.kill()
        harness.store.append(.inbox)
        try harness.recover()
        #expect(harness.lines() == ["* 4 EXISTS"])
        #expect(harness.line("DONE") == ["a OK IDLE completed"])
        #expect(harness.line("b NOOP") == ["b OK NOOP completed"])
    }

    @Test func anIdleSurvivesSeveralServers() throws {
        let harness = try selected()
        #expect(harness.line("a IDLE") == ["+ idling"])
        for _ in 0..<3 { try harness.failOver() }
        harness.release()
        try harness.recover()
        #expect(harness.line("DONE") == ["a OK IDLE completed"])
    }

    @Test func anIdleWhoseContinuationWasLostAsksForItAgain() throws {
        let harness = try selected()
        harness.isFast = false
        harness.send("a IDLE\r\nDONE\r\nb NOOP\r\n")
        harness.isFast = true
        try harness.failOver()
        #expect(harness.lines() == ["+ idling", "a OK IDLE completed", "b OK NOOP completed"])
    }

    @Test func aDoneWhoseAnswerWasLostIsSentAgain() throws {
        let harness = try selected()
        #expect(harness.line("a IDLE") == ["+ idling"])
        harness.isFast = false
        harness.send("DONE\r\n")
        harness.isFast = true
        try harness.failOver()
        #expect(harness.lines() == ["a OK IDLE completed"])
    }

    @Test func anIdleThatIsRefusedIsNoIdle() throws {
        let harness = try selected()
        #expect(harness.line("a IDLE now").first?.hasPrefix("a BAD") == true)
        #expect(harness.line("b NOOP") == ["b OK NOOP completed"])
    }

    @Test func anotherLineThanDoneEndsIdle() throws {
        let harness = try selected()
        _ = harness.line("a IDLE")
        #expect(harness.line("x NOOP {3+}\r\nabc").first?.hasPrefix("a BAD") == true)
        #expect(harness.line("b NOOP") == ["b OK NOOP completed"])
    }

    // MARK: Literals

    @Test func anUploadIsDroppedToItsEndAndRefused() throws {
        let harness = try selected()
        #expect(harness.line("a APPEND INBOX {10}") == ["+ Ready for the literal"])
        harness.send("01234")
        harness.kill()
        harness.send("5")
        try harness.recover()
        #expect(harness.lines() == [])
        harness.send("6789\r\nb NOOP\r\n")
        #expect(harness.lines() == ["a \(Self.lost)", "b OK NOOP completed"])
        #expect(harness.toServer == Array("b NOOP\r\n".utf8))
        #expect(harness.store.uids("INBOX").count == 3)
    }

    /// The message looks like commands; none of it may be taken for one.
    @Test func theRestOfALiteralIsNeverTakenForACommand() throws {
        let harness = try selected()
        let message = "x\r\nz DELETE Other\r\n"
        harness.send("a APPEND INBOX {\(message.utf8.count)+}\r\nx\r\n")
        try harness.failOver()
        harness.send("z DELETE Other\r\n\r\nb NOOP\r\n")
        #expect(harness.lines() == ["a \(Self.lost)", "b OK NOOP completed"])
        #expect(harness.store.mailboxes[ModelStore.name("Other")] != nil)
    }

    @Test func aClientThatWaitsToSendALiteralIsToldAtOnce() throws {
        let harness = try selected()
        harness.isFast = false
        harness.send("a APPEND INBOX {10}\r\n")
        harness.isFast = true
        try harness.failOver()
        #expect(harness.lines() == ["a \(Self.lost)"])
        #expect(harness.line("b NOOP") == ["b OK NOOP completed"])
    }

    @Test func aCommandWithLiteralsThatChangesNothingIsSentAgainWithoutAskingAgain() throws {
        let harness = try selected()
        #expect(harness.line("a SEARCH SUBJECT {1}") == ["+ Ready for the literal"])
        harness.isFast = false
        harness.send("x\r\n")
        harness.isFast = true
        try harness.failOver()
        #expect(harness.lines() == ["* SEARCH 1 2 3", "a OK SEARCH completed"])
    }

    @Test func aRefusedUploadLeavesTheStreamInOrder() throws {
        let harness = try selected()
        #expect(harness.line("a APPEND Nowhere {3}").first?.hasPrefix("a NO [TRYCREATE]") == true)
        #expect(harness.line("b NOOP") == ["b OK NOOP completed"])
        #expect(harness.line("c APPEND Nowhere {3+}\r\nabc").first?.hasPrefix("c NO [TRYCREATE]") == true)
        #expect(harness.line("d NOOP") == ["d OK NOOP completed"])
        let long = String(repeating: "x", count: 70_000)
        #expect(harness.line("e SEARCH {70000+}\r\n\(long) {4}").first?.hasPrefix("e BAD") == true)
        #expect(harness.line("f NOOP") == ["f OK NOOP completed"])
    }

    @Test func aLongLineIsRefusedByTheServerAndTheSessionGoesOn() throws {
        let harness = try selected()
        let long = String(repeating: "x", count: 70_000)
        #expect(harness.line("a SEARCH \(long) {3+}\r\nabc").first?.hasPrefix("a BAD") == true)
        #expect(harness.line("b NOOP") == ["b OK NOOP completed"])
    }

    @Test(arguments: 65_530...65_540)
    func aLineOfAnyLengthIsReadOn(length: Int) throws {
        let harness = try selected()
        harness.send("a " + String(repeating: "x", count: length - 2))
        #expect(harness.wantsClientInput)
        #expect(harness.line("").first?.hasPrefix("a BAD") == true)
    }

    @Test func whatComesBehindALiteralThatNobodyHasAskedForIsBounded() throws {
        let harness = try selected()
        harness.isFast = false
        harness.send("a APPEND INBOX {3}\r\n")
        harness.send([UInt8](repeating: UInt8(ascii: "x"), count: SpliceLimits().bufferedInputBytes))
        #expect(!harness.wantsClientInput)
    }

    @Test func aLongLineWhoseServerIsLostIsDroppedToItsEnd() throws {
        let harness = try selected()
        harness.isFast = false
        harness.send("a SEARCH " + String(repeating: "x", count: 100_000))
        try harness.failOver()
        harness.isFast = true
        harness.send(String(repeating: "x", count: 100_000))
        #expect(harness.lines() == [])
        #expect(harness.line("").first?.hasPrefix("a NO [UNAVAILABLE]") == true)
        #expect(harness.line("b NOOP") == ["b OK NOOP completed"])
    }

    @Test func aLineWithoutEndWhoseServerIsLostEndsTheSession() throws {
        let harness = try selected()
        harness.isFast = false
        harness.send("a SEARCH " + String(repeating: "x", count: 100_000))
        try harness.failOver()
        harness.isFast = true
        for _ in 0..<20 { harness.send(String(repeating: "x", count: 100_000)) }
        #expect(harness.lines().first?.hasPrefix("* BYE") == true)
        #expect(harness.closed == "a line without end")
    }

    // MARK: Ends

    @Test func aReleasedSessionRepeatsEverythingThatWasNotBegun() throws {
        let harness = try selected()
        harness.shell.answersAtOnce = false
        harness.send("a STORE 1 FLAGS (\\Seen)\r\nb CREATE New\r\nc NOOP\r\n")
        harness.release()
        harness.shell.answer()
        harness.release()
        try harness.recover()
        #expect(
            harness.lines() == [
                "* 1 FETCH (FLAGS (\\Seen))", "a OK STORE completed", "b OK CREATE completed", "c OK NOOP completed",
            ])
        #expect(harness.store.mailboxes[ModelStore.name("New")] != nil)
    }

    @Test func aServerThatSaysGoodbyeIsBelieved() throws {
        let harness = try selected()
        #expect(harness.line("a LOGOUT") == ["* BYE Logging out", "a OK LOGOUT completed"])
        harness.kill()
        #expect(harness.closed == "the server ended the session")
    }

    @Test func aLostMailboxEndsTheSession() throws {
        let harness = try selected()
        harness.kill()
        harness.store.delete(.inbox)
        try harness.recover()
        harness.pumpServer()
        #expect(harness.lines().first?.hasPrefix("* BYE") == true)
    }

    @Test func whenNobodyTakesOverTheClientIsTold() throws {
        let harness = try selected()
        harness.kill()
        #expect(!harness.wantsClientInput)
        harness.giveUp()
        #expect(harness.lines().first?.hasPrefix("* BYE [UNAVAILABLE]") == true)
        #expect(harness.closed == "nobody is there")
    }

    @Test func aServerThatBreaksTheProtocolIsNotFollowedByAnother() throws {
        var splice = SpliceMachine()
        splice.receiveFromServer(Array("zz OK of nothing\r\n".utf8).span)
        let before = splice.canBeCarriedOver
        #expect(!before)
        splice.linkLost(isReleased: false)
        let isClosed = splice.isClosed
        #expect(isClosed)
    }

    @Test func aTicketThatIsTooLargeIsNotKept() {
        var limits = SpliceLimits()
        limits.ticketBytes = 10
        var splice = SpliceMachine(limits: limits)
        splice.receiveFromServer(
            changing: TicketUpdate(isComplete: true, bytes: [UInt8](repeating: 1, count: 11)), [UInt8]().span)
        var can = splice.canBeCarriedOver
        #expect(!can)
        splice.receiveFromServer(changing: TicketUpdate(isComplete: false, bytes: [1]), [UInt8]().span)
        can = splice.canBeCarriedOver
        #expect(!can)
        splice.receiveFromServer(changing: TicketUpdate(isComplete: true, bytes: [1]), [UInt8]().span)
        can = splice.canBeCarriedOver
        #expect(can)
    }

    @Test func commandsInProgressAreBounded() {
        var splice = SpliceMachine()
        var sent = 0
        while splice.wantsClientInput, sent < 10_000 {
            splice.receiveFromClient(Array("a NOOP\r\n".utf8).span)
            sent += 1
        }
        let count = splice.commandsInProgress
        #expect(count == SpliceLimits().commandsInProgress)
        #expect(sent == count)
    }
}
