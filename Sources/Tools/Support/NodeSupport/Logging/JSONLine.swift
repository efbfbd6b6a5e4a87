// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Builds one JSON object (RFC 8259) on one line.
///
/// Everything that could end the line, fool a terminal or break a parser is escaped: quotes, backslashes, C0 and C1
/// control characters, DEL, and the line separators U+2028 and U+2029. A Swift string is always valid Unicode, so the
/// output is valid UTF-8.
struct JSONLine {
    /// The most bytes of one string that are written; a longer one is cut and ends in an ellipsis.
    static let maximumStringBytes = 8 * 1024

    private var bytes: [UInt8] = [0x7B]
    private var isFirst = true

    init() {
        bytes.reserveCapacity(256)
    }

    /// Adds a member whose value is a string.
    mutating func add(_ key: String, _ value: String) {
        addKey(key)
        appendString(value)
    }

    /// Adds a member whose value is a number or a literal, given as JSON text.
    mutating func add(_ key: String, literal: String) {
        addKey(key)
        bytes.append(contentsOf: literal.utf8)
    }

    /// Adds a member whose value is an array of strings.
    mutating func add(_ key: String, list: [String]) {
        addKey(key)
        bytes.append(0x5B)
        for (index, value) in list.enumerated() {
            if index > 0 { bytes.append(0x2C) }
            appendString(value)
        }
        bytes.append(0x5D)
    }

    /// Closes the object and gives the line with its line feed.
    consuming func finish() -> [UInt8] {
        bytes.append(0x7D)
        bytes.append(0x0A)
        return bytes
    }

    private mutating func addKey(_ key: String) {
        if !isFirst { bytes.append(0x2C) }
        isFirst = false
        appendString(key)
        bytes.append(0x3A)
    }

    private mutating func appendString(_ text: String) {
        bytes.append(0x22)
        let start = bytes.count
        for scalar in text.unicodeScalars {
            if bytes.count - start >= Self.maximumStringBytes {
                bytes.append(contentsOf: "…".utf8)
                break
            }
            append(scalar)
        }
        bytes.append(0x22)
    }

    private mutating func append(_ scalar: Unicode.Scalar) {
        switch scalar.value {
        case 0x20, 0x21, 0x23...0x5B, 0x5D..<0x7F: bytes.append(UInt8(scalar.value))
        case 0x22, 0x5C:
            bytes.append(0x5C)
            bytes.append(UInt8(scalar.value))
        case 0x0A: bytes.append(contentsOf: [0x5C, 0x6E])
        case 0x0D: bytes.append(contentsOf: [0x5C, 0x72])
        case 0x09: bytes.append(contentsOf: [0x5C, 0x74])
        case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029:
            let digits = String(scalar.value, radix: 16)
            bytes.append(contentsOf: "\\u\(String(repeating: "0", count: 4 - digits.utf8.count))\(digits)".utf8)
        default: if let encoded = UTF8.encode(scalar) { bytes.append(contentsOf: encoded) }
        }
    }
}
