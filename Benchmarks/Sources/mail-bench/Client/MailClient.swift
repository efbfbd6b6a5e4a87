// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import Glibc

/// A blocking IMAP client that costs little: the same code for every server that is measured.
///
/// It understands literals in responses and counts what they are; a scenario that needs more reads the text.
final class MailClient {
    private let socket: TLSSocket
    private var buffer: [UInt8]
    private var head = 0
    private var end = 0
    private var nextTag = 1
    private var output: [UInt8] = []

    /// The untagged responses of the last command that was asked to keep them, without literals' octets.
    private(set) var kept: [String] = []
    /// What the last command was answered with.
    private(set) var tally = AnswerTally()

    /// Connects and waits for the greeting.
    init(port: Int, context: TLSContext) throws {
        socket = try TLSSocket(port: port, context: context)
        buffer = [UInt8](repeating: 0, count: 32 << 10)
        _ = try response()
    }

    /// Connects and logs in.
    convenience init(port: Int, context: TLSContext, user: String) throws {
        try self.init(port: port, context: context)
        try command("LOGIN \(user) \(MailUsers.password)")
    }

    /// Sends a command and waits for its end.
    ///
    /// - Parameters:
    ///   - text: the command without its tag.
    ///   - keeps: whether the untagged responses are wanted.
    /// - Returns: the number of untagged responses.
    /// - Throws: `BenchFailure` when the server does not answer OK.
    @discardableResult
    func command(_ text: String, keeps: Bool = false) throws -> Int {
        begin()
        output.append(contentsOf: text.utf8)
        try flush()
        return try finish(keeps: keeps, text)
    }

    /// Stores a mail, with a literal that waits for no leave (LITERAL+).
    func append(_ mail: [UInt8], to mailbox: String, flags: String = "") throws {
        begin()
        output.append(contentsOf: "APPEND \(mailbox)\(flags.isEmpty ? "" : " (\(flags))") {\(mail.count)+}\r\n".utf8)
        output.append(contentsOf: mail)
        try flush()
        _ = try finish(keeps: false, "APPEND \(mailbox)")
    }

    /// Begins IDLE and returns when the server watches.
    func startIdle() throws {
        begin()
        output.append(contentsOf: "IDLE".utf8)
        try flush()
        while true {
            let range = try response()
            if buffer[range.lowerBound] == UInt8(ascii: "+") { return }
        }
    }

    /// The next response while the session idles, as text.
    func idleResponse() throws -> String { text(try response()) }

    /// Ends IDLE.
    func stopIdle() throws {
        output.removeAll(keepingCapacity: true)
        output.append(contentsOf: "DONE".utf8)
        try flush()
        _ = try finish(keeps: false, "IDLE")
    }

    /// Says goodbye and waits for it.
    func logout() throws { try command("LOGOUT") }

    /// Gives up waiting after a time, from now on.
    func limitWaiting(seconds: Int) { socket.limitWaiting(seconds: seconds) }

    private func begin() {
        tally = AnswerTally()
        output.removeAll(keepingCapacity: true)
        output.append(contentsOf: "t\(nextTag) ".utf8)
        nextTag += 1
    }

    private func flush() throws {
        output.append(13)
        output.append(10)
        try output.withUnsafeBytes { try socket.send($0) }
    }

    private func finish(keeps: Bool, _ command: @autoclosure () -> String) throws -> Int {
        if keeps { kept.removeAll(keepingCapacity: true) }
        var count = 0
        while true {
            let range = try response()
            guard buffer[range.lowerBound] == UInt8(ascii: "t") else {
                count += 1
                buffer.withUnsafeBytes { tally.note(UnsafeRawBufferPointer(rebasing: $0[range])) }
                if keeps { kept.append(text(range)) }
                continue
            }
            let isOK = buffer[range].firstIndex(of: UInt8(ascii: " ")).map {
                $0 + 2 < range.upperBound && buffer[$0 + 1] == UInt8(ascii: "O") && buffer[$0 + 2] == UInt8(ascii: "K")
            }
            guard isOK == true else { throw CommandRefused(command: command(), answer: text(range)) }
            return count
        }
    }

    /// Where the next response stands in the buffer, until the next is asked for.
    private func response() throws -> Range<Int> {
        let start = head
        var scanned = head
        var base = start
        var octetsInLiterals = 0
        while true {
            while let lineEnd = newline(from: scanned) {
                let octets = literal(endingAt: lineEnd, from: base)
                scanned = lineEnd + 1
                guard let octets else {
                    head = scanned
                    tally.octets += octetsInLiterals
                    return start..<lineEnd
                }
                try reserve(upTo: scanned + octets)
                octetsInLiterals += octets
                scanned += octets
                base = scanned
            }
            scanned = end
            if start > 0, end == start || start > buffer.count / 2 {
                return try moved(start)
            }
            try fill()
        }
    }

    /// Moves what is left to the front and begins again: what was scanned is short.
    private func moved(_ start: Int) throws -> Range<Int> {
        buffer.withUnsafeMutableBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            memmove(base, base + start, end - start)
        }
        end -= start
        head = 0
        try fill()
        return try response()
    }

    private func newline(from index: Int) -> Int? {
        guard index < end else { return nil }
        return buffer.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress, let found = memchr(base + index, 10, end - index) else { return nil }
            return UnsafeRawPointer(found) - base
        }
    }

    /// The size of the literal that a line announces.
    private func literal(endingAt lineEnd: Int, from base: Int) -> Int? {
        var index = lineEnd - 1
        if index >= base, buffer[index] == 13 { index -= 1 }
        guard index > base, buffer[index] == UInt8(ascii: "}") else { return nil }
        var value = 0
        var unit = 1
        index -= 1
        while index >= base, case 48...57 = buffer[index] {
            value += Int(buffer[index] - 48) * unit
            unit *= 10
            index -= 1
        }
        return index >= base && buffer[index] == UInt8(ascii: "{") ? value : nil
    }

    private func reserve(upTo count: Int) throws { while end < count { try fill() } }

    private func fill() throws {
        if end == buffer.count { buffer.append(contentsOf: [UInt8](repeating: 0, count: buffer.count)) }
        let count = try buffer.withUnsafeMutableBytes {
            try socket.receive(UnsafeMutableRawBufferPointer(rebasing: $0[end...]))
        }
        guard count > 0 else { throw BenchFailure("the server has closed a connection") }
        end += count
    }

    private func text(_ range: Range<Int>) -> String {
        let stop =
            range.upperBound > range.lowerBound && buffer[range.upperBound - 1] == 13
            ? range.upperBound - 1 : range.upperBound
        return String(decoding: buffer[range.lowerBound..<stop], as: UTF8.self)
    }
}

/// A server has answered NO or BAD.
struct CommandRefused: Error, CustomStringConvertible {
    let command: String
    let answer: String

    var description: String { "the server answers \(answer) to \(command)" }
}
