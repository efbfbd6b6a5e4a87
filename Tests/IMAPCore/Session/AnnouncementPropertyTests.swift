// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import IMAPCore
import TestSupport
import Testing

/// Random commands, random changes by others and random delays: the client must never be misled.
@Suite("Announcements under random interleavings")
struct AnnouncementPropertyTests {
    @Test(arguments: 0..<400)
    func aBelievingClientEndsWithTheServersMailbox(seed: Int) {
        var run = Interleaving(seed: UInt64(seed))
        run.play(steps: 120)
        #expect(run.client.violations.isEmpty, "seed \(seed): \(run.client.violations.prefix(3))")
        let uids = run.client.messages.map(\.uid)
        #expect(uids == run.store.uids("INBOX").map { .some($0.rawValue) }, "seed \(seed)")
        for (known, message) in zip(run.client.messages, run.store.mailboxes[.inbox]!.messages) {
            #expect(known.flags == Set(message.flags.map(\.wireName)), "seed \(seed), UID \(message.uid)")
        }
    }

    /// The same with CONDSTORE, where it also knows the modification sequence of every message at the end.
    @Test(arguments: 0..<400)
    func aClientWithCondstoreKnowsTheModSequences(seed: Int) {
        var run = Interleaving(seed: UInt64(seed), usesCondstore: true)
        run.play(steps: 120)
        #expect(run.client.violations.isEmpty, "seed \(seed): \(run.client.violations.prefix(3))")
        let messages = run.store.mailboxes[.inbox]!.messages
        #expect(run.client.messages.map(\.uid) == messages.map { .some($0.uid.rawValue) }, "seed \(seed)")
        for (known, message) in zip(run.client.messages, messages) {
            #expect(known.flags == Set(message.flags.map(\.wireName)), "seed \(seed), UID \(message.uid)")
            #expect(known.modSequence == message.modSequence.rawValue, "seed \(seed), UID \(message.uid)")
        }
    }

    @Test func theInterleavingsReachTheInterestingCases() {
        var expunges = 0
        var failures = 0
        var modified = 0
        for seed in 0..<60 {
            var run = Interleaving(seed: UInt64(seed), usesCondstore: seed % 2 == 1)
            run.play(steps: 120)
            modified += run.client.modified
            expunges += run.client.expunges
            failures += run.shell.finished.count { $0 == "FETCH NO" || $0 == "STORE NO" }
        }
        #expect(expunges > 300)
        #expect(failures > 10)
        #expect(modified > 10)
    }

    /// The checker can fail: a client that is shown an EXPUNGE during FETCH, or a fallen EXISTS, says so.
    @Test(arguments: [
        "* 2 EXPUNGE", "* 2 EXISTS", "* 9 FETCH (FLAGS ())", "* 1 FETCH (UID 77)", "* SEARCH 8",
        "* 1 FETCH (MODSEQ (8))",
    ])
    func theClientNoticesBreaches(line: String) {
        var client = ModelClient()
        var output = Array("* 3 EXISTS\r\n* 1 FETCH (UID 5 FLAGS () MODSEQ (9))\r\nx OK done\r\n".utf8)
        client.sent("x", .other)
        client.read(output)
        #expect(client.violations.isEmpty)
        client.sent("y", .forbidsExpunge)
        output += Array((line + "\r\n").utf8)
        client.read(output)
        #expect(client.violations.count == 1)
    }
}

/// One random run.
struct Interleaving {
    let store: ModelStore
    let shell: ModelShell
    var client = ModelClient()
    private var random: SeededGenerator
    private var counter = 0
    private let usesCondstore: Bool

    init(seed: UInt64, usesCondstore: Bool = false) {
        self.usesCondstore = usesCondstore
        random = SeededGenerator(seed: seed)
        store = ModelStore()
        for _ in 0..<Int.random(in: 0...8, using: &random) { store.append(.inbox) }
        shell = ModelShell(store)
        shell.open()
        shell.line("l LOGIN user secret")
        shell.output = []
        shell.answersAtOnce = false
    }

    mutating func play(steps: Int) {
        send("SELECT INBOX", .other)
        settle()
        // Reads everything once, as a client does.
        if !client.messages.isEmpty { send("FETCH 1:* (\(everything))", .forbidsExpunge) }
        if usesCondstore { send("ENABLE CONDSTORE", .other) }
        settle()
        for _ in 0..<steps {
            switch Int.random(in: 0..<10, using: &random) {
            case 0...3: othersChange()
            case 4: shell.deliver()
            case 5, 6: shell.answer()
            default: if client.pending.count < 3 { command() }
            }
            look()
        }
        settle()
        if shell.machine.isIdle { done() }
        settle()
        send("NOOP", .other)
        settle()
        if !client.messages.isEmpty { send("FETCH 1:* UID", .forbidsExpunge) }
        // What nobody has read yet.
        for (index, message) in client.messages.enumerated()
        where message.flags == nil || (usesCondstore && message.modSequence == nil) {
            send("FETCH \(index + 1) (\(everything))", .forbidsExpunge)
            settle()
        }
        settle()
    }

