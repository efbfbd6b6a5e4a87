// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The identity of a mailbox, stable over renames: the dot of the operation that created it, or a well-known one.
///
/// INBOX and the mailboxes with a special use (RFC 6154) that a server makes by itself have well-known identities, so that replicas which make them at the same
/// time, apart, make the same mailbox.
public struct MailboxID: Hashable, Sendable, CustomStringConvertible {
    /// The creating operation, or a dot of ``ReplicaIndex/wellKnown``.
    public let dot: Dot

    /// Wraps the dot of a creating operation.
    ///
    /// - Parameter dot: the dot.
    @inlinable
    public init(_ dot: Dot) { self.dot = dot }

    /// The mailbox that exists in every account (RFC 3501 section 5.1).
    public static let inbox = MailboxID(Dot(.wellKnown, 1))

    /// The well-known mailbox for a special use.
    ///
    /// - Parameter use: the special use.
    /// - Returns: the same identity at every replica.
    public static func wellKnown(_ use: MailboxUse) -> MailboxID {
        MailboxID(Dot(.wellKnown, 16 + UInt64(use.rawValue)))
    }

    /// Whether every replica knows the identity without being told.
    public var isWellKnown: Bool { dot.replica == .wellKnown }

    /// The dot.
    public var description: String { dot.description }
}

/// What a mailbox is for (RFC 6154 section 2): replicated with the mailbox's creation.
public enum MailboxUse: UInt8, Sendable, CaseIterable {
    /// No special use.
    case none = 0
    /// `\All`.
    case all = 1
    /// `\Archive`.
    case archive = 2
    /// `\Drafts`.
    case drafts = 3
    /// `\Flagged`.
    case flagged = 4
    /// `\Junk`.
    case junk = 5
    /// `\Sent`.
    case sent = 6
    /// `\Trash`.
    case trash = 7
}

/// The SHA-256 of a message's bytes: names a body, wherever it is held (32 bytes).
public struct BodyDigest: Hashable, Sendable {
    /// The digest's bytes as four big-endian words.
    public let words: (UInt64, UInt64, UInt64, UInt64)

    /// Packs a digest.
    ///
    /// - Parameter words: the 32 bytes as four big-endian words.
    public init(words: (UInt64, UInt64, UInt64, UInt64)) { self.words = words }

    /// Takes 32 bytes; nil unless there are exactly 32.
    ///
    /// - Parameter bytes: the digest.
    public init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == 32 else { return nil }
        var words: [UInt64] = [0, 0, 0, 0]
        for (position, byte) in bytes.enumerated() { words[position / 8] = words[position / 8] << 8 | UInt64(byte) }
        self.words = (words[0], words[1], words[2], words[3])
    }

    /// The 32 bytes.
    public var bytes: [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(32)
        for word in [words.0, words.1, words.2, words.3] {
            for shift in stride(from: 56, through: 0, by: -8) {
                result.append(UInt8(truncatingIfNeeded: word >> UInt64(shift)))
            }
        }
        return result
    }

    /// Whether two digests are the same.
    public static func == (left: BodyDigest, right: BodyDigest) -> Bool { left.words == right.words }

    /// Feeds the first word, which is as random as all four.
    public func hash(into hasher: inout Hasher) { hasher.combine(words.0) }
}

/// What never changes about a message: everything but its flags and its place.
public struct MessageFacts: Hashable, Sendable {
    /// The body's digest.
    public var body: BodyDigest
    /// The body's size in octets.
    public var size: UInt64
    /// INTERNALDATE in seconds since 1970 (RFC 3501 section 2.3.3).
    public var internalDateSeconds: Int64
    /// INTERNALDATE's zone, minutes east of UTC.
    public var internalDateZoneMinutes: Int16

    /// The facts of no message.
    static var none: MessageFacts {
        MessageFacts(
            body: BodyDigest(words: (0, 0, 0, 0)), size: 0, internalDateSeconds: 0, internalDateZoneMinutes: 0)
    }

