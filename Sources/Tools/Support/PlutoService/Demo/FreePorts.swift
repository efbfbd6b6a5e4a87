// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import NodeSupport

/// Finds ports that nobody listens on.
enum FreePorts {
    /// Finds free ports of loopback.
    ///
    /// All are held until the last is found, so that they differ; then they are let go for the nodes to take. Somebody
    /// else may come between, which the node then reports.
    ///
    /// - Parameter count: How many.
    /// - Returns: The ports.
    /// - Throws: ``NodeError`` with `addressUnavailable`.
    static func find(_ count: Int) throws(NodeError) -> [UInt16] {
        var descriptors: [Int32] = []
        defer { for descriptor in descriptors { close(descriptor) } }
        var ports: [UInt16] = []
        for _ in 0..<count {
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            guard descriptor >= 0 else { throw failure("open a socket") }
            descriptors.append(descriptor)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let status = withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                    bind(descriptor, address, length) == 0 ? getsockname(descriptor, address, &length) : -1
                }
            }
            guard status == 0 else { throw failure("bind a socket") }
            ports.append(UInt16(bigEndian: address.sin_port))
        }
        return ports
    }

    private static func failure(_ what: String) -> NodeError {
        .system(
            .addressUnavailable, "cannot \(what) to find a free port", errno: errno,
            remedy: "give ports with --base-port")
    }
}
