// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import LiveTestSupport
internal import Testing

/// What a client sees of a mailbox on the server.
struct FarMailbox: Equatable, CustomStringConvertible {
    struct Message: Equatable {
        let uid: UInt32
        let flags: Set<String>
        let bytes: MailBytes
    }

    let uidValidity: UInt32
    let uidNext: UInt32
    let messages: [Message]

    var description: String {
        "validity \(uidValidity), next \(uidNext), messages \(messages.map { "\($0.uid): \($0.flags.sorted())" })"
    }

    /// Makes what a server might show.
    init(uidValidity: UInt32, uidNext: UInt32, messages: [Message]) {
        self.uidValidity = uidValidity
        self.uidNext = uidNext
        self.messages = messages
    }

    /// Reads a mailbox of the user.
    init(_ name: String, of server: PlutoServer) throws {
        let client = try RawIMAPClient(server)
        let opened = try client.command("EXAMINE \"\(name)\"")
        try #require(opened.isOK, "\(opened)")
        uidValidity = try #require(opened.number("UIDVALIDITY"))
        uidNext = try #require(opened.number("UIDNEXT"))
        let reply = try client.command("UID FETCH 1:* (UID FLAGS BODY.PEEK[])")
        try #require(reply.isOK, "\(reply)")
        messages = try reply.fetched.map { line in
            Message(
                uid: try #require(line.number(after: "UID")),
                flags: Set(try #require(line.list(after: "FLAGS"))).subtracting(["\\Recent"]),
                bytes: MailBytes(try #require(line.literals.first)))
        }
    }

    /// Reads all mailboxes of the user.
    static func all(of server: PlutoServer) throws -> [String: FarMailbox] {
        let client = try RawIMAPClient(server)
        var result: [String: FarMailbox] = [:]
        for line in try client.command("LIST \"\" *").untagged where line.text.hasPrefix("* LIST") {
            if line.text.contains("\\Noselect") { continue }
            let name = line.text.split(separator: " ").last.map { $0.filter { $0 != "\"" } } ?? ""
            result[name] = try FarMailbox(name, of: server)
        }
        return result
    }

    /// The message that holds a text.
    func message(holding text: String) throws -> Message {
        try #require(messages.first { $0.bytes.text.contains(text) })
    }
}
