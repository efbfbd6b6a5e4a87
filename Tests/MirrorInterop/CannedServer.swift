// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Dispatch
internal import Glibc
internal import LiveTestSupport
internal import Synchronization

/// A server that answers HTTP requests with bytes that were recorded, and keeps what it was asked, byte for byte.
final class CannedServer: Sendable {
    /// A request as it came.
    struct Request: Hashable, Sendable {
        var line: String
        var headers: [String: String]
        var body: String
    }

    let port: Int
    private let listener: Int32
    private let answer: @Sendable (Request) -> String
    private let kept = Mutex<[Request]>([])
    private let queue = DispatchQueue(label: "canned server")

    /// Starts a server.
    ///
    /// - Parameter answer: the whole answer to a request, from the status line on; line feeds become CRLF in its head.
    init(_ answer: @escaping @Sendable (Request) -> String) throws {
        self.answer = answer
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard listener >= 0 else { throw LiveFailure.system("socket") }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = listener
        let status = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(listener, address, length) == 0 && listen(listener, 16) == 0
                    ? getsockname(listener, address, &length) : -1
            }
        }
        guard status == 0 else { throw LiveFailure.system("listen") }
        port = Int(UInt16(bigEndian: address.sin_port))
        queue.async { [self] in serve() }
    }

    /// What it was asked so far.
    var requests: [Request] { kept.withLock { $0 } }

    /// Ends it.
    func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        queue.sync {}
        close(listener)
    }

    private func serve() {
        while true {
            let connection = accept(listener, nil, nil)
            if connection < 0 {
                if errno == EINTR { continue }
                return
            }
            // One request for each connection: the answers say so.
            if let request = Self.read(connection) {
                kept.withLock { $0.append(request) }
                Self.write(Array(Self.wire(answer(request)).utf8), to: connection)
            }
            close(connection)
        }
    }

    /// An answer as it goes over the wire.
    private static func wire(_ text: String) -> String {
        let parts =
            text.firstRange(of: "\n\n").map { (text[..<$0.lowerBound], text[$0.upperBound...]) } ?? (text[...], "")
        let head = parts.0.split(separator: "\n").joined(separator: "\r\n")
        return "\(head)\r\nConnection: close\r\nContent-Length: \(parts.1.utf8.count)\r\n\r\n\(parts.1)"
    }

    private static func read(_ connection: Int32) -> Request? {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = recv(connection, &chunk, chunk.count, 0)
            guard count > 0 else { return nil }
            bytes += chunk[..<count]
            let text = String(decoding: bytes, as: UTF8.self)
            guard let end = text.firstRange(of: "\r\n\r\n") else { continue }
            let lines = text[..<end.lowerBound].split(separator: "\r\n").map(String.init)
            var headers: [String: String] = [:]
            for line in lines.dropFirst() {
                let parts = line.split(separator: ":", maxSplits: 1)
                headers[parts[0].lowercased()] = String(parts.last?.drop { $0 == " " } ?? "")
            }
            let body = String(text[end.upperBound...])
            if body.utf8.count >= Int(headers["content-length"] ?? "0") ?? 0 {
                return Request(line: lines.first ?? "", headers: headers, body: body)
            }
        }
    }

    private static func write(_ bytes: [UInt8], to connection: Int32) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}