    /// Gathers the facts.
    ///
    /// - Parameters:
    ///   - body: the body's digest.
    ///   - size: the body's size in octets.
    ///   - internalDateSeconds: seconds since 1970.
    ///   - internalDateZoneMinutes: minutes east of UTC.
    public init(body: BodyDigest, size: UInt64, internalDateSeconds: Int64, internalDateZoneMinutes: Int16) {
        self.body = body
        self.size = size
        self.internalDateSeconds = internalDateSeconds
        self.internalDateZoneMinutes = internalDateZoneMinutes
    }
}

/// A set of flags: the five system flags of RFC 3501 section 2.3.2 as bits, and keywords by their local index.
public struct FlagSet: Hashable, Sendable {
    /// The system flags.
    public var system: SystemFlags
    /// The keywords if there are any: nothing is counted when a set without keywords, the usual one, is copied.
    private var keywordList: [KeywordIndex]?

    /// Makes a set.
    ///
    /// - Parameters:
    ///   - system: the system flags.
    ///   - keywords: the keywords in any order.
    public init(_ system: SystemFlags = [], keywords: [KeywordIndex] = []) {
        self.system = system
        keywordList = keywords.isEmpty ? nil : Array(Set(keywords)).sorted()
    }

    /// The keywords, ascending, without repetition.
    public var keywords: [KeywordIndex] { keywordList ?? [] }

    /// Whether there is a keyword.
    public var hasKeywords: Bool { keywordList != nil }

    /// Whether there is no flag.
    public var isEmpty: Bool { system.isEmpty && keywordList == nil }

    /// The flags of either set.
    ///
    /// - Parameter other: the other set.
    /// - Returns: the union.
    public func union(_ other: FlagSet) -> FlagSet {
        if keywordList == nil && other.keywordList == nil { return FlagSet(system.union(other.system)) }
        return FlagSet(system.union(other.system), keywords: keywords + other.keywords)
    }

    /// The flags that the other set lacks.
    ///
    /// - Parameter other: the other set.
    /// - Returns: the difference.
    public func subtracting(_ other: FlagSet) -> FlagSet {
        guard let keywordList else { return FlagSet(system.subtracting(other.system)) }
        let others = other.keywords
        return FlagSet(system.subtracting(other.system), keywords: keywordList.filter { !others.contains($0) })
    }
}

/// The system flags of RFC 3501 section 2.3.2, without `\Recent`, which no client can set.
public struct SystemFlags: OptionSet, Hashable, Sendable {
    /// The bits.
    public let rawValue: UInt8
    /// Wraps bits.
    ///
    /// - Parameter rawValue: the bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    /// `\Seen`.
    public static let seen = SystemFlags(rawValue: 1)
    /// `\Answered`.
    public static let answered = SystemFlags(rawValue: 2)
    /// `\Flagged`.
    public static let flagged = SystemFlags(rawValue: 4)
    /// `\Deleted`.
    public static let deleted = SystemFlags(rawValue: 8)
    /// `\Draft`.
    public static let draft = SystemFlags(rawValue: 16)
}

/// The position of a keyword in the local ``SymbolTable``; never leaves the node.
public struct KeywordIndex: Hashable, Comparable, Sendable {
    /// The position.
    public let rawValue: UInt16
    /// Wraps a position.
    ///
    /// - Parameter rawValue: the position.
    public init(_ rawValue: UInt16) { self.rawValue = rawValue }
    /// Orders by position.
    public static func < (left: KeywordIndex, right: KeywordIndex) -> Bool { left.rawValue < right.rawValue }
}

/// The position of an account in the local ``SymbolTable``; never leaves the node.
public struct AccountIndex: Hashable, Comparable, Sendable {
    /// The position.
    public let rawValue: UInt32
    /// Wraps a position.
    ///
    /// - Parameter rawValue: the position.
    public init(_ rawValue: UInt32) { self.rawValue = rawValue }
    /// Orders by position.
    public static func < (left: AccountIndex, right: AccountIndex) -> Bool { left.rawValue < right.rawValue }
}
