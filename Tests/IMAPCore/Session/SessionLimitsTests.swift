// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import IMAPCore
import TestSupport
import Testing

@Suite("Limits, bad input and endings")
struct SessionLimitsTests {
    private func started(
        selecting: String? = "INBOX", _ configure: (inout SessionConfiguration) -> Void = { _ in }
    ) -> ModelShell {
        var configuration = SessionConfiguration()
        configure(&configuration)
        let store = ModelStore(["INBOX", "Work"])
        store.append(.inbox)
        let shell = ModelShell(store, configuration: configuration)
        shell.start(selecting: selecting)
        return shell
    }

    /// Each of these is answered, and the next command works.
    @Test(arguments: [
        ("\u{1}\u{2}\u{3}", "* BAD"), ("", "* BAD"), ("a", "* BAD"), ("a ", "a BAD"), ("a FROB", "a BAD"),
        ("a UID", "a BAD"), ("a SELECT", "a BAD"), ("a DELETE &", "a NO"), ("a DELETE \"&Jjo\"", "a NO"),
        ("a CREATE ../x", "a NO [CANNOT]"), ("a CREATE a//b", "a NO [CANNOT]"), ("a STATUS ../x (MESSAGES)", "a NO"),
        ("a CREATE \"x\u{7}y\"", "a NO"), ("a CREATE \"a*b\"", "a NO"), ("a CREATE INBOX", "a NO [ALREADYEXISTS]"),
        ("a RENAME Work Work/x", "a NO [CANNOT]"), ("a RENAME Work INBOX", "a NO [ALREADYEXISTS]"),
        ("a CREATE x (USE (\\Sent \\Trash))", "a NO [USEATTR]"), ("a DELETE inbox", "a NO [CANNOT]"),
        ("a FETCH 1 BODY[", "a BAD"), ("a STORE 1 FLAGS (\\Nonsense)", "a BAD"), ("a LIST \"\" \"", "a BAD"),
        ("a APPEND INBOX", "a BAD"), ("a APPEND INBOX {-1}", "a BAD"), ("a DONE", "a BAD"),
        ("a SEARCH " + String(repeating: "(", count: 1000) + "ALL" + String(repeating: ")", count: 1000), "a BAD"),
        ("a SEARCH " + String(repeating: "NOT ", count: 1000) + "ALL", "a BAD"),
        ("a FETCH 1 (" + String(repeating: "FLAGS ", count: 500) + "UID)", "a BAD"),
        ("a NOOP " + String(repeating: "x", count: 70_000), "a BAD"),
        ("a SELECT {99999}", "a BAD"), ("a SELECT {99999999999}", "a BAD"),
        ("a SELECT {3+}\r\na\0b", "a BAD"), ("a LOGIN x y", "a BAD"),
        ("a SEARCH CHARSET UTF-7 ALL", "a NO [BADCHARSET"),
    ])
    func badInputIsAnsweredAndTheSessionGoesOn(input: String, answer: String) {
        let shell = started()
        let lines = shell.line(input)
        #expect(lines.count == 1)
        #expect(lines.first?.hasPrefix(answer) == true, "\(lines)")
        let next = shell.line("z FETCH 1 UID")
        #expect(next == ["* 1 FETCH (UID 1)", "z OK FETCH completed"])
        let problem = shell.machine.checkInvariants()
        #expect(problem == nil)
    }

    /// RFC 3501 section 6.3.1: a SELECT that fails leaves no mailbox selected, also when its argument is no name.
    @Test(arguments: ["a SELECT &", "a examine \"&Jjo\""])
    func aSelectOfAnImpossibleNameLeavesTheMailbox(command: String) {
        let shell = started()
        #expect(shell.line(command)[0].hasPrefix("a NO"))
        #expect(shell.state == .authenticated)
        #expect(shell.opening == nil)
    }

    @Test func bytesOfAllKindsNeverTrap() {
        for seed in 0..<300 {
            var random = SeededGenerator(seed: UInt64(seed))
            let shell = started { $0.limits.consecutiveBadCommands = 1_000 }
            let words = [
                "a ", "FETCH ", "1:* ", "(", ")", "{3}\r\n", "{3+}\r\n", "\r\n", "\"", "UID ", "STORE ", "IDLE\r\n",
                "DONE\r\n", "APPEND INBOX ", "\0", "\u{FF}", "*", "LOGOUT", "SELECT INBOX\r\n", "a NOOP\r\n",
            ]
            for _ in 0..<60 where !shell.isClosed {
                shell.feed(words.randomElement(using: &random)!)
                let problem = shell.machine.checkInvariants()
                #expect(problem == nil)
            }
        }
    }

    @Test func tooManyBadCommandsInARowEndTheSession() {
        let shell = started { $0.limits.consecutiveBadCommands = 3 }
        for _ in 0..<2 { shell.line("a FROB") }
        shell.line("b NOOP")
        for _ in 0..<2 { shell.line("a FROB") }
        #expect(!shell.isClosed)
        #expect(shell.line("a FROB").last == "* BYE Too many bad commands")
        #expect(shell.isClosed)
        #expect(shell.opening == nil)
        shell.feed("b NOOP\r\n")
        #expect(shell.lines().last == "* BYE Too many bad commands")
    }

    @Test func fewerBadCommandsAreTakenBeforeLogin() {
        var configuration = SessionConfiguration()
        configuration.limits.badCommandsBeforeLogin = 4
        let shell = ModelShell(ModelStore(), configuration: configuration)
        shell.open()
        for _ in 0..<3 {
            shell.line("a FROB")
            shell.line("a NOOP")
        }
        #expect(!shell.isClosed)
        shell.line("a FROB")
        #expect(shell.isClosed)
    }

