// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Case folding of UTF-8 for comparisons that disregard case (RFC 3501 section 6.4.4).
///
/// Folding maps a scalar to its upper case and that to its lower case, so that the final sigma equals the other sigma
/// and a sharp s equals "ss". It depends on no language, and does not normalise: a letter with a combining accent
/// differs from the composed letter.
public enum CaseFold {
    /// Folds a whole text.
    ///
    /// - Parameter bytes: UTF-8; ill-formed sequences become U+FFFD.
    /// - Returns: the folded UTF-8.
    public static func fold(_ bytes: [UInt8]) -> [UInt8] {
        var folder = CaseFolder()
        var output: [UInt8] = []
        output.reserveCapacity(bytes.count)
        folder.fold(bytes.span, into: &output)
        folder.finish(into: &output)
        return output
    }

    /// Compares two texts without regard to case.
    ///
    /// - Parameters:
    ///   - left: UTF-8.
    ///   - right: UTF-8.
    /// - Returns: whether both fold to the same bytes.
    public static func isEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool { fold(left) == fold(right) }

    /// Appends the folded form of a scalar above U+007F.
    static func append(_ scalar: Unicode.Scalar, to output: inout [UInt8]) {
        let value = Int(scalar.value)
        if value < table.count {
            let mapped = table[value]
            if mapped != 0, let simple = Unicode.Scalar(mapped) {
                UTF8Repair.append(simple, to: &output)
                return
            }
        } else if value >= 0x2E80 && value < 0xA640 {
            // Ideographs, kana and their neighbours have no case.
            UTF8Repair.append(scalar, to: &output)
            return
        }
        for folded in mapping(of: scalar).unicodeScalars { UTF8Repair.append(folded, to: &output) }
    }

    private static func mapping(of scalar: Unicode.Scalar) -> String {
        var result = ""
        for upper in scalar.properties.uppercaseMapping.unicodeScalars { result += upper.properties.lowercaseMapping }
        return result
    }

    /// The folded scalar for everything below U+0600; 0 where the fold has several scalars.
    private static let table: [UInt32] = (UInt32(0)..<0x600).map { value in
        guard let scalar = Unicode.Scalar(value) else { return 0 }
        let mapped = Array(mapping(of: scalar).unicodeScalars)
        return mapped.count == 1 ? mapped[0].value : 0
    }
}

/// Folds UTF-8 chunk by chunk; any split gives the same result.
struct CaseFolder: Sendable {
    private var pending: UInt32 = 0
    private var missingCount = 0
    private var repair = UTF8Repair()
    private var repaired: [UInt8] = []
    private var isMidCharacter = false

    /// Folds the next bytes; an incomplete character is held back.
    mutating func fold(_ bytes: borrowing Span<UInt8>, into output: inout [UInt8]) {
        var index = 0
        while index < bytes.count {
            if isMidCharacter || bytes[index] >= 0x80 {
                pushSlow(bytes[index], into: &output)
                index += 1
                continue
            }
            let start = index
            while index < bytes.count, bytes[index] < 0x80 { index += 1 }
            let run = start..<index
            let outputStart = output.count
            bytes.withUnsafeBufferPointer { output.append(contentsOf: $0[run]) }
            output.withUnsafeMutableBufferPointer { folded in
                for place in outputStart..<folded.count { folded[place] = MailASCII.lowercased(folded[place]) }
            }
        }
    }

    /// Ends the text.
    mutating func finish(into output: inout [UInt8]) {
        repair.finish(into: &repaired)
        drain(into: &output)
        isMidCharacter = false
    }

    private mutating func pushSlow(_ byte: UInt8, into output: inout [UInt8]) {
        repair.push(byte, into: &repaired)
        isMidCharacter = repaired.isEmpty
        drain(into: &output)
        // A byte that begins a new character after an ill-formed one leaves both output and a pending character.
        if byte >= 0xC2 && byte <= 0xF4 { isMidCharacter = true }
    }

    /// Decodes the well-formed characters that the repair let through.
    private mutating func drain(into output: inout [UInt8]) {
        for byte in repaired {
            if missingCount > 0 {
                pending = pending << 6 | UInt32(byte & 0x3F)
                missingCount -= 1
                if missingCount == 0 {
                    CaseFold.append(Unicode.Scalar(pending) ?? UTF8Repair.replacement, to: &output)
                }
            } else if byte < 0x80 {
                output.append(MailASCII.lowercased(byte))
            } else if byte < 0xE0 {
                pending = UInt32(byte & 0x1F)
                missingCount = 1
            } else if byte < 0xF0 {
                pending = UInt32(byte & 0x0F)
                missingCount = 2
            } else {
                pending = UInt32(byte & 0x07)
                missingCount = 3
            }
        }
        repaired.removeAll(keepingCapacity: true)
    }
}
