// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc

/// A TCP connection to a port of this machine, with a limit on every wait.
package final class LiveSocket {
    let descriptor: Int32
    /// Whether the other side has ended the connection.
    package private(set) var isAtEnd = false
    /// What carries the bytes on, for a connection with TLS.
    private let tunnel: TLSTunnel?

    /// Connects with TLS.
    ///
    /// - Parameters:
    ///   - port: a port of 127.0.0.1.
    ///   - authority: the file of the authority that the server's certificate must come from.
    package init(tlsPort port: Int, authority: String) throws {
        let tunnel = try TLSTunnel(port: port, authority: authority)
        descriptor = tunnel.descriptor
        self.tunnel = tunnel
    }

    /// Connects.
    ///
    /// - Parameter port: a port of 127.0.0.1.
    package init(port: Int) throws {
        tunnel = nil
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw LiveFailure.system("socket") }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr = in_addr(s_addr: UInt32(0x7F00_0001).bigEndian)
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard status == 0 else {
            let failure = LiveFailure.system("connect to port \(port)")
            close(descriptor)
            throw failure
        }
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
    }

    deinit { close(descriptor) }

    /// Sends bytes.
    ///
    /// - Returns: whether all went out; false when the other side has ended the connection.
    @discardableResult
    package func send(_ bytes: ArraySlice<UInt8>, within limit: Duration = .seconds(60)) throws -> Bool {
        let deadline = Deadline(limit)
        return try bytes.withUnsafeBytes { source in
            var rest = source[...]
            while !rest.isEmpty {
                let piece = UnsafeRawBufferPointer(rebasing: rest)
                let count = Glibc.send(descriptor, piece.baseAddress, piece.count, Int32(MSG_NOSIGNAL))
                let code = errno
                if count >= 0 {
                    rest = rest.dropFirst(count)
                } else if code == EAGAIN {
                    guard try deadline.wait(for: descriptor, Int16(POLLOUT)) else {
                        throw LiveFailure("the server took no more input within \(limit)")
                    }
                } else if code == EPIPE || code == ECONNRESET {
                    return false
                } else if code != EINTR {
                    throw LiveFailure("send: \(String(cString: strerror(code)))")
                }
            }
            return true
        }
    }

    /// Sends bytes.
    ///
    /// - Returns: whether all went out; false when the other side has ended the connection.
    @discardableResult
    package func send(_ bytes: [UInt8], within limit: Duration = .seconds(60)) throws -> Bool {
        try send(bytes[...], within: limit)
    }

    /// Takes what has come, without waiting.
    ///
    /// - Parameter buffer: gets the bytes.
    /// - Returns: how many came; at the end ``isAtEnd`` is set.
    func receiveAvailable(into buffer: inout [UInt8]) throws -> Int {
        var total = 0
        // The bound keeps a test's samples of the server's memory frequent.
        while !isAtEnd, total < 1 << 20 {
            let (count, code) = withUnsafeTemporaryAllocation(byteCount: 262_144, alignment: 1) { chunk in
                let count = recv(descriptor, chunk.baseAddress, chunk.count, 0)
                let code = errno
                if count > 0 { buffer.append(contentsOf: chunk[..<count]) }
                return (count, code)
            }
            if count > 0 {
                total += count
            } else if count == 0 || code == ECONNRESET {
                // A reset ends the connection like a proper end.
                isAtEnd = true
            } else if code == EAGAIN {
                break
            } else if code != EINTR {
                throw LiveFailure("recv: \(String(cString: strerror(code)))")
            }
        }
        return total
    }

    /// Waits for bytes or the end.
    ///
    /// - Returns: how many came; 0 at the end.
    func receive(into buffer: inout [UInt8], until deadline: Deadline) throws -> Int {
        while true {
            let count = try receiveAvailable(into: &buffer)
            if count > 0 || isAtEnd { return count }
            guard try deadline.wait(for: descriptor, Int16(POLLIN)) else {
                throw LiveFailure("the server said nothing in time")
            }
        }
    }

    /// Says that nothing more will be sent; what the server says can still be read.
    package func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Makes the end of the connection a reset, as when a client's machine goes away.
    package func resetOnClose() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    }
}