    @Test func aLiteralTooLargeToSkipEndsTheSession() {
        let shell = started()
        #expect(shell.line("a SELECT {4000000000+}").last?.hasPrefix("* BYE") == true)
        #expect(shell.isClosed)
    }

    @Test func pipelinedInputIsBoundedWhileTheStoreWorks() {
        let shell = started { $0.limits.bufferedInputBytes = 100 }
        shell.answersAtOnce = false
        shell.feed("a NOOP\r\n")
        #expect(shell.commandInProgress == "NOOP")
        #expect(shell.deadline == nil)
        for number in 0..<20 { shell.feed("b\(number) NOOP\r\n") }
        #expect(!shell.wantsInput)
        while shell.outstanding != nil { shell.answer() }
        #expect(shell.wantsInput)
        #expect(shell.lines().count == 21)
    }

    @Test func onlyTheDeadlineThatAppliesEndsTheSession() {
        let login = ModelShell(ModelStore())
        login.open()
        #expect(login.deadline == .login)
        login.machine.timedOut(.idle)
        login.machine.timedOut(.login)
        login.drain()
        #expect(login.lines().last == "* BYE Login took too long")

        let idle = started()
        #expect(idle.deadline == .idle)
        idle.feed("a FETCH 1")
        #expect(idle.deadline == .literal)
        idle.feed(" UID\r\n")
        idle.line("b IDLE")
        #expect(idle.deadline == .idle)
        idle.machine.timedOut(.idle)
        idle.drain()
        #expect(idle.lines().last == "* BYE Autologout; idle for too long")
        #expect(idle.isClosed)
        #expect(idle.deadline == nil)
    }

    @Test func aShutdownWaitsForTheCommandThatTheStoreWorksOn() {
        let shell = started()
        shell.answersAtOnce = false
        shell.feed("a FETCH 1 UID\r\nb NOOP\r\n")
        shell.machine.shutdown(reason: "Restart")
        shell.drain()
        #expect(shell.output.isEmpty)
        shell.answer()
        #expect(shell.lines() == ["* 1 FETCH (UID 1)", "a OK FETCH completed", "* BYE Restart"])
        #expect(shell.isClosed)

        let idle = started()
        idle.line("a IDLE")
        idle.machine.shutdown(reason: "Restart")
        idle.drain()
        #expect(idle.lines().last == "* BYE Restart")
        #expect(idle.isClosed)
    }

    @Test func aReplyThatDoesNotFitFailsOnlyItsCommand() {
        let shell = started()
        shell.answersAtOnce = false
        shell.feed("a STORE 1 FLAGS ()\r\n")
        shell.machine.complete(.authenticated)
        shell.outstanding = nil
        shell.drain()
        #expect(shell.lines()[0].hasPrefix("a NO [SERVERBUG]"))
        shell.answersAtOnce = true
        #expect(shell.line("b NOOP") == ["b OK NOOP completed"])
        shell.machine.complete(.done)
        shell.drain()
        #expect(shell.line("c NOOP") == ["c OK NOOP completed"])
    }

    @Test func metricsNameEveryCommandOnce() {
        let shell = started()
        for line in ["a NOOP", "b FROB", "c UID FETCH 1 UID", "d FETCH 9 UID", "e SELECT Nowhere"] { shell.line(line) }
        #expect(shell.finished == ["NOOP OK", "UNKNOWN BAD", "UID FETCH OK", "FETCH BAD", "SELECT NO"])
    }
}

/// Defects of the system that this one takes the place of, each as the test that it would have failed.
@Suite("Defects of the original")
struct OriginalDefectTests {
    /// D1: EXISTS was the number of folders, RECENT the number of unseen messages.
    @Test func existsIsTheNumberOfMessages() {
        let store = ModelStore(["INBOX", "a", "b", "c"])
        store.append(.inbox)
        let shell = ModelShell(store)
        shell.start(selecting: nil)
        let lines = shell.line("s SELECT INBOX")
        #expect(lines.contains("* 1 EXISTS"))
        #expect(lines.contains("* 0 RECENT"))
    }

    /// D9: an unknown first command, and NOOP, ended the connection.
    @Test(arguments: [("a FROBNICATE", "a BAD"), ("a NOOP", "a OK"), ("garbage", "* BAD")])
    func theFirstCommandMayBeAnything(command: String, answer: String) {
        let shell = ModelShell(ModelStore())
        shell.open()
        #expect(shell.line(command)[0].hasPrefix(answer))
        #expect(!shell.isClosed)
        #expect(shell.line("l LOGIN user secret")[0].hasPrefix("l OK"))
    }

    /// D11: sequence numbers were shared by all sessions and moved without a word, so STORE hit the wrong message.
    @Test func everySessionHasItsOwnNumbers() {
        let store = ModelStore()
        for _ in 0..<3 { store.append(.inbox) }
        let first = ModelShell(store)
        let second = ModelShell(store)
        for shell in [first, second] { shell.start() }
        first.line("a STORE 1 +FLAGS (\\Deleted)")
        #expect(first.line("b EXPUNGE") == ["* 1 EXPUNGE", "b OK EXPUNGE completed"])
        second.deliver()
        // For the second session message 2 is still the one that it was.
        second.line("a STORE 2 +FLAGS (\\Flagged)")
        #expect(store.message(UID(2)!, in: .inbox)?.flags == [.flagged])
        #expect(store.message(UID(3)!, in: .inbox)?.flags == [])
        #expect(second.line("b NOOP") == ["* 1 EXPUNGE", "b OK NOOP completed"])
        #expect(second.line("c FETCH 1 UID")[0] == "* 1 FETCH (UID 2)")
        #expect(first.line("c NOOP")[0] == "* 1 FETCH (FLAGS (\\Flagged))")
    }
}
