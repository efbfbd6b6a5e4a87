// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc

/// Questions about the text of addresses and host names.
package enum IPAddress {
    /// The 4 bytes of an IPv4 address in dotted form, or `nil`.
    package static func version4Bytes(_ text: String) -> [UInt8]? {
        bytes(text, family: AF_INET, count: 4)
    }

    /// The 16 bytes of an IPv6 address without a zone, or `nil`.
    package static func version6Bytes(_ text: String) -> [UInt8]? {
        bytes(text, family: AF_INET6, count: 16)
    }

    /// Whether the text is a dotted IPv4 address.
    static func isVersion4(_ text: String) -> Bool { version4Bytes(text) != nil }

    /// Whether the text is an IPv6 address, with or without a zone (RFC 4007 section 11).
    static func isVersion6(_ text: String) -> Bool {
        guard let percent = text.firstIndex(of: "%") else { return version6Bytes(text) != nil }
        let zone = text[text.index(after: percent)...]
        return !zone.isEmpty && zone.utf8.allSatisfy(isZoneByte) && version6Bytes(String(text[..<percent])) != nil
    }

    /// Whether the text is a host name: labels of 1 to 63 letters, digits, hyphens and underscores, no hyphen at their
    /// ends, at most 253 bytes, and the last label not all digits (RFC 1123 section 2.1).
    package static func isName(_ text: String) -> Bool {
        guard (1...253).contains(text.utf8.count) else { return false }
        let labels = text.utf8.split(separator: 0x2E, omittingEmptySubsequences: false)
        for label in labels {
            guard (1...63).contains(label.count), label.first != 0x2D, label.last != 0x2D else { return false }
            guard label.allSatisfy({ isAlphanumeric($0) || $0 == 0x2D || $0 == 0x5F }) else { return false }
        }
        guard let last = labels.last else { return false }
        return !last.allSatisfy { (0x30...0x39).contains($0) }
    }

    private static func bytes(_ text: String, family: Int32, count: Int) -> [UInt8]? {
        // C strings end at a NUL: what follows it would be ignored.
        guard !text.utf8.contains(0) else { return nil }
        var bytes = [UInt8](repeating: 0, count: count)
        let found = bytes.withUnsafeMutableBytes { inet_pton(family, text, $0.baseAddress) }
        return found == 1 ? bytes : nil
    }

    private static func isZoneByte(_ byte: UInt8) -> Bool {
        isAlphanumeric(byte) || byte == 0x2D || byte == 0x5F || byte == 0x2E
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }
}
