// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Passes well-formed UTF-8 through and puts U+FFFD in the place of each maximal ill-formed sequence.
///
/// The byte ranges are those of table 3-7 of the Unicode Standard. State is at most three octets.
struct UTF8Repair: Sendable {
    static let replacement: Unicode.Scalar = "\u{FFFD}"

    private var pending: UInt32 = 0
    private var pendingCount = 0
    private var missingCount = 0
    private var lower: UInt8 = 0x80
    private var upper: UInt8 = 0xBF

    /// Takes any number of octets; runs of ASCII are copied as a whole.
    mutating func push(_ bytes: borrowing Span<UInt8>, into output: inout [UInt8]) {
        var index = 0
        while index < bytes.count {
            if missingCount > 0 || bytes[index] >= 0x80 {
                push(bytes[index], into: &output)
                index += 1
                continue
            }
            let start = index
            while index < bytes.count, bytes[index] < 0x80 { index += 1 }
            let run = start..<index
            bytes.withUnsafeBufferPointer { output.append(contentsOf: $0[run]) }
        }
    }

    /// Takes one octet.
    mutating func push(_ byte: UInt8, into output: inout [UInt8]) {
        if missingCount > 0 {
            if byte >= lower && byte <= upper {
                pending = pending << 8 | UInt32(byte)
                pendingCount += 1
                missingCount -= 1
                lower = 0x80
                upper = 0xBF
                if missingCount == 0 { release(into: &output) }
                return
            }
            missingCount = 0
            pendingCount = 0
            Self.append(Self.replacement, to: &output)
        }
        if byte < 0x80 { output.append(byte) } else { begin(byte, into: &output) }
    }

    /// Ends the text; an incomplete sequence becomes U+FFFD.
    mutating func finish(into output: inout [UInt8]) {
        if missingCount > 0 { Self.append(Self.replacement, to: &output) }
        missingCount = 0
        pendingCount = 0
    }

    private mutating func begin(_ byte: UInt8, into output: inout [UInt8]) {
        lower = 0x80
        upper = 0xBF
        switch byte {
        case 0xC2...0xDF: missingCount = 1
        case 0xE0:
            missingCount = 2
            lower = 0xA0
        case 0xED:
            missingCount = 2
            upper = 0x9F
        case 0xE1...0xEF: missingCount = 2
        case 0xF0:
            missingCount = 3
            lower = 0x90
        case 0xF1...0xF3: missingCount = 3
        case 0xF4:
            missingCount = 3
            upper = 0x8F
        default:
            Self.append(Self.replacement, to: &output)
            return
        }
        pending = UInt32(byte)
        pendingCount = 1
    }

    private mutating func release(into output: inout [UInt8]) {
        var shift = (pendingCount - 1) * 8
        while shift >= 0 {
            output.append(UInt8(truncatingIfNeeded: pending >> UInt32(shift)))
            shift -= 8
        }
        pendingCount = 0
    }

    /// Whether all of the bytes are well-formed UTF-8.
    static func isWellFormed(_ bytes: [UInt8]) -> Bool {
        var isASCII = true
        for byte in bytes where byte >= 0x80 {
            isASCII = false
            break
        }
        return isASCII || String(validating: bytes, as: UTF8.self) != nil
    }

    /// Appends the UTF-8 of a scalar.
    static func append(_ scalar: Unicode.Scalar, to output: inout [UInt8]) {
        let value = scalar.value
        if value < 0x80 {
            output.append(UInt8(value))
        } else if value < 0x800 {
            output.append(UInt8(0xC0 | value >> 6))
            output.append(UInt8(0x80 | value & 0x3F))
        } else if value < 0x10000 {
            output.append(UInt8(0xE0 | value >> 12))
            output.append(UInt8(0x80 | value >> 6 & 0x3F))
            output.append(UInt8(0x80 | value & 0x3F))
        } else {
            output.append(UInt8(0xF0 | value >> 18))
            output.append(UInt8(0x80 | value >> 12 & 0x3F))
            output.append(UInt8(0x80 | value >> 6 & 0x3F))
            output.append(UInt8(0x80 | value & 0x3F))
        }
    }
}
