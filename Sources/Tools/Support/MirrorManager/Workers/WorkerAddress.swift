// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc

/// The parts of a worker's URL that decide where a request goes.
///
///     url = ("http" / "https") "://" (name / IPv4 / "[" IPv6 "]") [":" port] [path]
///
/// Names and passwords, queries and fragments are refused, and so is every character that parsers read in different ways.
struct WorkerAddress: Hashable, Sendable {
    /// The longest URL in bytes.
    static let maximumBytes = 1_024

    let isSecure: Bool
    /// The host in small letters, without brackets.
    let host: String
    let port: Int
    /// What stands behind the port; empty or with a slash at its beginning.
    let path: String

    init?(_ url: String) {
        guard url.utf8.count <= Self.maximumBytes, url.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            return nil
        }
        let rest: Substring
        let lowercased = url.prefix(8).lowercased()
        if lowercased.hasPrefix("http://") {
            isSecure = false
            rest = url.dropFirst(7)
        } else if lowercased == "https://" {
            isSecure = true
            rest = url.dropFirst(8)
        } else {
            return nil
        }
        let authority = rest.prefix { $0 != "/" }
        path = String(rest.dropFirst(authority.count))
        guard !path.contains(where: { "?#\\".contains($0) }),
            let (host, port) = Self.split(authority, standardPort: isSecure ? 443 : 80)
        else { return nil }
        self.host = host
        self.port = port
    }

    /// Whether the host is an address, not a name.
    var isLiteral: Bool { AddressRules.isAddress(host) }

    /// Whether both lead to the same scheme, host and port.
    func isSameServer(as other: WorkerAddress) -> Bool {
        isSecure == other.isSecure && host == other.host && port == other.port
    }

    private static func split(_ authority: Substring, standardPort: Int) -> (String, Int)? {
        let host: Substring
        let rest: Substring
        if authority.first == "[" {
            guard let end = authority.firstIndex(of: "]") else { return nil }
            host = authority[authority.index(after: authority.startIndex)..<end]
            rest = authority[authority.index(after: end)...]
            guard AddressRules.isVersion6(String(host)) else { return nil }
        } else {
            host = authority.prefix { $0 != ":" }
            rest = authority.dropFirst(host.count)
            let allowed = host.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                    || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_")
            }
            guard !host.isEmpty, host.utf8.count <= 253, allowed else { return nil }
        }
        if rest.isEmpty { return (host.lowercased(), standardPort) }
        guard rest.first == ":", rest.dropFirst().utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let port = Int(rest.dropFirst()), (1...65_535).contains(port)
        else { return nil }
        return (host.lowercased(), port)
    }
}
