// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// One data item of FETCH (RFC 3501 section 6.4.5); the macros ALL, FULL and FAST are expanded by the parser.
public enum FetchItem: Hashable, Sendable {
    /// The flags.
    case flags
    /// The unique identifier.
    case uid
    /// The internal date.
    case internalDate
    /// The envelope.
    case envelope
    /// The structure without extension data (`BODY`).
    case body
    /// The structure with extension data.
    case bodyStructure
    /// The size of the message in bytes.
    case rfc822Size
    /// The modification sequence (`MODSEQ`, RFC 7162 section 3.1.4.2).
    case modSequence
    /// The whole message; sets `\Seen`.
    case rfc822
    /// The header; does not set `\Seen`.
    case rfc822Header
    /// The text without the header; sets `\Seen`.
    case rfc822Text
    /// `BODY[section]<partial>`, or `BODY.PEEK[...]` when `peek` is true.
    case bodySection(BodySection, peek: Bool, partial: PartialRange?)

    /// What the macro FAST means.
    public static let fast: [FetchItem] = [.flags, .internalDate, .rfc822Size]
    /// What the macro ALL means.
    public static let all: [FetchItem] = fast + [.envelope]
    /// What the macro FULL means.
    public static let full: [FetchItem] = all + [.body]

    /// Whether fetching the item sets `\Seen` in a mailbox that was selected for writing.
    public var setsSeen: Bool {
        switch self {
        case .rfc822, .rfc822Text: true
        case .bodySection(_, let peek, _): !peek
        case .flags, .uid, .internalDate, .envelope, .body, .bodyStructure, .rfc822Size, .modSequence, .rfc822Header:
            false
        }
    }
}

/// The bytes of a section that FETCH asked for (RFC 3501 section 6.4.5, `<partial>`).
public struct PartialRange: Hashable, Sendable {
    /// The first byte wanted, from 0.
    public let offset: UInt32
    /// The most bytes wanted, from 1.
    public let maximumBytes: UInt32

    /// Makes a range.
    ///
    /// - Parameters:
    ///   - offset: the first byte wanted, from 0.
    ///   - maximumBytes: the most bytes wanted, from 1.
    public init(offset: UInt32, maximumBytes: UInt32) {
        self.offset = offset
        self.maximumBytes = maximumBytes
    }

    /// The bytes to send of a section of a given size.
    ///
    /// - Parameter byteCount: the size of the whole section.
    /// - Returns: a range within `0..<byteCount`; empty when the offset lies behind the end.
    public func clamped(to byteCount: Int) -> Range<Int> {
        let lower = min(Int(offset), byteCount)
        return lower..<min(lower + Int(maximumBytes), byteCount)
    }
}

/// The part of a message between the brackets of `BODY[...]` (RFC 3501 section 6.4.5).
///
///     section-spec    = section-msgtext / (section-part ["." section-text])
///     section-msgtext = "HEADER" / "HEADER.FIELDS" [".NOT"] SP header-list / "TEXT"
///     section-text    = section-msgtext / "MIME"
public struct BodySection: Hashable, Sendable {
    /// What of the part is meant.
    public enum Kind: Hashable, Sendable {
        /// All of it: the message, or the body of the part.
        case all
        /// The header of the message, or of the message in a `message/rfc822` part.
        case header
        /// Only the named header fields, in the client's spelling.
        case headerFields([[UInt8]])
        /// All header fields but the named ones.
        case headerFieldsNot([[UInt8]])
        /// The text behind the header.
        case text
        /// The MIME header of the part; needs a path.
        case mime
    }

    /// The part numbers, from 1; empty for the whole message.
    public let path: [Int]
    /// What of the part is meant.
    public let kind: Kind

    /// Makes a section.
    ///
    /// - Parameters:
    ///   - path: the part numbers, from 1.
    ///   - kind: what of the part is meant.
    public init(path: [Int], kind: Kind) {
        self.path = path
        self.kind = kind
    }
}
