// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import Glibc

/// Sockets of 127.0.0.1.
enum LoopbackSocket {
    private static let stream = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)

    /// Connects to a port; small pieces are sent at once.
    static func connect(port: Int) throws -> Int32 {
        let socket = Glibc.socket(AF_INET, stream, 0)
        guard socket >= 0 else { throw failure("socket") }
        guard withAddress(port: port, { Glibc.connect(socket, $0, $1) }) == 0 else {
            let failure = failure("connect to port \(port)")
            close(socket)
            throw failure
        }
        sendAtOnce(socket)
        return socket
    }

    /// Listens on a free port.
    static func listen() throws -> (socket: Int32, port: Int) {
        let socket = Glibc.socket(AF_INET, stream, 0)
        guard socket >= 0 else { throw failure("socket") }
        guard withAddress(port: 0, { bind(socket, $0, $1) }) == 0, Glibc.listen(socket, 128) == 0 else {
            let failure = failure("bind")
            close(socket)
            throw failure
        }
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(socket, $0, &length) }
        }
        guard status == 0 else { throw failure("getsockname") }
        return (socket, Int(UInt16(bigEndian: address.sin_port)))
    }

    /// Ports that nobody listens on now; all are different.
    static func freePorts(_ count: Int) throws -> [Int] {
        var held: [Int32] = []
        defer { for socket in held { close(socket) } }
        return try (0..<count).map { _ in
            let (socket, port) = try listen()
            held.append(socket)
            return port
        }
    }

    /// Whether somebody listens on a port.
    static func answers(port: Int) -> Bool {
        // Nobody listening is what is asked for here.
        guard let socket = try? connect(port: port) else { return false }
        close(socket)
        return true
    }

    /// Sends a text and reads all that comes until the other side closes.
    static func ask(port: Int, _ text: String) throws -> String {
        let socket = try connect(port: port)
        defer { close(socket) }
        let question = Array(text.utf8)
        guard send(socket, question, question.count, Int32(MSG_NOSIGNAL)) == question.count else {
            throw failure("send")
        }
        var answer: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = recv(socket, &chunk, chunk.count, 0)
            guard count >= 0 else { throw failure("recv") }
            if count == 0 { return String(decoding: answer, as: UTF8.self) }
            answer += chunk[..<count]
        }
    }

    static func sendAtOnce(_ socket: Int32) {
        var isOn: Int32 = 1
        setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &isOn, socklen_t(MemoryLayout<Int32>.size))
    }

    static func failure(_ call: String) -> BenchFailure {
        BenchFailure("\(call): \(String(cString: strerror(errno)))")
    }

    private static func withAddress(port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(truncatingIfNeeded: port).bigEndian
        address.sin_addr = in_addr(s_addr: UInt32(0x7F00_0001).bigEndian)
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
    }
}
