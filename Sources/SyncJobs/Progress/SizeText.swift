// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Sizes as people and programs write them: "46,500,000", "46.50M", "1.2 TiB", "500 bytes".
public enum SizeText {
    /// The letters of the units, each a thousand times (or 1024 times) the one before.
    private static let letters = Array("kmgtpe".utf8)

    /// Reads a size.
    ///
    ///     size   = number *BLANK [unit]
    ///     number = 1*(DIGIT / ",") ["." 1*DIGIT]
    ///     unit   = ("K" / "M" / "G" / "T" / "P" / "E") ["i"] ["B"] / "B" / "byte" / "bytes"
    ///
    /// A unit is a power of 1000 as in rsync's `-h`, one with an `i` a power of 1024; capitals and small letters mean the same.
    ///
    /// - Parameter text: the size.
    /// - Returns: bytes, rounded down; nothing when it is no size, or beyond `Int64`.
    public static func bytes(_ text: some StringProtocol) -> Int64? { bytes(utf8: text.utf8) }

    static func bytes(utf8 text: some Collection<UInt8>) -> Int64? {
        var scanner = ByteScanner(text)
        _ = scanner.take { isBlank($0) }
        let whole = scanner.take { isDigit($0) || $0 == UInt8(ascii: ",") }.filter { isDigit($0) }
        guard (1...19).contains(whole.count) else { return nil }
        var fraction: ArraySlice<UInt8> = []
        if scanner.take(UInt8(ascii: ".")) {
            fraction = scanner.take { isDigit($0) }
            guard !fraction.isEmpty else { return nil }
        }
        _ = scanner.take { isBlank($0) }
        guard let unit = unit(&scanner) else { return nil }
        _ = scanner.take { isBlank($0) }
        guard scanner.isAtEnd else { return nil }
        // 18 digits after the point are more than a unit has.
        var scale: Int128 = 1
        var value = whole.reduce(Int128(0)) { $0 * 10 + Int128($1 - UInt8(ascii: "0")) }
        for digit in fraction.prefix(18) {
            value = value * 10 + Int128(digit - UInt8(ascii: "0"))
            scale *= 10
        }
        let (product, overflow) = value.multipliedReportingOverflow(by: unit)
        return overflow ? nil : Int64(exactly: product / scale)
    }

    private static func unit(_ scanner: inout ByteScanner) -> Int128? {
        guard let letter = scanner.peek else { return 1 }
        if scanner.take(text: "bytes") || scanner.take(text: "byte") || scanner.take(text: "b") { return 1 }
        guard let power = letters.firstIndex(of: ByteScanner.lowered(letter)), scanner.take(letter) else { return nil }
        let base: Int128 = scanner.take(text: "i") ? 1_024 : 1_000
        _ = scanner.take(text: "b")
        return (0...power).reduce(Int128(1)) { product, _ in product * base }
    }

    /// Writes a size as rsync's `-h` does, with two digits after the point and a unit of 1000, such as "46.50M"; less than 1000 bytes as "500B".
    ///
    /// - Parameter bytes: the size; a negative one is written as 0.
    /// - Returns: the text.
    public static func text(bytes: Int64) -> String {
        let bytes = max(bytes, 0)
        guard bytes >= 1_000 else { return "\(bytes)B" }
        var unit: Int64 = 1_000
        var power = 0
        while power < letters.count - 1, bytes / unit >= 1_000 {
            unit *= 1_000
            power += 1
        }
        var hundredths = Int128(bytes) * 100
        hundredths = (hundredths + Int128(unit) / 2) / Int128(unit)
        if hundredths >= 100_000, power < letters.count - 1 {
            // 999.995 and more is written with the next unit.
            hundredths = (hundredths + 500) / 1_000
            power += 1
        }
        let letter = String(decoding: [letters[power] & 0xdf], as: UTF8.self)
        return "\(hundredths / 100).\(CivilTime.padded(Int64(hundredths % 100), 2))\(letter)"
    }
}
