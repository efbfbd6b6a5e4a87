// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The names that a node has heard of, each with a small local index: account names and flag keywords.
///
/// Names exist at the edge only: operations in memory and in frames carry numbers. An account's name is compared byte
/// by byte. A keyword's identity is
/// its ASCII-lower-case form, because IMAP compares flags without case (RFC 9051 section 2.3.2), so hashes and digests
/// agree between replicas; the spelling that this
/// node saw first is what it shows. Interning is append-only, and the table is part of every checkpoint.
public struct SymbolTable: Sendable {
    /// The bounds of the table.
    public struct Limits: Sendable {
        /// The longest name of an account or a keyword in bytes of UTF-8; part of the frame format.
        public static let maximumNameBytes = 255
        /// The most accounts, default 4,194,304.
        public var maximumAccounts = 1 << 22
        /// The most keywords from all replicas together, default 65,536, which is also all that an index can tell
        /// apart.
        public var maximumKeywords = 1 << 16
        /// The most keywords that this node's own clients may bring into being, default 4,096.
        ///
        /// It is far below ``maximumKeywords`` so that what some replicas allowed apart from each other always fits
        /// together.
        public var maximumIntroducedKeywords = 4_096

        /// The defaults.
        public init() {}
    }

    /// The bounds.
    public let limits: Limits

    /// A hash of each keyword's identity by index, the same at every node, for digests.
    public private(set) var keywordHashes: [UInt64] = []

    /// The number of keywords that this node brought into being.
    public private(set) var introducedKeywords = 0

    private var accounts = InternTable()
    private var keywords = InternTable()
    private var spellings: [String] = []

    /// Makes an empty table.
    ///
    /// - Parameter limits: the bounds.
    public init(limits: Limits = Limits()) { self.limits = limits }

    /// The number of accounts.
    public var accountCount: Int { accounts.count }

    /// The number of keywords.
    public var keywordCount: Int { keywords.count }

    /// Finds an account without adding it.
    ///
    /// - Parameter name: the account's name.
    /// - Returns: its index, or nil if the node has not heard of it.
    /// - Complexity: O(1) expected.
    public func account(named name: String) -> AccountIndex? {
        var name = name
        return name.withUTF8 { accounts.find(UnsafeRawBufferPointer($0)) }.map {
            AccountIndex(UInt32(truncatingIfNeeded: $0))
        }
    }

    /// Finds a keyword without adding it.
    ///
    /// - Parameter name: the keyword in any case.
    /// - Returns: its index, or nil if the node has not heard of it.
    /// - Complexity: O(1) expected.
    public func keyword(named name: String) -> KeywordIndex? {
        let key = Self.identity(ofKeyword: name)
        return key.withUnsafeBytes { keywords.find($0) }.map { KeywordIndex(UInt16(truncatingIfNeeded: $0)) }
    }

    /// Names an account.
    ///
    /// - Parameter account: an index of this table.
    /// - Returns: the name, or nil if the index was never given.
    public func name(of account: AccountIndex) -> String? {
        Int(account.rawValue) < accounts.count ? accounts.string(at: Int(account.rawValue)) : nil
    }

    /// Names a keyword.
    ///
    /// - Parameter keyword: an index of this table.
    /// - Returns: the spelling that this node saw first, or nil if the index was never given.
    public func name(of keyword: KeywordIndex) -> String? {
        Int(keyword.rawValue) < spellings.count ? spellings[Int(keyword.rawValue)] : nil
    }

    /// Finds an account, adding it if need be.
    ///
    /// - Parameter name: the account's name, 1 to 255 bytes, in its exact spelling.
    /// - Returns: its index.
    /// - Throws: `limitExceeded` if the name's length is out of range or the table is full.
    /// - Complexity: O(name) expected.
    public mutating func intern(account name: String) throws(CRDTError) -> AccountIndex {
        try Self.checkLength(of: name, "an account's name")
        if let known = account(named: name) { return known }
        guard accounts.count < limits.maximumAccounts else {
            throw CRDTError(.limitExceeded, "the node holds \(accounts.count) accounts, the most that it may")
        }
        var name = name
        guard let index = name.withUTF8({ accounts.append(UnsafeRawBufferPointer($0)) }) else {
            throw CRDTError(.limitExceeded, "the account names together exceed 4 GiB")
        }
        return AccountIndex(UInt32(truncatingIfNeeded: index))
    }

