// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The special use of a mailbox (RFC 6154 section 2).
public enum SpecialUse: String, Hashable, Sendable, CaseIterable {
    /// All messages of the user.
    case all = "\\All"
    /// An archive.
    case archive = "\\Archive"
    /// Drafts.
    case drafts = "\\Drafts"
    /// All messages marked for attention.
    case flagged = "\\Flagged"
    /// Junk mail.
    case junk = "\\Junk"
    /// Copies of sent mail.
    case sent = "\\Sent"
    /// Deleted mail.
    case trash = "\\Trash"

    /// Makes a use from its wire form.
    ///
    ///     use-attr = "\All" / "\Archive" / "\Drafts" / "\Flagged" / "\Junk" / "\Sent" / "\Trash" / use-attr-ext
    ///
    /// The result is nil for a use that this server does not know.
    ///
    /// - Parameter wireName: the name with its backslash; case does not matter.
    public init?(wireName: some Collection<UInt8>) {
        let folded = wireName.map(ByteClass.lowercased)
        guard let found = Self.allCases.first(where: { $0.rawValue.utf8.map(ByteClass.lowercased) == folded }) else {
            return nil
        }
        self = found
    }
}

/// An attribute of a mailbox in a LIST response (RFC 3501 section 7.2.2, RFC 3348, RFC 5258, RFC 6154).
public enum MailboxAttribute: Hashable, Sendable {
    /// Children cannot exist.
    case noInferiors
    /// The name cannot be selected.
    case noSelect
    /// The server thinks the mailbox interesting.
    case marked
    /// Nothing new since the last SELECT.
    case unmarked
    /// There are children.
    case hasChildren
    /// There are no children.
    case hasNoChildren
    /// The name does not exist.
    case nonExistent
    /// The name is subscribed.
    case subscribed
    /// The mailbox has a special use.
    case specialUse(SpecialUse)

    /// The name on the wire.
    public var wireName: String {
        switch self {
        case .noInferiors: "\\Noinferiors"
        case .noSelect: "\\Noselect"
        case .marked: "\\Marked"
        case .unmarked: "\\Unmarked"
        case .hasChildren: "\\HasChildren"
        case .hasNoChildren: "\\HasNoChildren"
        case .nonExistent: "\\NonExistent"
        case .subscribed: "\\Subscribed"
        case .specialUse(let use): use.rawValue
        }
    }
}
