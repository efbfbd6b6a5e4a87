// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc

/// What is known of an address by its numbers.
enum AddressRules {
    /// Whether a text is an address in numbers.
    static func isAddress(_ text: String) -> Bool { bytes(of: text) != nil }

    /// Whether a text is an IPv6 address.
    static func isVersion6(_ text: String) -> Bool { text.contains(":") && isAddress(text) }

    /// The 4 or 16 bytes of an address; an IPv4 address inside IPv6 has 4.
    static func bytes(of text: String) -> [UInt8]? {
        guard !text.utf8.contains(0) else { return nil }
        var four = [UInt8](repeating: 0, count: 4)
        if four.withUnsafeMutableBytes({ inet_pton(AF_INET, text, $0.baseAddress) }) == 1 { return four }
        var sixteen = [UInt8](repeating: 0, count: 16)
        guard sixteen.withUnsafeMutableBytes({ inet_pton(AF_INET6, text, $0.baseAddress) }) == 1 else { return nil }
        let mapped = sixteen[0..<10].allSatisfy { $0 == 0 } && sixteen[10] == 0xFF && sixteen[11] == 0xFF
        return mapped ? Array(sixteen[12...]) : sixteen
    }

    /// Whether it is this machine by its loopback interface.
    static func isLoopback(_ text: String) -> Bool {
        guard let bytes = bytes(of: text) else { return false }
        return bytes.count == 4 ? bytes[0] == 127 : bytes == [UInt8](repeating: 0, count: 15) + [1]
    }

    /// Whether it is no machine that a worker can be reached at: unspecified, link-local, where clouds keep secrets,
    /// multicast, or reserved.
    static func isUnfit(_ text: String) -> Bool {
        guard let bytes = bytes(of: text) else { return true }
        if bytes.count == 4 { return bytes[0] == 0 || bytes[0] >= 224 || (bytes[0] == 169 && bytes[1] == 254) }
        return bytes.allSatisfy { $0 == 0 } || bytes[0] == 0xFF || (bytes[0] == 0xFE && bytes[1] & 0xC0 == 0x80)
    }

    /// Whether two texts are the same address.
    static func isSame(_ left: String, _ right: String) -> Bool {
        guard let left = bytes(of: left), let right = bytes(of: right) else { return false }
        return left == right
    }

    /// The addresses of a host; blocks while a name is looked up.
    static func resolve(_ host: String) -> [String] {
        if isAddress(host) { return [host] }
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        var addresses: [String] = []
        var entry = list
        while let current = entry?.pointee {
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            if getnameinfo(
                current.ai_addr, current.ai_addrlen, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0
            {
                addresses.append(
                    String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
            }
            entry = current.ai_next
        }
        return addresses
    }
}
