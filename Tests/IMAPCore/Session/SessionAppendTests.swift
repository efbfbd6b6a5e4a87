// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import IMAPCore
import Testing

@Suite("APPEND")
struct SessionAppendTests {
    private func loggedIn(
        _ configure: (inout SessionConfiguration) -> Void = { _ in }
    ) -> (ModelStore, ModelShell) {
        var configuration = SessionConfiguration()
        configure(&configuration)
        let store = ModelStore()
        let shell = ModelShell(store, configuration: configuration)
        shell.start(selecting: nil)
        return (store, shell)
    }

    private func aborts(_ shell: ModelShell) -> Int { shell.requests.count { $0 == .appendAbort } }

    @Test func theStoreIsAskedBeforeTheClientIs() {
        let (_, shell) = loggedIn()
        shell.answersAtOnce = false
        shell.feed("a APPEND INBOX {3}\r\n")
        #expect(shell.output.isEmpty)
        shell.answer()
        #expect(shell.lines() == ["+ Ready for the literal"])
    }

    @Test func eachPieceWaitsForTheOneBefore() {
        let (store, shell) = loggedIn { $0.limits.bufferedInputBytes = 8 }
        shell.answersAtOnce = false
        shell.feed("a APPEND INBOX {20}\r\n")
        shell.answer()
        shell.feed("0123")
        #expect(shell.owesPieceReply)
        #expect(shell.wantsInput)
        shell.feed("456789ab")
        #expect(!shell.wantsInput, "the store is slow, so the client has to wait")
        #expect(shell.uploaded == Array("0123".utf8))
        shell.answer()
        #expect(shell.wantsInput)
        #expect(shell.uploaded == Array("0123456789ab".utf8))
        shell.answersAtOnce = true
        shell.answer()
        shell.feed("cdefghij\r\n")
        #expect(shell.lines().last == "a OK [APPENDUID 100 1] APPEND completed")
        #expect(store.message(UID(1)!, in: .inbox)?.bytes == Array("0123456789abcdefghij".utf8))
    }

    @Test func anEmptyMessageIsStored() {
        let (store, shell) = loggedIn()
        shell.feed("a APPEND INBOX {0}\r\n\r\n")
        #expect(shell.lines().last == "a OK [APPENDUID 100 1] APPEND completed")
        #expect(store.uids("INBOX").count == 1)
    }

    @Test func flagsDateAndNewKeywordsReachTheStore() {
        let (store, shell) = loggedIn()
        shell.feed("a APPEND inbox (\\Seen $Work) \" 2-Jan-2020 03:04:05 +0100\" {1+}\r\nx\r\n")
        let message = store.message(UID(1)!, in: .inbox)
        #expect(message?.flags == [.seen, .keyword(Keyword("$Work")!)])
        #expect(message?.date.description == " 2-Jan-2020 03:04:05 +0100")
    }

    @Test(arguments: ["{6}", "{6+}"])
    func aMessageThatIsTooLargeIsRefusedBeforeItComes(literal: String) {
        let (_, shell) = loggedIn { $0.limits.afterAuthentication.appendLiteralBytes = 5 }
        let lines = shell.line("a APPEND INBOX \(literal)")
        #expect(lines.count == 1)
        #expect(lines[0].hasPrefix("a NO [TOOBIG]"))
        #expect(shell.requests.isEmpty)
        if literal.contains("+") { shell.feed("123456\r\n") }
        #expect(shell.line("b NOOP") == ["b OK NOOP completed"])
        #expect(shell.line("c APPEND INBOX {5+}\r\n12345").last?.hasPrefix("c OK") == true)
    }

    @Test func aStoreThatGivesUpInTheMiddleIsReportedAtTheEnd() {
        let (store, shell) = loggedIn()
        shell.failsUploadAfter = 4
        shell.feed("a APPEND INBOX {10}\r\n")
        shell.feed("01234")
        #expect(shell.lines() == ["+ Ready for the literal"])
        shell.feed("56789\r\n")
        #expect(shell.lines().last == "a NO [OVERQUOTA] The disk is full")
        #expect(store.uids("INBOX").isEmpty)
        #expect(aborts(shell) == 0, "the store has dropped the upload itself")
        #expect(shell.line("b NOOP") == ["b OK NOOP completed"])
    }

    @Test(arguments: [("a\0b", "a BAD"), ("abc extra", "a BAD")])
    func aMessageThatTurnsOutToBeWrongIsDropped(message: String, answer: String) {
        let (store, shell) = loggedIn()
        shell.feed("a APPEND INBOX {3+}\r\n\(message)\r\n")
        #expect(shell.lines().last?.hasPrefix(answer) == true)
        #expect(aborts(shell) == 1)
        #expect(shell.upload == nil)
        #expect(store.uids("INBOX").isEmpty)
        #expect(shell.line("b NOOP") == ["b OK NOOP completed"])
    }

    @Test func aClientThatGoesAwayLeavesNoUpload() {
        for answersAtOnce in [true, false] {
            let (_, shell) = loggedIn()
            shell.feed("a APPEND INBOX {3}\r\n")
            shell.answersAtOnce = answersAtOnce
            shell.feed("x")
            shell.machine.inputClosed()
            shell.drain()
            #expect(aborts(shell) == 1)
            #expect(shell.upload == nil)
            #expect(shell.isClosed)
            shell.answer()
            #expect(aborts(shell) == 1)
        }
    }

    @Test func aMessageForTheSelectedMailboxIsAnnounced() {
        let (_, shell) = loggedIn()
        shell.line("s SELECT INBOX")
        shell.output = []
        shell.feed("a APPEND INBOX {1+}\r\nx\r\n")
        #expect(shell.lines() == ["* 1 EXISTS", "a OK [APPENDUID 100 1] APPEND completed"])
    }

    @Test func anUploadThatStandsStillEndsTheSession() {
        let (_, shell) = loggedIn()
        shell.feed("a APPEND INBOX {3}\r\nx")
        #expect(shell.deadline == .literal)
        shell.machine.timedOut(.idle)
        shell.drain()
        #expect(!shell.isClosed, "another time-out applies")
        shell.machine.timedOut(.literal)
        shell.drain()
        #expect(shell.lines().last == "* BYE The rest of the command took too long")
        #expect(aborts(shell) == 1)
    }
}
