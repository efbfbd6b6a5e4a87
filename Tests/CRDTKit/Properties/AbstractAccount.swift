// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

@testable import CRDTKit

/// What replicas must agree on, in plain sets: the common ground of the production state and the slow reference.
struct AbstractAccount: Hashable {
    struct Message: Hashable {
        var facts: MessageFacts
        var flags: FlagSet
        var assignment: UIDAssignment?
        /// Whether the assignment counts. What of that is shown differs from replica to replica.
        var counts: Bool
    }

    struct Folder: Hashable {
        var name: String
        var effectiveName: String
        var uidValidity: UInt32
        var use: MailboxUse
        var messages: [Dot: Message]
    }

    var folders: [MailboxID: Folder] = [:]
    var subscriptions: Set<String> = []

    init() {}

    /// The abstraction function of the production state.
    init(_ state: borrowing AccountState) {
        subscriptions = Set(state.subscribedNames)
        for index in state.slots.indices where state.slots[index].isAlive {
            let mailbox = state.slots[index]
            var folder = Folder(
                name: mailbox.wantedName, effectiveName: state.effectiveName(of: mailbox.id) ?? "",
                uidValidity: mailbox.birth?.uidValidity ?? 0, use: mailbox.birth?.use ?? .none, messages: [:])
            for record in mailbox.messages.ordered + mailbox.messages.apart
            where !record.isHole && record.place != .buried {
                let assignment: UIDAssignment? =
                    record.uid == 0
                    ? nil : UIDAssignment(uid: record.uid, epoch: mailbox.epochs.entries[Int(record.epoch)].epoch)
                folder.messages[record.id] = Message(
                    facts: mailbox.messages.facts(of: record), flags: mailbox.messages.dots(of: record).flags,
                    assignment: assignment,
                    counts: mailbox.counts(record))
            }
            folders[mailbox.id] = folder
        }
    }

    /// What the verified model knows of: which folders there are, and which messages are in them.
    var outline: [MailboxID: Set<Dot>] { folders.mapValues { Set($0.messages.keys) } }
}
