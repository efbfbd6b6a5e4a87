// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Numbers of bytes as people write them: `256M`, `1.5 GiB`, `1073741824`.
///
/// The units are binary (1 K is 1024), with or without `i` and `B`, in capital or small letters, as tunasync reads `memory_limit`.
enum ByteCount {
    /// Reads a number of bytes.
    ///
    /// - Parameter text: What was written.
    /// - Returns: The bytes; `nil` when it is no such number or is too large.
    static func parse(_ text: String) -> Int64? {
        var rest = Substring(text)
        let digits = rest.prefix { $0.isASCII && $0.isNumber || $0 == "." }
        guard let number = Double(digits), digits.first != ".", digits.last != "." else { return nil }
        rest = rest.dropFirst(digits.count)
        if rest.first == " " { rest = rest.dropFirst() }
        var unit = rest.lowercased()
        if unit.hasSuffix("b") { unit.removeLast() }
        if unit.count == 2, unit.hasSuffix("i") { unit.removeLast() }
        let power: Int
        switch unit {
        case "": power = 0
        case "k": power = 1
        case "m": power = 2
        case "g": power = 3
        case "t": power = 4
        case "p": power = 5
        default: return nil
        }
        if let whole = Int64(digits) {
            let (bytes, isTooLarge) = whole.multipliedReportingOverflow(by: 1 << (10 * power))
            return isTooLarge ? nil : bytes
        }
        return Int64(exactly: (number * Double(Int64(1) << (10 * power))).rounded(.down))
    }

    /// Writes a number of bytes so that ``parse(_:)`` reads the same, in the largest unit that needs no fraction.
    static func text(_ bytes: Int64) -> String {
        var number = bytes
        var unit = ""
        for larger in ["K", "M", "G", "T", "P"] {
            guard number != 0, number % 1024 == 0 else { break }
            number /= 1024
            unit = larger
        }
        return String(number) + unit
    }
}
