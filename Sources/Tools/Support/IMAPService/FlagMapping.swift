// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import IMAPCore
internal import MailStore

/// The one place where the protocol's flags and the store's meet.
enum FlagMapping {
    private static let pairs: [(Flag, SystemFlags)] = [
        (.answered, .answered), (.flagged, .flagged), (.deleted, .deleted), (.seen, .seen), (.draft, .draft),
    ]

    /// The store's flags for the client's; `\Recent`, which no client can set, falls away.
    static func stored(_ flags: [Flag]) -> MessageFlagNames {
        var result = MessageFlagNames()
        for flag in flags {
            switch flag {
            case .keyword(let keyword): result.keywords.append(keyword.name)
            case .seen, .answered, .flagged, .deleted, .draft:
                for (name, bit) in pairs where name == flag { result.system.insert(bit) }
            case .recent: break
            }
        }
        return result
    }

    /// The client's flags for each combination of the store's, made once: most messages have no others.
    private static let combinations: [[Flag]] = (0...SystemFlags.all.rawValue).map { bits in
        pairs.filter { SystemFlags(rawValue: bits).contains($0.1) }.map(\.0)
    }

    /// The client's flags for the store's.
    static func wire(_ flags: MessageFlagNames) -> [Flag] {
        let system = combinations[Int(flags.system.intersection(.all).rawValue)]
        if flags.keywords.isEmpty { return system }
        // A stored keyword was an atom when it came in; what is not one cannot be shown in a flag list.
        return system + flags.keywords.compactMap { Keyword($0).map(Flag.keyword) }
    }

    /// A UID of the store; never zero there.
    static func uid(_ value: UInt32) throws(MailStoreError) -> UID {
        guard let uid = UID(value) else { throw MailStoreError(.corrupt, "a message has the UID 0") }
        return uid
    }

    /// The UIDs of a mailbox as the store has them, ascending; they are shared, not copied.
    static func uids(_ values: [UInt32]) throws(MailStoreError) -> UIDList {
        guard let uids = UIDList(ascending: values) else { throw MailStoreError(.corrupt, "a message has the UID 0") }
        return uids
    }

    /// A UIDVALIDITY of the store; never zero there.
    static func validity(_ value: UInt32) throws(MailStoreError) -> UIDValidity {
        guard let validity = UIDValidity(value) else { throw MailStoreError(.corrupt, "a mailbox has UIDVALIDITY 0") }
        return validity
    }

    static func use(_ use: SpecialUse?) -> MailboxUse {
        switch use {
        case nil: .none
        case .all: .all
        case .archive: .archive
        case .drafts: .drafts
        case .flagged: .flagged
        case .junk: .junk
        case .sent: .sent
        case .trash: .trash
        }
    }

    static func specialUse(_ use: MailboxUse) -> SpecialUse? {
        switch use {
        case .none: nil
        case .all: .all
        case .archive: .archive
        case .drafts: .drafts
        case .flagged: .flagged
        case .junk: .junk
        case .sent: .sent
        case .trash: .trash
        }
    }
}
