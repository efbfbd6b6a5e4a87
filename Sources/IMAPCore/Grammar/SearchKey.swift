// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// One condition of SEARCH (RFC 3501 section 6.4.4).
///
/// Strings are the bytes as the client sent them, in the charset of the `SearchCommand`.
public indirect enum SearchKey: Hashable, Sendable {
    /// Every message.
    case all
    /// Messages with these positions.
    case sequence(SequenceSet)
    /// Messages with these unique identifiers.
    case uid(UIDSet)
    /// The flag is set (ANSWERED, DELETED, DRAFT, FLAGGED, RECENT, SEEN, KEYWORD).
    case flag(Flag)
    /// The flag is not set (UNANSWERED, UNDELETED, UNDRAFT, UNFLAGGED, OLD, UNSEEN, UNKEYWORD).
    case notFlag(Flag)
    /// Recent and not seen.
    case new
    /// The internal date is earlier than the day.
    case before(IMAPDate)
    /// The internal date is the day.
    case on(IMAPDate)
    /// The internal date is the day or later.
    case since(IMAPDate)
    /// The Date field is earlier than the day.
    case sentBefore(IMAPDate)
    /// The Date field is the day.
    case sentOn(IMAPDate)
    /// The Date field is the day or later.
    case sentSince(IMAPDate)
    /// The size in bytes is larger than the number.
    case larger(UInt32)
    /// The size in bytes is smaller than the number.
    case smaller(UInt32)
    /// The modification sequence is the number or more (RFC 7162 section 3.1.5).
    case modSequence(ModSequence)
    /// The envelope's BCC contains the string.
    case bcc([UInt8])
    /// The envelope's CC contains the string.
    case cc([UInt8])
    /// The envelope's FROM contains the string.
    case from([UInt8])
    /// The envelope's SUBJECT contains the string.
    case subject([UInt8])
    /// The envelope's TO contains the string.
    case to([UInt8])
    /// The named header field contains the string; an empty string asks only whether the field is there.
    case header(field: [UInt8], value: [UInt8])
    /// The body contains the string.
    case body([UInt8])
    /// The header or the body contains the string.
    case text([UInt8])
    /// The condition does not hold.
    case not(SearchKey)
    /// At least one of two conditions holds.
    case or(SearchKey, SearchKey)
    /// All conditions hold; never empty in a parsed command.
    case and([SearchKey])
}

extension SearchKey {
    /// The modification sequences that the condition compares with; empty when it has no MODSEQ.
    public var modSequences: Set<ModSequence> {
        switch self {
        case .modSequence(let value): [value]
        case .not(let key): key.modSequences
        case .or(let left, let right): left.modSequences.union(right.modSequences)
        case .and(let keys): keys.reduce(into: []) { $0.formUnion($1.modSequences) }
        case .all, .sequence, .uid, .flag, .notFlag, .new, .before, .on, .since, .sentBefore, .sentOn, .sentSince,
            .larger, .smaller, .bcc, .cc, .from, .subject, .to, .header, .body, .text:
            []
        }
    }
}

/// A charset that SEARCH accepts (RFC 3501 section 6.4.4).
public enum SearchCharset: String, Hashable, Sendable, CaseIterable {
    /// US-ASCII, the default.
    case usASCII = "US-ASCII"
    /// UTF-8.
    case utf8 = "UTF-8"
}

/// A result that an extended SEARCH asks for (RFC 4731 section 3.1).
public enum SearchReturnOption: String, Hashable, Sendable, CaseIterable {
    /// The lowest match.
    case min = "MIN"
    /// The highest match.
    case max = "MAX"
    /// All matches, as a set.
    case all = "ALL"
    /// The number of matches.
    case count = "COUNT"
}

/// The arguments of SEARCH and UID SEARCH (RFC 3501 section 6.4.4, RFC 4731).
public struct SearchCommand: Hashable, Sendable {
    /// The charset that the client named, or nil.
    public let charset: SearchCharset?
    /// What an ESEARCH response must carry; nil for an ordinary SEARCH response.
    ///
    /// `RETURN ()` gives `[.all]`.
    public let returnOptions: Set<SearchReturnOption>?
    /// The condition; several keys of one command become one `and`.
    public let key: SearchKey
    /// Whether the results are unique identifiers.
    public let isUID: Bool

    /// Makes the arguments.
    ///
    /// - Parameters:
    ///   - charset: the charset that the client named, or nil.
    ///   - returnOptions: what an ESEARCH response must carry, or nil for SEARCH.
    ///   - key: the condition.
    ///   - isUID: whether the results are unique identifiers.
    public init(charset: SearchCharset?, returnOptions: Set<SearchReturnOption>?, key: SearchKey, isUID: Bool) {
        self.charset = charset
        self.returnOptions = returnOptions
        self.key = key
        self.isUID = isUID
    }
}
