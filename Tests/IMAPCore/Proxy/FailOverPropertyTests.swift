// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import TestSupport
import Testing

@testable import IMAPCore

/// Random commands, random changes by others, and servers that die at any byte: the client must never be misled.
@Suite("Fail-over under random interleavings")
struct FailOverPropertyTests {
    @Test(arguments: 0..<400)
    func aBelievingClientSurvivesItsServers(seed: Int) throws {
        var run = try FailOverRun(seed: UInt64(seed))
        try run.play(steps: 150)
        #expect(run.client.violations.isEmpty, "seed \(seed): \(run.client.violations.prefix(3))")
        #expect(run.harness.closed == nil, "seed \(seed)")
        #expect(run.client.pending.isEmpty, "seed \(seed): \(run.client.pending)")
        let uids = run.client.messages.map(\.uid)
        #expect(uids == run.harness.store.uids("INBOX").map { .some($0.rawValue) }, "seed \(seed)")
        #expect(run.appended.isSubset(of: run.bodies), "seed \(seed)")
    }

    @Test func theRunsReachTheInterestingCases() throws {
        var failOvers = 0
        var refused = 0
        var expunges = 0
        for seed in 0..<40 {
            var run = try FailOverRun(seed: UInt64(seed))
            try run.play(steps: 150)
            failOvers += run.failOvers
            refused += run.harness.finished.count { $0.hasSuffix("NO") }
            expunges += run.client.expunges
        }
        #expect(failOvers > 200)
        #expect(refused > 40)
        #expect(expunges > 200)
    }
}

struct FailOverRun {
    let harness: SpliceHarness
    var client = ModelClient()
    private(set) var failOvers = 0
    /// The bodies whose APPEND was answered with OK.
    private(set) var appended: Set<String> = []
    private var uploads: [String: String] = [:]
    private var random: SeededGenerator
    private var counter = 0
    private var read = 0
    private var isIdle = false
    private var isDown = false

    init(seed: UInt64) throws {
        random = SeededGenerator(seed: seed)
        harness = try SpliceHarness()
        for _ in 0..<Int.random(in: 0...8, using: &random) { harness.store.append(.inbox) }
        harness.isFast = false
    }

    var bodies: Set<String> {
        Set(harness.store.mailboxes[.inbox]!.messages.map { String(decoding: $0.bytes, as: UTF8.self) } + removed)
    }

    private var removed: [String] = []

    mutating func play(steps: Int) throws {
        send("SELECT INBOX", .other)
        settle()
        for _ in 0..<steps {
            switch Int.random(in: 0..<14, using: &random) {
            case 0...2: othersChange()
            case 3: harness.shell.deliver()
            case 4...6: receive(Int.random(in: 1...60, using: &random))
            case 7: receive(.max)
            case 8: try fail()
            case 9: if isDown { try recover() }
            default: if client.pending.count < 4, !isDown { command() }
            }
        }
        if isDown { try recover() }
        settle()
        if isIdle { endIdle() }
        settle()
        send("NOOP", .other)
        settle()
        if !client.messages.isEmpty { send("FETCH 1:* UID", .forbidsExpunge) }
        settle()
    }

    private mutating func fail() throws {
        guard !isDown else { return }
        failOvers += 1
        receive(Int.random(in: 0...80, using: &random))
        if Bool.random(using: &random) {
            harness.release()
        } else {
            harness.kill()
        }
        isDown = true
        look()
        if Bool.random(using: &random) { try recover() }
    }

    private mutating func recover() throws {
        try harness.recover()
        isDown = false
        look()
    }

    private mutating func receive(_ limit: Int) {
        if !isDown { harness.receive(bytes: limit) }
        look()
    }

    private mutating func settle() {
        harness.shell.deliver()
        receive(.max)
    }

    private mutating func look() {
        let output = harness.output
        for line in String(decoding: output[read...], as: UTF8.self).split(separator: "\r\n") {
            let words = line.split(separator: " ")
            if words.count > 1, words[1] == "OK", let body = uploads.removeValue(forKey: String(words[0])) {
                appended.insert(body)
            }
        }
        read = output.count
        client.read(output)
    }

    private mutating func send(_ text: String, _ kind: ModelClient.Kind, uid: Bool = false) {
        counter += 1
        let tag = (uid ? "u" : "a") + String(counter)
        client.sent(tag, kind)
        harness.send("\(tag) \(text)\r\n")
        look()
    }

    private mutating func endIdle() {
        isIdle = false
        harness.send("DONE\r\n")
        look()
    }

    private mutating func othersChange() {
        let store = harness.store
        let uids = store.uids("INBOX")
        if Bool.random(using: &random) || uids.isEmpty {
            store.append(.inbox)
        } else if let uid = uids.randomElement(using: &random) {
            remember(uid)
            store.remove([uid], from: .inbox)
        }
    }

    private mutating func remember(_ uid: UID) {
        if let message = harness.store.message(uid, in: .inbox) {
            removed.append(String(decoding: message.bytes, as: UTF8.self))
        }
    }

    private mutating func command() {
        if isIdle {
            endIdle()
            return
        }
        let count = client.messages.count
        let isQuiet = client.pending.isEmpty
        switch Int.random(in: 0..<9, using: &random) {
        case 0: send("NOOP", .other)
        case 1:
            guard isQuiet else { return }
            isIdle = true
            send("IDLE", .idle)
        case 2:
            let body = "body \(counter)"
            uploads["a\(counter + 1)"] = body
            send("APPEND INBOX {\(body.utf8.count)+}\r\n\(body)", .other)
        case 3:
            for message in harness.store.mailboxes[.inbox]!.messages { remember(message.uid) }
            send("EXPUNGE", .other)
        case 4: send("UID SEARCH ALL", .other, uid: true)
        case 5: send("UID STORE 1:* +FLAGS.SILENT (\\Deleted)", .other)
        case 6: if isQuiet, count > 0 { send("FETCH 1:\(count) (UID FLAGS)", .forbidsExpunge) }
        case 7:
            if isQuiet, count > 0 { send("FETCH \(Int.random(in: 1...count, using: &random)) UID", .forbidsExpunge) }
        default:
            if isQuiet, count > 0 {
                send("STORE \(Int.random(in: 1...count, using: &random)) FLAGS (\\Deleted)", .forbidsExpunge)
            }
        }
    }
}
