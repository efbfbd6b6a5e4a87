// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// A host and a port, written `127.0.0.1:143`, `[::1]:143` or `mail.example.org:143`.
package struct HostPort: Hashable, Sendable, CustomStringConvertible {
    /// An address or a name, without brackets; an IPv6 address may carry a zone (`fe80::1%eth0`).
    package let host: String
    /// The port, 0 to 65535; to a listener 0 means any free port.
    package let port: Int

    /// Joins a host and a port that are known to be good, such as those of a bound socket.
    ///
    /// - Parameters:
    ///   - host: An address or a name, without brackets.
    ///   - port: The port.
    package init(host: String, port: UInt16) {
        self.host = host
        self.port = Int(port)
    }

    /// Parses `HOST:PORT`.
    ///
    ///     host-port = ( IPv4address / "[" IPv6address [ "%" zone ] "]" / reg-name ) ":" 1*5DIGIT
    ///
    /// Names are those of RFC 1123 section 2.1, underscores allowed.
    ///
    /// - Parameter text: What a person wrote.
    /// - Throws: ``NodeError`` with `addressInvalid`, saying what is wrong and how it should look.
    package init(parsing text: String) throws(NodeError) {
        let portText: Substring
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else {
                throw Self.invalid(text, "the bracket is not closed; write [::1]:143")
            }
            host = String(text[text.index(after: text.startIndex)..<end])
            guard IPAddress.isVersion6(host) else {
                throw Self.invalid(text, "there is no IPv6 address between the brackets; write [::1]:143")
            }
            let rest = text[text.index(after: end)...]
            guard rest.hasPrefix(":") else { throw Self.invalid(text, "the port is missing; write [::1]:143") }
            portText = rest.dropFirst()
        } else {
            guard let colon = text.lastIndex(of: ":") else {
                throw Self.invalid(text, "the port is missing; write HOST:PORT, such as 127.0.0.1:143")
            }
            host = String(text[..<colon])
            portText = text[text.index(after: colon)...]
            try Self.check(host: host, in: text)
        }
        guard (1...5).contains(portText.utf8.count), portText.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let number = UInt16(portText)
        else { throw Self.invalid(text, "the port must be a number from 0 to 65535") }
        port = Int(number)
    }

    /// The form that ``init(parsing:)`` reads, with brackets round an IPv6 address.
    package var description: String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    private static func check(host: String, in text: String) throws(NodeError) {
        if host.isEmpty {
            throw invalid(text, "the host is missing; write 0.0.0.0 or [::] for all addresses")
        }
        if host.contains(":") { throw invalid(text, "an IPv6 address stands in brackets; write [::1]:143") }
        if IPAddress.isVersion4(host) { return }
        guard IPAddress.isName(host) else {
            throw invalid(text, "the host is neither an IP address nor a host name")
        }
    }

    private static func invalid(_ text: String, _ reason: String) -> NodeError {
        let shown = text.unicodeScalars.prefix(100).map { $0.escaped(asASCII: false) }.joined()
        return NodeError(.addressInvalid, "\"\(shown)\" is not an address: \(reason)")
    }
}
