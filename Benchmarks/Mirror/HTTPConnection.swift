// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import Glibc

/// One kept connection that speaks HTTP/1.1 and waits for each answer: as little as possible between the clock and the server.
///
/// It reads answers with a `Content-Length` or in chunks, as every server gives them.
final class HTTPConnection {
    private let descriptor: Int32
    private let host: String
    private var buffer: [UInt8] = []

    /// Connects.
    ///
    /// - Parameter port: a port of 127.0.0.1.
    /// - Throws: ``BenchFailure`` when nobody listens.
    init(port: Int) throws {
        host = "127.0.0.1:\(port)"
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw BenchFailure.system("socket") }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard status == 0 else {
            close(descriptor)
            throw BenchFailure.system("connect to \(host)")
        }
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    }

    deinit { close(descriptor) }

    /// Asks and waits for the whole answer.
    ///
    /// - Parameters:
    ///   - method: such as "GET".
    ///   - path: such as "/jobs".
    ///   - headers: further header lines without line ends.
    ///   - body: what is sent; nil sends none.
    /// - Returns: the status and the body.
    /// - Throws: ``BenchFailure`` when the connection ends or the answer cannot be read.
    func ask(
        _ method: String, _ path: String, headers: [String] = [], body: String? = nil
    ) throws -> (status: Int, body: [UInt8]) {
        var text = "\(method) \(path) HTTP/1.1\r\nHost: \(host)\r\n"
        for header in headers { text += header + "\r\n" }
        if let body {
            text += "Content-Type: application/json; charset=utf-8\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
        } else {
            text += "\r\n"
        }
        try send(Array(text.utf8))
        return try answer()
    }

    /// Asks and insists on status 200.
    ///
    /// - Throws: ``BenchFailure`` when the status is another.
    @discardableResult
    func get(_ method: String, _ path: String, headers: [String] = [], body: String? = nil) throws -> [UInt8] {
        let (status, answer) = try ask(method, path, headers: headers, body: body)
        guard status == 200 else {
            throw BenchFailure("\(method) \(path): \(status) \(String(decoding: answer.prefix(200), as: UTF8.self))")
        }
        return answer
    }

    private func send(_ bytes: [UInt8]) throws {
        var start = 0
        while start < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(
                    descriptor, $0.baseAddress.map { $0 + start }, $0.count - start, Int32(MSG_NOSIGNAL))
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw BenchFailure.system("send to \(host)") }
            start += count
        }
    }

    private func answer() throws -> (status: Int, body: [UInt8]) {
        let head = try headLines()
        let words = head[0].split(separator: " ")
        guard words.count > 1, let status = Int(words[1]) else { throw BenchFailure("\(host) does not speak HTTP") }
        var length = 0
        var isChunked = false
        for line in head.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { continue }
            let value = parts[1].drop { $0 == " " }.lowercased()
            switch parts[0].lowercased() {
            case "content-length": length = Int(value) ?? 0
            case "transfer-encoding": isChunked = value == "chunked"
            default: break
            }
        }
        return (status, isChunked ? try chunks() : try take(length))
    }

    private func headLines() throws -> [Substring] {
        var scanned = 0
        while true {
            if let end = end(of: [13, 10, 13, 10], from: scanned) {
                let text = String(decoding: buffer[..<end], as: UTF8.self)
                buffer.removeSubrange(..<(end + 4))
                return text.split(separator: "\r\n")
            }
            scanned = max(buffer.count - 3, 0)
            try fill()
        }
    }

    private func chunks() throws -> [UInt8] {
        var body: [UInt8] = []
        while true {
            var line = end(of: [13, 10], from: 0)
            while line == nil {
                try fill()
                line = end(of: [13, 10], from: 0)
            }
            let end = line ?? 0
            guard let size = Int(String(decoding: buffer[..<end], as: UTF8.self), radix: 16) else {
                throw BenchFailure("\(host) sent a chunk without a size")
            }
            buffer.removeSubrange(..<(end + 2))
            body += try take(size)
            _ = try take(2)
            if size == 0 { return body }
        }
    }

    private func take(_ count: Int) throws -> [UInt8] {
        while buffer.count < count { try fill() }
        defer { buffer.removeSubrange(..<count) }
        return Array(buffer[..<count])
    }

    private func end(of pattern: [UInt8], from start: Int) -> Int? {
        guard buffer.count >= pattern.count else { return nil }
        return (start...(buffer.count - pattern.count)).first {
            buffer[$0..<($0 + pattern.count)].elementsEqual(pattern)
        }
    }

    private func fill() throws {
        var chunk = [UInt8](repeating: 0, count: 1 << 18)
        var count = recv(descriptor, &chunk, chunk.count, 0)
        while count < 0 && errno == EINTR { count = recv(descriptor, &chunk, chunk.count, 0) }
        guard count > 0 else { throw BenchFailure("\(host) closed the connection") }
        buffer += chunk[..<count]
    }
}
