// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import NodeSupport

/// Ports of loopback.
enum LoopbackPort {
    /// Finds ports that nobody listens on.
    ///
    /// All are held until the last is found, so that they differ; then they are let go for others to take. Somebody else may come between, which the process that
    /// then cannot listen reports.
    ///
    /// - Parameters:
    ///   - count: how many.
    ///   - preferred: the first, if it is free.
    /// - Returns: the ports.
    /// - Throws: ``NodeError`` with `addressUnavailable`.
    static func find(_ count: Int, preferring preferred: Int) throws(NodeError) -> [Int] {
        var descriptors: [Int32] = []
        defer { for descriptor in descriptors { close(descriptor) } }
        var ports: [Int] = []
        for index in 0..<count {
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            guard descriptor >= 0 else { throw failure("open a socket") }
            descriptors.append(descriptor)
            // As servers do: a port that was used a moment ago is free.
            var on: Int32 = 1
            setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
            let found = (index == 0 ? bind(descriptor, to: preferred) : nil) ?? bind(descriptor, to: 0)
            guard let found else { throw failure("bind a socket") }
            ports.append(found)
        }
        return ports
    }

    /// Whether somebody listens on a port.
    static func answers(_ port: Int) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return withAddress(port) { connect(descriptor, $0, $1) } == 0
    }

    private static func bind(_ descriptor: Int32, to port: Int) -> Int? {
        guard withAddress(port, { Glibc.bind(descriptor, $0, $1) }) == 0, listen(descriptor, 1) == 0 else { return nil }
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        return status == 0 ? Int(UInt16(bigEndian: address.sin_port)) : nil
    }

    private static func withAddress(_ port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(truncatingIfNeeded: port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    private static func failure(_ what: String) -> NodeError {
        .system(.addressUnavailable, "cannot \(what) to find a free port", errno: errno, remedy: "free some ports")
    }
}