    private var everything: String { usesCondstore ? "UID FLAGS MODSEQ" : "UID FLAGS" }

    private mutating func look() {
        client.read(shell.output)
        let problem = shell.machine.checkInvariants()
        #expect(problem == nil)
    }

    private mutating func settle() {
        while shell.outstanding != nil || shell.owesPieceReply { shell.answer() }
        look()
    }

    private mutating func send(_ text: String, _ kind: ModelClient.Kind, uid: Bool = false) {
        counter += 1
        let tag = (uid ? "u" : "a") + String(counter)
        client.sent(tag, kind)
        shell.feed("\(tag) \(text)\r\n")
    }

    private mutating func done() { shell.feed("DONE\r\n") }

    private mutating func othersChange() {
        let uids = store.uids("INBOX")
        switch Int.random(in: 0..<5, using: &random) {
        case 0, 1: store.append(.inbox)
        case 2, 3:
            if let uid = uids.randomElement(using: &random) { store.setFlags(randomFlags(), of: uid, in: .inbox) }
        default:
            if let uid = uids.randomElement(using: &random) { store.remove([uid], from: .inbox) }
        }
    }

    private mutating func randomFlags() -> [Flag] {
        ([.seen, .flagged, .deleted, .keyword(Keyword("$A")!), .keyword(Keyword("$B")!)] as [Flag])
            .filter { _ in Bool.random(using: &random) }
    }

    /// A command about messages that exist for the client; with pipelined commands before it only UID commands are safe.
    private mutating func command() {
        if shell.machine.isIdle {
            done()
            return
        }
        let isQuiet = client.pending.isEmpty
        let uids = client.messages.compactMap(\.uid)
        let flags = randomFlags()
        let names = flags.map(\.wireName).joined(separator: " ")
        let mode = [("FLAGS", StoreMode.replace), ("+FLAGS", .add), ("-FLAGS", .remove)].randomElement(using: &random)!
        switch Int.random(in: 0..<13, using: &random) {
        case 0: send("NOOP", .other)
        case 1: if isQuiet { send("IDLE", .idle) }
        case 2: send("APPEND INBOX {1+}\r\nx", .other)
        case 3: send("EXPUNGE", .other)
        case 4: send("SEARCH \(["ALL", "SEEN", "NOT DELETED"].randomElement(using: &random)!)", .forbidsExpunge)
        case 5: send("UID SEARCH ALL", .other, uid: true)
        case 6:
            if let uid = uids.randomElement(using: &random) { send("UID FETCH \(uid):* (FLAGS BODY[]<0.1>)", .other) }
        case 7:
            if let uid = uids.randomElement(using: &random) { send("UID STORE 1:\(uid) \(mode.0) (\(names))", .other) }
        case 8: if let uid = uids.randomElement(using: &random) { send("UID MOVE \(uid) INBOX", .other) }
        case 9 where usesCondstore:
            // One that the client knows, so that some messages pass and some do not.
            guard let since = client.messages.compactMap(\.modSequence).randomElement(using: &random) else { return }
            send("UID STORE 1:* (UNCHANGEDSINCE \(since)) \(mode.0) (\(names))", .other, uid: true)
        default:
            guard isQuiet, !client.messages.isEmpty else { return }
            numberCommand(Int.random(in: 1...client.messages.count, using: &random), mode, names)
        }
    }

    private mutating func numberCommand(_ number: Int, _ mode: (String, StoreMode), _ names: String) {
        switch Int.random(in: 0..<(usesCondstore ? 7 : 5), using: &random) {
        case 5: send("SEARCH MODSEQ \(Int.random(in: 0...300, using: &random))", .forbidsExpunge)
        case 6:
            send(
                "STORE \(number):* (UNCHANGEDSINCE \(Int.random(in: 0...500, using: &random))) \(mode.0) (\(names))",
                .forbidsExpunge)
        case 0: send("FETCH \(number):* (\(everything))", .forbidsExpunge)
        case 1: send("FETCH \(number) BODY[TEXT]<0.1>", .forbidsExpunge)
        case 2: send("STORE \(number):* \(mode.0) (\(names))", .forbidsExpunge)
        case 3: send("COPY \(number) INBOX", .other)
        default:
            send(
                "STORE \(number) \(mode.0).SILENT (\(names))",
                .silentStore(
                    numbers: [number], mode: mode.1, flags: Set(names.split(separator: " ").map(String.init))))
        }
    }
}
