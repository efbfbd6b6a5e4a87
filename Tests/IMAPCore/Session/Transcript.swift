// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import IMAPCore
import Testing

/// Runs a transcript: `C:` lines go in, `S:` lines must come out, `X:` lines change the store behind the session's back.
///
/// `X: append MAILBOX [flags]`, `X: remove MAILBOX UID`, `X: flags MAILBOX UID [flags]`, `X: delete MAILBOX`,
/// `X: deliver` (push what happened).
struct Transcript: Sendable {
    let name: String
    let text: String
    var tls = true
    var prepare: @Sendable (ModelStore) -> Void = { _ in }

    /// What the client sends, as one stream.
    var input: [UInt8] {
        var bytes: [UInt8] = []
        for line in text.split(separator: "\n") where line.hasPrefix("C: ") {
            bytes += Array(line.dropFirst(3).utf8) + [0x0D, 0x0A]
        }
        return bytes
    }

    func makeStore() -> ModelStore {
        let store = ModelStore(["INBOX", "Work", "Work/Done", "Archive/2025"])
        prepare(store)
        return store
    }

    func run(sourceLocation: SourceLocation = #_sourceLocation) {
        let store = makeStore()
        let shell = ModelShell(store, tls: tls)
        shell.open()
        var seen = 0
        for (number, line) in text.split(separator: "\n").enumerated() {
            switch line.prefix(3) {
            case "C: ":
                let missed = shell.lines().count
                #expect(
                    missed == seen, "line \(number): the server said more than expected", sourceLocation: sourceLocation
                )
                shell.feed(line.dropFirst(3) + "\r\n")
            case "S: ":
                let lines = shell.lines()
                let actual = seen < lines.count ? lines[seen] : "(nothing)"
                #expect(actual == line.dropFirst(3), "\(name), line \(number)", sourceLocation: sourceLocation)
                seen += 1
            case "X: ": Self.change(store, shell, line.dropFirst(3).split(separator: " ").map(String.init))
            default: Issue.record("\(name): cannot read \(line)", sourceLocation: sourceLocation)
            }
            let problem = shell.machine.checkInvariants()
            #expect(problem == nil, sourceLocation: sourceLocation)
        }
        let total = shell.lines().count
        #expect(total == seen, "\(name): more at the end", sourceLocation: sourceLocation)
    }

    private static func change(_ store: ModelStore, _ shell: ModelShell, _ words: [String]) {
        if words == ["deliver"] {
            shell.deliver()
            return
        }
        let mailbox = ModelStore.name(words[1])
        switch words[0] {
        case "append": store.append(mailbox, flags: words.dropFirst(2).map { Flag(wireName: $0)! })
        case "remove": store.remove([UID(UInt32(words[2])!)!], from: mailbox)
        case "flags":
            store.setFlags(words.dropFirst(3).map { Flag(wireName: $0)! }, of: UID(UInt32(words[2])!)!, in: mailbox)
        case "delete": store.delete(mailbox)
        default: Issue.record("Unknown change \(words)")
        }
    }
}

extension Transcript {
    static let capabilities =
        "IMAP4rev1 LITERAL+ SASL-IR ID ENABLE %AUTH%IDLE NAMESPACE UNSELECT UIDPLUS MOVE CHILDREN SPECIAL-USE "
        + "CREATE-SPECIAL-USE LIST-EXTENDED LIST-STATUS ESEARCH CONDSTORE STATUS=SIZE APPENDLIMIT=67108864"

    /// Fills in the capability lists: `{T}` over TLS, `{P}` in the clear, `{A}` after login.
    static func filled(_ text: String) -> String {
        text.replacing("{T}", with: capabilities.replacing("%AUTH%", with: "AUTH=PLAIN "))
            .replacing("{P}", with: capabilities.replacing("%AUTH%", with: "STARTTLS LOGINDISABLED "))
            .replacing("{A}", with: capabilities.replacing("%AUTH%", with: ""))
    }

    static let threeMessages: @Sendable (ModelStore) -> Void = { store in
        let inbox = ModelStore.name("INBOX")
        store.append(inbox, "Subject: one\r\nFrom: a@b\r\n\r\nfirst\r\n", flags: [.seen])
        store.append(inbox, "Subject: two\r\n\r\nsecond body\r\n")
        store.append(inbox, "Subject: three\r\n\r\nthird\r\n", flags: [.flagged])
    }
}
