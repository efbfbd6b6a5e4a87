// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import LiveTestSupport

/// Ports of loopback that nobody listens on.
enum FreePorts {
    /// Where ports are looked for: below those that a system gives to whoever asks for any, so that nobody else takes one before its node has started.
    private static let range = 10_000..<32_000

    /// Finds ports; all are held until the last is found, so that they differ.
    static func find(_ count: Int) throws -> [Int] {
        var descriptors: [Int32] = []
        defer { descriptors.forEach { close($0) } }
        var ports: [Int] = []
        for _ in 0..<1_000 where ports.count < count {
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            guard descriptor >= 0 else { throw LiveFailure.system("socket") }
            descriptors.append(descriptor)
            let port = Int.random(in: range)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr = in_addr(s_addr: UInt32(0x7F00_0001).bigEndian)
            address.sin_port = UInt16(port).bigEndian
            let status = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            if status == 0 { ports.append(port) }
        }
        guard ports.count == count else { throw LiveFailure("\(count) free ports were not found") }
        return ports
    }
}
