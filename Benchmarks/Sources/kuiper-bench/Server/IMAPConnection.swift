// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import Glibc

/// A blocking IMAP client on a plain socket, with no more than the scenarios need.
final class IMAPConnection {
    let socket: Int32
    private var buffer: [UInt8] = []
    private var head = 0
    private var nextTag = 1

    /// Connects to a port of this machine.
    init(port: UInt16) throws {
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard socket >= 0 else { throw Self.failure("socket") }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(socket, $0, size) }
        }
        guard result == 0 else { throw Self.failure("connect") }
        var isOn: Int32 = 1
        setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &isOn, socklen_t(MemoryLayout<Int32>.size))
    }

    deinit { close(socket) }

    /// Sends a command and waits for its end.
    ///
    /// - Parameter text: the command without its tag.
    /// - Returns: the number of untagged lines.
    /// - Throws: `BenchFailure` when the server does not answer OK.
    @discardableResult
    func command(_ text: String) throws -> Int {
        let tag = "t\(nextTag)"
        nextTag += 1
        try send(Array("\(tag) \(text)\r\n".utf8))
        var count = 0
        while true {
            let reply = try line()
            if reply.hasPrefix(tag + " ") {
                guard reply.hasPrefix(tag + " OK") else { throw BenchFailure("pluto answers \(reply) to \(text)") }
                return count
            }
            count += 1
        }
    }

    /// Sends an APPEND and does not wait.
    func sendAppend(_ mail: [UInt8], to mailbox: String) throws {
        try send(Array("t\(nextTag) APPEND \(mailbox) {\(mail.count)+}\r\n".utf8) + mail + [13, 10])
        nextTag += 1
    }

    /// Reads up to the tagged reply of the last command.
    func finishAppend() throws {
        let tag = "t\(nextTag - 1) "
        while true {
            let reply = try line()
            guard reply.hasPrefix(tag) else { continue }
            guard reply.hasPrefix(tag + "OK") else { throw BenchFailure("pluto answers \(reply) to APPEND") }
            return
        }
    }

    func send(_ bytes: [UInt8]) throws {
        var start = 0
        while start < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(socket, $0.baseAddress.map { $0 + start }, $0.count - start, 0)
            }
            guard count > 0 else { throw Self.failure("send") }
            start += count
        }
    }

    /// The next line without its end.
    func line() throws -> String {
        guard let line = try optionalLine() else { throw BenchFailure("pluto has closed a connection") }
        return line
    }

    /// The next line without its end; nil when there is none.
    func optionalLine() throws -> String? {
        var scanned = head
        while true {
            if let end = buffer[scanned...].firstIndex(of: 0x0A) {
                defer { head = end + 1 }
                let stop = end > head && buffer[end - 1] == 0x0D ? end - 1 : end
                return String(decoding: buffer[head..<stop], as: UTF8.self)
            }
            if head > 0 {
                buffer.removeFirst(head)
                head = 0
            }
            scanned = buffer.count
            guard try fill() else { return nil }
        }
    }

    private func fill() throws -> Bool {
        let room = 65_536
        var chunk = [UInt8](repeating: 0, count: room)
        let count = chunk.withUnsafeMutableBytes { recv(socket, $0.baseAddress, room, 0) }
        guard count >= 0 else { throw Self.failure("recv") }
        buffer += chunk[..<count]
        return count > 0
    }

    private static func failure(_ call: String) -> BenchFailure {
        BenchFailure("\(call): \(String(cString: strerror(errno)))")
    }
}
