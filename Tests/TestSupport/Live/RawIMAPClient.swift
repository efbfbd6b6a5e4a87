// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc

/// A small IMAP client without TLS that leaves everything to the test: what it sends, in which pieces, and when it reads.
///
/// It understands only lines, literals and tags. It belongs to one test, which calls it from one thread at a time.
package final class RawIMAPClient {
    /// The connection.
    package let socket: LiveSocket
    /// What the server said first.
    package private(set) var greeting = IMAPLine()
    private var buffer: [UInt8] = []
    /// Where the bytes of the buffer begin that were not yet taken.
    private var start = 0
    /// The response that is being read.
    private var line = IMAPLine()
    private var literalBytesLeft: Int?
    private var untagged: [IMAPLine] = []
    private var commandCount = 0

    /// Connects and reads the greeting.
    ///
    /// - Parameter port: a port of this machine.
    package convenience init(port: Int) throws { try self.init(LiveSocket(port: port)) }

    /// Reads the greeting on a connection that is open.
    ///
    /// - Parameter socket: the connection.
    package init(_ socket: LiveSocket) throws {
        self.socket = socket
        guard let greeting = try readLine() else { throw LiveFailure("the server closed the connection at once") }
        self.greeting = greeting
    }

    /// Connects to the plain port and logs in; the server must allow it.
    package convenience init(
        _ server: PlutoServer, user: String = PlutoServer.users[0].0, password: String = PlutoServer.users[0].1
    ) throws {
        try self.init(port: server.imapPort)
        let reply = try command("LOGIN \(user) \(password)")
        guard reply.isOK else { throw LiveFailure("login as \(user): \(reply)") }
    }

    // MARK: Sending

    /// Sends text as it is.
    ///
    /// - Returns: whether all went out; false when the server has ended the connection.
    @discardableResult
    package func send(_ text: String) throws -> Bool { try socket.send(Array(text.utf8)) }

    /// Sends a command without waiting for its reply.
    ///
    /// - Returns: its tag.
    package func begin(_ command: String) throws -> String {
        let tag = makeTag()
        try send("\(tag) \(command)\r\n")
        return tag
    }

    /// Sends an APPEND with a non-synchronising literal (RFC 7888) without waiting for its reply.
    ///
    /// - Returns: its tag.
    package func beginAppend(to mailbox: String, flags: String = "", _ message: [UInt8]) throws -> String {
        let tag = makeTag()
        let list = flags.isEmpty ? "" : "(\(flags)) "
        try socket.send(Array("\(tag) APPEND \(mailbox) \(list){\(message.count)+}\r\n".utf8) + message + [13, 10])
        return tag
    }

    // MARK: Reading

    /// Sends a command and reads its reply.
    package func command(_ command: String, within limit: Duration = .seconds(60)) throws -> IMAPReply {
        try finish(begin(command), within: limit)
    }

    /// Appends a message and reads the reply.
    package func append(to mailbox: String, flags: String = "", _ message: [UInt8]) throws -> IMAPReply {
        try finish(beginAppend(to: mailbox, flags: flags, message))
    }

    /// Reads the reply to a command.
    package func finish(_ tag: String, within limit: Duration = .seconds(60)) throws -> IMAPReply {
        let deadline = Deadline(limit)
        while true {
            if let reply = takeReply(tag) { return reply }
            guard try receive(until: deadline) else {
                throw LiveFailure("the connection ended before the reply; it said \(untagged.map(\.text))")
            }
        }
    }

    /// Reads the next response; nil at the end of the connection.
    package func readLine(within limit: Duration = .seconds(60)) throws -> IMAPLine? {
        let deadline = Deadline(limit)
        while true {
            if let line = takeLine() { return line }
            guard try receive(until: deadline) else { return nil }
        }
    }

    /// Reads all responses to the end of the connection.
    package func readToEnd(within limit: Duration = .seconds(60)) throws -> [IMAPLine] {
        let deadline = Deadline(limit)
        var lines: [IMAPLine] = []
        while true {
            while let line = takeLine() { lines.append(line) }
            guard try receive(until: deadline) else { return lines }
        }
    }

    /// The bytes that came and are not taken yet, the literal in progress included.
    package var receivedByteCount: Int { buffer.count - start + (line.literals.last?.count ?? 0) }

    /// Waits for more bytes; false at the end of the connection.
    package func receive(until deadline: Deadline) throws -> Bool {
        compact()
        return try socket.receive(into: &buffer, until: deadline) > 0
    }

    /// Takes the bytes that are there, without waiting.
    package func receiveAvailable() throws {
        compact()
        // The count does not matter: the caller looks for a reply in any case.
        _ = try socket.receiveAvailable(into: &buffer)
    }

    /// The reply to a command, when all of it has come.
    package func takeReply(_ tag: String) -> IMAPReply? {
        while let line = takeLine() {
            if line.text.hasPrefix(tag + " ") {
                defer { untagged = [] }
                return IMAPReply(untagged: untagged, tagged: line)
            }
            untagged.append(line)
        }
        return nil
    }

    /// The responses that came before a reply that has not come.
    package var unfinished: [IMAPLine] { untagged }

    /// Waits until one of several clients has something to read.
    ///
    /// - Returns: the indices of those that have.
    package static func wait(for clients: [RawIMAPClient], until deadline: Deadline) throws -> [Int] {
        var entries = clients.map { pollfd(fd: $0.socket.descriptor, events: Int16(POLLIN), revents: 0) }
        guard try deadline.wait(for: &entries) else { return [] }
        return entries.indices.filter { entries[$0].revents != 0 }
    }

    // MARK: Private

    private func makeTag() -> String {
        commandCount += 1
        return "t\(commandCount)"
    }

    /// The next response, when all of it has come.
    private func takeLine() -> IMAPLine? {
        while true {
            if let left = literalBytesLeft {
                let count = min(left, buffer.count - start)
                line.literals[line.literals.count - 1].append(contentsOf: buffer[start..<start + count])
                start += count
                literalBytesLeft = left == count ? nil : left - count
                if left > count { return nil }
            }
            guard let end = endOfLine() else { return nil }
            line.text += String(decoding: buffer[start..<end - 2], as: UTF8.self)
            start = end
            guard let length = Self.literalLength(line.text) else {
                defer { line = IMAPLine() }
                return line
            }
            line.literals.append([])
            literalBytesLeft = length
        }
    }

    /// The index behind the next CRLF.
    private func endOfLine() -> Int? {
        var from = start
        return buffer.withUnsafeBytes { bytes in
            while from < bytes.count, let base = bytes.baseAddress {
                guard let found = memchr(base + from, 10, bytes.count - from) else { return nil }
                let index = base.distance(to: UnsafeRawPointer(found))
                if index > start, bytes[index - 1] == 13 { return index + 1 }
                from = index + 1
            }
            return nil
        }
    }

    /// The length in a literal header at the end of a line.
    private static func literalLength(_ text: String) -> Int? {
        guard text.hasSuffix("}"), let begin = text.lastIndex(of: "{") else { return nil }
        return Int(text[text.index(after: begin)...].dropLast())
    }

    private func compact() {
        guard start > 0 else { return }
        buffer.removeFirst(start)
        start = 0
    }
}
