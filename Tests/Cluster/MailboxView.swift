// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import LiveTestSupport

/// What a client sees of a mailbox.
struct MailboxView: Hashable, CustomStringConvertible {
    struct Message: Hashable {
        var uid: UInt32
        var flags: Set<String>
        var subject: String
    }

    var validity: UInt32
    var messages: [Message]

    /// Selects a mailbox and looks at all of it.
    init(_ mailbox: String, _ client: RawIMAPClient) throws {
        let selected = try client.command("EXAMINE \(mailbox)")
        guard selected.isOK else { throw LiveFailure("EXAMINE \(mailbox): \(selected)") }
        validity = selected.number("UIDVALIDITY") ?? 0
        let fetched = try client.command("UID FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
        messages = fetched.fetched.map { line in
            let header = String(decoding: line.literals.first ?? [], as: UTF8.self)
            let subject = header.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
            return Message(
                uid: line.number(after: "UID") ?? 0, flags: Set(line.list(after: "FLAGS") ?? []), subject: subject)
        }
        guard try client.command("UNSELECT").isOK else { throw LiveFailure("UNSELECT failed") }
    }

    var subjects: [String] { messages.map(\.subject) }

    var description: String {
        "\(validity): " + messages.map { "\($0.uid) \($0.flags.sorted()) \($0.subject)" }.joined(separator: "; ")
    }
}

/// Mail for tests.
enum ClusterMail {
    static func simple(_ subject: String) -> [UInt8] {
        Array("From: ann@example.org\r\nSubject: \(subject)\r\n\r\nHello.\r\n".utf8)
    }
}
