// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Walks over a short text byte by byte.
struct ByteScanner {
    private let bytes: [UInt8]
    private(set) var position = 0

    init(_ bytes: some Collection<UInt8>) { self.bytes = Array(bytes) }

    var isAtEnd: Bool { position == bytes.count }

    /// The next byte.
    var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    /// What is left.
    var rest: ArraySlice<UInt8> { bytes[position...] }

    /// Passes over a byte if it is the next.
    mutating func take(_ byte: UInt8) -> Bool {
        guard peek == byte else { return false }
        position += 1
        return true
    }

    /// Passes over a text if it is next, whatever its case.
    mutating func take(text: String) -> Bool {
        let wanted = text.utf8
        guard bytes.count - position >= wanted.count,
            zip(bytes[position...], wanted).allSatisfy({ Self.lowered($0) == Self.lowered($1) })
        else { return false }
        position += wanted.count
        return true
    }

    /// Passes over all bytes that have a property.
    mutating func take(while hasProperty: (UInt8) -> Bool) -> ArraySlice<UInt8> {
        let start = position
        while let byte = peek, hasProperty(byte) { position += 1 }
        return bytes[start..<position]
    }

    /// Passes over a decimal number of at most 9 digits.
    mutating func number() -> Int64? {
        let digits = take { isDigit($0) }
        guard !digits.isEmpty, digits.count <= 9 else { return nil }
        return digits.reduce(0) { $0 * 10 + Int64($1 - UInt8(ascii: "0")) }
    }

    /// The lower-case form of an ASCII letter; other bytes as they are.
    static func lowered(_ byte: UInt8) -> UInt8 { byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte }
}

/// Whether a byte is an ASCII digit.
func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

/// Whether a byte is a space or a tab.
func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