    /// Finds a keyword, adding it if need be.
    ///
    /// - Parameters:
    ///   - name: the keyword, 1 to 255 bytes; the first spelling is kept for display.
    ///   - introducing: whether this node's own client asks, which counts against ``Limits/maximumIntroducedKeywords``;
    ///     false for a peer's definition.
    /// - Returns: its index.
    /// - Throws: `limitExceeded` if the name's length is out of range or a limit is reached.
    /// - Complexity: O(name) expected.
    public mutating func intern(keyword name: String, introducing: Bool) throws(CRDTError) -> KeywordIndex {
        if introducing && introducedKeywords >= limits.maximumIntroducedKeywords && keyword(named: name) == nil {
            let limit = limits.maximumIntroducedKeywords
            throw CRDTError(.limitExceeded, "this node's clients made \(limit) keywords, the most that they may")
        }
        return try adopt(keyword: name, introduced: introducing)
    }

    /// The hash of a keyword's identity, the same at every node.
    static func hash(ofKeyword name: String) -> UInt64 { StableHash.hash(identity(ofKeyword: name)) }

    /// Adds a keyword that a frame or a checkpoint defines; one that this node introduced in an earlier run counts as
    /// such, whatever the limit is now.
    mutating func adopt(keyword name: String, introduced: Bool) throws(CRDTError) -> KeywordIndex {
        try Self.checkLength(of: name, "a keyword")
        if let known = keyword(named: name) { return known }
        guard keywords.count < min(limits.maximumKeywords, 1 << 16) else {
            throw CRDTError(.limitExceeded, "the node holds \(keywords.count) keywords, the most that it may")
        }
        let key = Self.identity(ofKeyword: name)
        guard let index = key.withUnsafeBytes({ keywords.append($0) }) else {
            throw CRDTError(.limitExceeded, "the keywords together exceed 4 GiB")
        }
        spellings.append(name)
        keywordHashes.append(Self.hash(ofKeyword: name))
        if introduced { introducedKeywords += 1 }
        return KeywordIndex(UInt16(truncatingIfNeeded: index))
    }

    /// Where the table stands, to return to when a frame turns out to be invalid.
    struct Mark {
        let accounts: Int
        let keywords: Int
        let introduced: Int
    }

    var mark: Mark { Mark(accounts: accounts.count, keywords: keywords.count, introduced: introducedKeywords) }

    /// Forgets what was added after the mark.
    mutating func truncate(to mark: Mark) {
        accounts.truncate(to: mark.accounts)
        keywords.truncate(to: mark.keywords)
        spellings.removeLast(spellings.count - mark.keywords)
        keywordHashes.removeLast(keywordHashes.count - mark.keywords)
        introducedKeywords = mark.introduced
    }

    /// Restores the count of introduced keywords from a checkpoint.
    mutating func restore(introducedKeywords count: Int) throws(CRDTError) {
        guard count >= 0 && count <= keywords.count else {
            throw CRDTError(.malformed, "a checkpoint claims \(count) introduced keywords of \(keywords.count)")
        }
        introducedKeywords = count
    }

    /// The bytes that a keyword is compared by: ASCII letters in lower case, all else unchanged.
    static func identity(ofKeyword name: String) -> [UInt8] {
        name.utf8.map { $0 >= 0x41 && $0 <= 0x5a ? $0 | 0x20 : $0 }
    }

    private static func checkLength(of name: String, _ what: String) throws(CRDTError) {
        let length = name.utf8.count
        guard length >= 1 && length <= Limits.maximumNameBytes else {
            throw CRDTError(.limitExceeded, "\(what) has 1 to \(Limits.maximumNameBytes) bytes, got \(length)")
        }
    }
}
