// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What a LIST asks for beyond its patterns (RFC 5258 section 3.1, RFC 6154 section 2).
public enum ListSelectionOption: Hashable, Sendable {
    /// Only subscribed names, also those that do not exist.
    case subscribed
    /// Also remote mailboxes; there are none here.
    case remote
    /// Also parents of names that match the other options.
    case recursiveMatch
    /// Only mailboxes with a special use.
    case specialUse
}

/// What a LIST wants to know of each mailbox (RFC 5258 section 3.2, RFC 5819, RFC 6154 section 2).
public enum ListReturnOption: Hashable, Sendable {
    /// `\Subscribed`.
    case subscribed
    /// `\HasChildren` and `\HasNoChildren`.
    case children
    /// The special use.
    case specialUse
    /// A STATUS response for each selectable mailbox.
    case status([StatusItem])
}

/// The arguments of LIST (RFC 3501 section 6.3.8, RFC 5258).
public struct ListCommand: Hashable, Sendable {
    /// The selection options; nil for a basic LIST, where only the reference and one pattern are given.
    public let selection: [ListSelectionOption]?
    /// The reference name.
    public let reference: ListReference
    /// The patterns; one, unless the client wrote a list.
    public let patterns: [ListPattern]
    /// The return options; nil when the client gave none.
    public let returnOptions: [ListReturnOption]?

    /// Makes the arguments.
    ///
    /// - Parameters:
    ///   - selection: the selection options, or nil.
    ///   - reference: the reference name.
    ///   - patterns: the patterns.
    ///   - returnOptions: the return options, or nil.
    public init(
        selection: [ListSelectionOption]? = nil, reference: ListReference, patterns: [ListPattern],
        returnOptions: [ListReturnOption]? = nil
    ) {
        self.selection = selection
        self.reference = reference
        self.patterns = patterns
        self.returnOptions = returnOptions
    }
}
