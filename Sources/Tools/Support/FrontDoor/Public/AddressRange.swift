// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
package import NodeSupport

/// A network address with the length of its prefix, such as `10.0.0.0/8` (RFC 4632); one address when there is no length.
package struct AddressRange: Hashable, Sendable, CustomStringConvertible {
    private let bytes: [UInt8]
    private let prefixBits: Int
    /// What was written.
    package let description: String

    /// Reads a range.
    ///
    /// - Parameter text: an IPv4 or IPv6 address, and maybe `/` and a length.
    /// - Throws: ``NodeError`` with `addressInvalid`.
    package init(parsing text: String) throws(NodeError) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let bytes = Self.bytes(String(parts[0])) else {
            throw NodeError(.addressInvalid, "\(text) is not an address, or an address and a prefix: 10.0.0.0/8")
        }
        var bits = bytes.count * 8
        if parts.count == 2 {
            guard let written = Int(parts[1]), (0...bits).contains(written) else {
                throw NodeError(.addressInvalid, "the prefix of \(text) is not a number from 0 to \(bits)")
            }
            bits = written
        }
        self.bytes = bytes
        prefixBits = bits
        description = text
    }

    /// Whether an address is in the range.
    ///
    /// - Parameter address: an address as text; IPv4 in its IPv6 form counts as IPv4 (RFC 4291 section 2.5.5.2).
    /// - Returns: whether it is.
    package func contains(_ address: String) -> Bool {
        guard var other = Self.bytes(String(address.prefix { $0 != "%" })) else { return false }
        let isMapped = other.count == 16 && other[..<12].elementsEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF])
        if isMapped, bytes.count == 4 { other = Array(other[12...]) }
        guard other.count == bytes.count else { return false }
        for index in 0..<((prefixBits + 7) / 8) {
            let mask: UInt8 = prefixBits - index * 8 >= 8 ? 0xFF : ~(0xFF >> UInt8(prefixBits - index * 8))
            if (other[index] ^ bytes[index]) & mask != 0 { return false }
        }
        return true
    }

    /// The octets of an address; nil when the text is none.
    private static func bytes(_ text: String) -> [UInt8]? {
        guard !text.utf8.contains(0) else { return nil }
        for (family, count) in [(AF_INET, 4), (AF_INET6, 16)] {
            var bytes = [UInt8](repeating: 0, count: count)
            if bytes.withUnsafeMutableBytes({ inet_pton(family, text, $0.baseAddress) }) == 1 { return bytes }
        }
        return nil
    }
}
