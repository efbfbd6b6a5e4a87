// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// A character set whose text can be turned into UTF-8.
///
/// The names are those of the IANA registry with their common aliases. A name that is not known gives ``unknown``: its
/// octets are read as ISO-8859-1, so that ASCII is right, no octet is lost and the result is valid UTF-8. This includes
/// the multi-byte East Asian sets, whose tables would be larger than all of this module.
public enum Charset: Sendable, Hashable {
    /// US-ASCII. Octets above 127 are not legal there; real mail has UTF-8 in them, and they are read as such.
    case usASCII
    /// UTF-8. Each maximal ill-formed sequence gives one U+FFFD.
    case utf8
    /// ISO-8859-1.
    case latin1
    /// ISO-8859-2.
    case latin2
    /// ISO-8859-5.
    case cyrillic
    /// ISO-8859-7.
    case greek
    /// ISO-8859-9.
    case turkish
    /// ISO-8859-15.
    case latin9
    /// KOI8-R.
    case koi8R
    /// KOI8-U.
    case koi8U
    /// windows-1250.
    case windows1250
    /// windows-1251.
    case windows1251
    /// windows-1252.
    case windows1252
    /// UTF-16 with a byte order mark; big endian without one (RFC 2781 section 4.3).
    case utf16
    /// UTF-16BE.
    case utf16BigEndian
    /// UTF-16LE.
    case utf16LittleEndian
    /// Any other name, read as ISO-8859-1.
    case unknown

    /// Finds a character set by its name.
    ///
    /// - Parameter name: the name in any case, or nil when none is given, which means US-ASCII (RFC 2046 section
    ///   4.1.2).
    public init(name: [UInt8]?) {
        guard let name else {
            self = .usASCII
            return
        }
        self = Self.byName[MailASCII.lowercased(MailASCII.trimmed(name))] ?? .unknown
    }

    /// The scalars of the octets 0x80 to 0xFF, for sets of one octet per character.
    var upperHalf: [Unicode.Scalar]? {
        switch self {
        case .latin2: return CharsetTables.iso8859Part2
        case .cyrillic: return CharsetTables.iso8859Part5
        case .greek: return CharsetTables.iso8859Part7
        case .turkish: return CharsetTables.iso8859Part9
        case .latin9: return CharsetTables.iso8859Part15
        case .koi8R: return CharsetTables.koi8R
        case .koi8U: return CharsetTables.koi8U
        case .windows1250: return CharsetTables.windows1250
        case .windows1251: return CharsetTables.windows1251
        case .windows1252: return CharsetTables.windows1252
        case .usASCII, .utf8, .latin1, .utf16, .utf16BigEndian, .utf16LittleEndian, .unknown: return nil
        }
    }

    private static let byName: [[UInt8]: Charset] = {
        let names: [(Charset, String)] = [
            (.usASCII, "us-ascii ascii ansi_x3.4-1968 iso646-us us 646"),
            (.utf8, "utf-8 utf8 csutf8 unicode-1-1-utf-8"),
            (.latin1, "iso-8859-1 iso8859-1 iso_8859-1 latin1 l1 8859-1"),
            (.latin2, "iso-8859-2 iso8859-2 iso_8859-2 latin2 l2"),
            (.cyrillic, "iso-8859-5 iso8859-5 iso_8859-5 cyrillic"), (.greek, "iso-8859-7 iso8859-7 iso_8859-7 greek"),
            (.turkish, "iso-8859-9 iso8859-9 iso_8859-9 latin5 l5"),
            (.latin9, "iso-8859-15 iso8859-15 iso_8859-15 latin-9 latin9"), (.koi8R, "koi8-r koi8r"),
            (.koi8U, "koi8-u koi8u"), (.windows1250, "windows-1250 cp1250 cp-1250"),
            (.windows1251, "windows-1251 cp1251 cp-1251"), (.windows1252, "windows-1252 cp1252 cp-1252 x-ansi"),
            (.utf16, "utf-16 utf16"), (.utf16BigEndian, "utf-16be utf16be"), (.utf16LittleEndian, "utf-16le utf16le"),
        ]
        var result: [[UInt8]: Charset] = [:]
        for (charset, list) in names {
            for name in list.utf8.split(separator: MailASCII.space) { result[Array(name)] = charset }
        }
        return result
    }()
}
