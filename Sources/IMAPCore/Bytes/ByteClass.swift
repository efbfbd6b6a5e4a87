// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The character classes of RFC 3501 section 9, looked up in one table.
///
///     atom-specials   = "(" / ")" / "{" / SP / CTL / list-wildcards / quoted-specials / resp-specials
///     list-wildcards  = "%" / "*"
///     quoted-specials = DQUOTE / "\"
///     resp-specials   = "]"
enum ByteClass {
    private static let atom: UInt8 = 1
    private static let astring: UInt8 = 2
    private static let tag: UInt8 = 4
    private static let list: UInt8 = 8

    private static let table: [UInt8] = (0...255).map { value in
        let byte = UInt8(value)
        guard (0x20...0x7E).contains(byte) else { return 0 }
        switch byte {
        case UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "{"), UInt8(ascii: " "), UInt8(ascii: "\""),
            UInt8(ascii: "\\"):
            return 0
        case UInt8(ascii: "%"), UInt8(ascii: "*"): return list
        case UInt8(ascii: "]"): return list | astring | tag
        case UInt8(ascii: "+"): return list | astring | atom
        default: return list | astring | tag | atom
        }
    }

    /// `ATOM-CHAR`: any CHAR except atom-specials.
    static func isAtom(_ byte: UInt8) -> Bool { table[Int(byte)] & atom != 0 }

    /// `ASTRING-CHAR`: ATOM-CHAR / resp-specials.
    static func isAstring(_ byte: UInt8) -> Bool { table[Int(byte)] & astring != 0 }

    /// The characters of a tag: any ASTRING-CHAR except "+".
    static func isTag(_ byte: UInt8) -> Bool { table[Int(byte)] & tag != 0 }

    /// `list-char`: ATOM-CHAR / list-wildcards / resp-specials.
    static func isList(_ byte: UInt8) -> Bool { table[Int(byte)] & list != 0 }

    static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    /// Folds the case of ASCII letters.
    static func lowercased(_ byte: UInt8) -> UInt8 { (0x41...0x5A).contains(byte) ? byte | 0x20 : byte }

    /// Folds the case of ASCII letters.
    static func uppercased(_ byte: UInt8) -> UInt8 { (0x61...0x7A).contains(byte) ? byte & 0xDF : byte }
}
