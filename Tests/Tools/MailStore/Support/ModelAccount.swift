// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import CRDTKit

@testable import MailStore

/// An account as a person would describe it: the oracle of the store's tests.
struct ModelAccount {
    struct Message: Equatable {
        var uid: UInt32
        var system: SystemFlags
        var keywords: Set<String>
        var body: [UInt8]
    }

    struct Box: Equatable {
        var validity: UInt32
        var next: UInt32 = 1
        var messages: [Message] = []
    }

    var boxes: [String: Box] = [:]
    var subscriptions: Set<String> = []
    /// Every UID that was ever given out, by UIDVALIDITY: none is given twice.
    var issued: [UInt32: UInt32] = [:]

    /// Says how an account differs from the model, or nothing.
    func difference(from account: MailAccount) async throws -> String? {
        let listing = try await account.mailboxes()
        if listing.mailboxes.map(\.name).sorted() != boxes.keys.sorted() {
            return "mailboxes \(listing.mailboxes.map(\.name)), expected \(boxes.keys.sorted())"
        }
        if Set(listing.subscriptions) != subscriptions { return "subscriptions \(listing.subscriptions)" }
        for (name, box) in boxes {
            let counts = try await account.counts(of: name)
            if counts.uidValidity != box.validity {
                return "\(name): UIDVALIDITY \(counts.uidValidity), not \(box.validity)"
            }
            if counts.uidNext != box.next { return "\(name): UIDNEXT \(counts.uidNext), not \(box.next)" }
            let messages = try await account.messages(of: name)
            var found: [Message] = []
            for message in messages {
                found.append(
                    Message(
                        uid: message.uid, system: message.flags.system, keywords: Set(message.flags.keywords),
                        body: try account.body(of: message)))
            }
            if found != box.messages {
                return "\(name): messages \(found.map { ($0.uid, $0.system.rawValue, $0.keywords, $0.body.count) }), "
                    + "expected \(box.messages.map { ($0.uid, $0.system.rawValue, $0.keywords, $0.body.count) })"
            }
            let unseen = box.messages.count { !$0.system.contains(.seen) }
            let deleted = box.messages.count { $0.system.contains(.deleted) }
            if counts.messages != found.count || counts.unseen != unseen || counts.deleted != deleted {
                return "\(name): counts \(counts)"
            }
        }
        return nil
    }

    mutating func place(_ message: Message, in name: String) -> UInt32 {
        guard var box = boxes[name] else { return 0 }
        var message = message
        message.uid = box.next
        box.next += 1
        box.messages.append(message)
        boxes[name] = box
        return message.uid
    }

    /// The mailboxes of a name and below.
    func subtree(_ name: String) -> [String] { boxes.keys.filter { $0 == name || $0.hasPrefix(name + "/") }.sorted() }

    /// The superiors of a name that are missing.
    func missingSuperiors(of name: String) -> [String] {
        name.indices.filter { name[$0] == "/" }.map { String(name[..<$0]) }.filter { boxes[$0] == nil }
    }
}
