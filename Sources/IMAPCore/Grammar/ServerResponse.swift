// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// A status response: status, code and text (RFC 3501 section 7.1).
public struct StatusCondition: Hashable, Sendable {
    /// The status.
    public let status: ResponseStatus
    /// The machine-readable part, if there is one.
    public let code: ResponseCode?
    /// The text for a person; the encoder replaces what cannot stand in a line.
    public let text: String

    /// Makes a status response.
    ///
    /// - Parameters:
    ///   - status: the status.
    ///   - code: the machine-readable part, or nil.
    ///   - text: the text for a person.
    public init(_ status: ResponseStatus, code: ResponseCode? = nil, text: String) {
        self.status = status
        self.code = code
        self.text = text
    }

    /// The answer to an error of this module.
    ///
    /// - Parameter error: the error.
    public init(_ error: IMAPError) {
        self.init(error.status, code: error.responseCode, text: error.message)
    }
}

/// One mailbox in a LIST or LSUB response (RFC 3501 section 7.2.2).
public struct ListResponse: Hashable, Sendable {
    /// The attributes.
    public let attributes: [MailboxAttribute]
    /// The hierarchy delimiter, or nil for a flat name.
    public let delimiter: UInt8?
    /// The name; nil answers the pattern `""` with the root.
    public let mailbox: MailboxName?
    /// Whether subscribed names below this one made it match (RFC 5258 section 3.5, CHILDINFO).
    public let hasSubscribedChildren: Bool

    /// Makes a response.
    ///
    /// - Parameters:
    ///   - attributes: the attributes.
    ///   - delimiter: the hierarchy delimiter, or nil.
    ///   - mailbox: the name, or nil for the root.
    ///   - hasSubscribedChildren: whether CHILDINFO is sent.
    public init(
        attributes: [MailboxAttribute], delimiter: UInt8?, mailbox: MailboxName?, hasSubscribedChildren: Bool = false
    ) {
        self.attributes = attributes
        self.delimiter = delimiter
        self.mailbox = mailbox
        self.hasSubscribedChildren = hasSubscribedChildren
    }
}

/// One namespace (RFC 2342 section 5).
public struct Namespace: Hashable, Sendable {
    /// The prefix of its names.
    public let prefix: String
    /// The hierarchy delimiter, or nil.
    public let delimiter: UInt8?

    /// Makes a namespace.
    ///
    /// - Parameters:
    ///   - prefix: the prefix of its names.
    ///   - delimiter: the hierarchy delimiter, or nil.
    public init(prefix: String, delimiter: UInt8?) {
        self.prefix = prefix
        self.delimiter = delimiter
    }
}

/// The results of an extended SEARCH (RFC 4731 section 3.1).
public struct ExtendedSearchResult: Hashable, Sendable {
    /// The tag of the SEARCH command.
    public let tag: Tag
    /// Whether the numbers are unique identifiers.
    public let isUID: Bool
    /// The lowest match, when asked for and there is one.
    public let min: UInt32?
    /// The highest match, when asked for and there is one.
    public let max: UInt32?
    /// All matches as ascending ranges, when asked for and there is one.
    public let all: [ClosedRange<UInt32>]?
    /// The number of matches, when asked for.
    public let count: Int?
    /// The highest modification sequence of the matches that are returned, when the condition had MODSEQ (RFC 4731
    /// section 3.2).
    public let modSequence: ModSequence?

    /// Makes the results.
    ///
    /// - Parameters:
    ///   - tag: the tag of the SEARCH command.
    ///   - isUID: whether the numbers are unique identifiers.
    ///   - min: the lowest match, or nil.
    ///   - max: the highest match, or nil.
    ///   - all: all matches, or nil; an empty list is not sent.
    ///   - count: the number of matches, or nil.
    ///   - modSequence: the highest modification sequence of the matches that are returned, or nil.
    public init(
        tag: Tag, isUID: Bool, min: UInt32? = nil, max: UInt32? = nil, all: [ClosedRange<UInt32>]? = nil,
        count: Int? = nil, modSequence: ModSequence? = nil
    ) {
        self.tag = tag
        self.isUID = isUID
        self.min = min
        self.max = max
        self.all = all
        self.count = count
        self.modSequence = modSequence
    }
}

/// A response of the server, apart from FETCH, which is put together piece by piece (RFC 3501 section 7).
public enum ServerResponse: Hashable, Sendable {
    /// A tagged status response that ends a command.
    case tagged(Tag, StatusCondition)
    /// An untagged status response.
    case untagged(StatusCondition)
    /// A continuation request with a text (RFC 3501 section 7.5).
    case continuation(String)
    /// A continuation request with a SASL challenge, still to be encoded in base64.
    case challenge([UInt8])
    /// CAPABILITY.
    case capability([Capability])
    /// ENABLED (RFC 5161).
    case enabled([Capability])
    /// ID; nil for NIL (RFC 2971).
    case id([IDField]?)
    /// NAMESPACE: personal, other users' and shared; an empty list is sent as NIL (RFC 2342).
    case namespace(personal: [Namespace], otherUsers: [Namespace], shared: [Namespace])
    /// LIST.
    case list(ListResponse)
    /// LSUB.
    case lsub(ListResponse)
    /// STATUS.
    case status(MailboxStatus)
    /// FLAGS.
    case flags([Flag])
    /// EXISTS.
    case exists(Int)
    /// RECENT.
    case recent(Int)
    /// EXPUNGE.
    case expunge(SequenceNumber)
    /// SEARCH, with the highest modification sequence of the matches when the condition had MODSEQ (RFC 7162 section
    /// 3.1.6); it is not sent without matches.
    case search([UInt32], modSequence: ModSequence? = nil)
    /// ESEARCH.
    case extendedSearch(ExtendedSearchResult)
}
