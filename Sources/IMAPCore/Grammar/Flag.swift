// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// A keyword: a flag that clients define (RFC 3501 section 2.3.2).
///
/// It keeps the case in which it was written and compares without regard to it.
public struct Keyword: Sendable {
    /// The name as first written: an atom.
    public let name: String
    private let folded: String

    /// Makes a keyword of an atom.
    ///
    ///     flag-keyword = atom
    ///
    /// The result is nil when the name is empty or not an atom.
    ///
    /// - Parameter name: the name.
    public init?(_ name: String) {
        guard !name.isEmpty, name.utf8.allSatisfy(ByteClass.isAtom) else { return nil }
        self.name = name
        self.folded = String(decoding: name.utf8.map(ByteClass.lowercased), as: UTF8.self)
    }
}

extension Keyword: Hashable, CustomStringConvertible {
    /// Compares without regard to the case of ASCII letters.
    ///
    /// - Parameters:
    ///   - left: one keyword.
    ///   - right: another keyword.
    /// - Returns: whether they are the same keyword.
    public static func == (left: Keyword, right: Keyword) -> Bool { left.folded == right.folded }

    /// Feeds the folded name.
    ///
    /// - Parameter hasher: the hasher to feed.
    public func hash(into hasher: inout Hasher) { hasher.combine(folded) }

    /// The name as first written.
    public var description: String { name }
}

/// A flag of a message (RFC 3501 section 2.3.2).
///
///     flag         = "\Answered" / "\Flagged" / "\Deleted" / "\Seen" / "\Draft" / flag-keyword / flag-extension
///     flag-fetch   = flag / "\Recent"
///
/// No flag-extension is defined, so an unknown name with a backslash is refused by the parser.
public enum Flag: Hashable, Sendable {
    /// The message has been read.
    case seen
    /// The message has been answered.
    case answered
    /// The message is marked for attention.
    case flagged
    /// The message goes with the next EXPUNGE.
    case deleted
    /// The message is a draft.
    case draft
    /// The message is new to this session; only the server sets it.
    case recent
    /// A flag that clients define.
    case keyword(Keyword)

    /// The system flags that a client may change, in the order of RFC 3501.
    public static let system: [Flag] = [.answered, .flagged, .deleted, .seen, .draft]

    /// Makes a flag from its wire form.
    ///
    /// The result is nil when the name is no keyword and no known system flag.
    ///
    /// - Parameter wireName: the name, such as `\Seen` or `$Forwarded`; case does not matter for system flags.
    public init?(wireName: String) {
        guard wireName.utf8.first == UInt8(ascii: "\\") else {
            guard let keyword = Keyword(wireName) else { return nil }
            self = .keyword(keyword)
            return
        }
        switch String(decoding: wireName.utf8.map(ByteClass.lowercased), as: UTF8.self) {
        case "\\seen": self = .seen
        case "\\answered": self = .answered
        case "\\flagged": self = .flagged
        case "\\deleted": self = .deleted
        case "\\draft": self = .draft
        case "\\recent": self = .recent
        default: return nil
        }
    }

    /// The name on the wire.
    public var wireName: String {
        switch self {
        case .seen: "\\Seen"
        case .answered: "\\Answered"
        case .flagged: "\\Flagged"
        case .deleted: "\\Deleted"
        case .draft: "\\Draft"
        case .recent: "\\Recent"
        case .keyword(let keyword): keyword.name
        }
    }
}

extension Flag: CustomStringConvertible {
    /// The name on the wire.
    public var description: String { wireName }
}

/// An element of PERMANENTFLAGS (RFC 3501 section 7.1, `flag-perm`).
public enum PermanentFlag: Hashable, Sendable {
    /// A flag that a client can change for good.
    case flag(Flag)
    /// `\*`: clients can make new keywords.
    case newKeywords
}
