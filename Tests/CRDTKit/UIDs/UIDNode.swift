// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

@testable import CRDTKit

/// A replica of ``UIDWorld`` and what its clients have been told.
final class UIDNode {
    struct Key: Hashable {
        var validity: UInt32
        var uid: UInt32
    }

    let index: Int
    let stripe: UIDStripe
    var state = AccountState()
    var delivered = VersionVector()
    var clock: UInt64 = 1_000
    var isUp = true
    /// Since when each other replica is out of reach.
    var unreachableSince: [UInt64?]
    private var shown = Key(validity: 0, uid: 0)
    private var next: (validity: UInt32, uid: UInt64) = (0, 0)

    init(index: Int, count: Int, stripe: UIDStripe) {
        self.index = index
        self.stripe = stripe
        unreachableSince = Array(repeating: nil, count: count)
    }

    /// UIDs are shown in strictly ascending order under one UIDVALIDITY, which itself never falls.
    func noteAppearance(_ key: Key) -> String? {
        if key.validity < shown.validity { return "UIDVALIDITY fell from \(shown.validity) to \(key.validity)" }
        if key.validity == shown.validity && key.uid <= shown.uid {
            return "replica \(index) shows UID \(key.uid) after \(shown.uid)"
        }
        shown = key
        return nil
    }

    /// UIDNEXT never falls under one UIDVALIDITY and is above all that was shown.
    func noteNext(_ validity: UInt32, _ uid: UInt64?) -> String? {
        guard let uid else { return nil }
        if validity == next.validity && uid < next.uid { return "UIDNEXT fell from \(next.uid) to \(uid)" }
        if validity == shown.validity && uid <= UInt64(shown.uid) {
            return "UIDNEXT is \(uid) after UID \(shown.uid) was shown"
        }
        next = (validity, uid)
        return nil
    }

    /// The mailbox is gone for good; another one of the same identity begins anew.
    func forget() { next = (0, 0) }
}

/// The greatest UID that a replica knows of each epoch of a mailbox.
typealias UIDKnowledge = [UIDEpoch: UInt32]

/// A client that goes from replica to replica with one cache, and fetches only above the greatest UID that it has seen.
///
/// What is gone from a mailbox it takes for expunged, and drops. That is a loss if the replica merely had not heard of the message yet; but if UIDs were assigned
/// on both sides without knowledge of each other, the message must come again under another UID, so that the client fetches it anew.
struct RoamingClient {
    /// A message that the client dropped and must get again.
    private struct Debt {
        var uid: UInt32
        var message: Dot
    }

    private var validity: UInt32 = 0
    private var watermark: UInt32 = 0
    private var cache: [UInt32: Dot] = [:]
    private var fetched: Set<Dot> = []
    /// What the replica knew at which the client saw the messages last, and under which epoch it saw them.
    private var sightings: [UInt32: (epoch: UIDEpoch, knowledge: UIDKnowledge)] = [:]
    private var debts: [Debt] = []

    /// How many messages the client dropped that must come again.
    var debtCount: Int { debts.count }

    /// Notes which of the cached messages a replica does not know although it has assigned UIDs that nobody knew where they were seen.
    mutating func drop(
        unknownTo knowledge: UIDKnowledge, _ validity: UInt32, _ shown: [MessageView], epochs: [UInt32: UIDEpoch]
    ) {
        if validity == self.validity {
            let present = Set(shown.map(\.uid))
            for (uid, seen) in sightings where !present.contains(uid) && knowledge[seen.epoch] ?? 0 < uid {
                let isAhead = knowledge.contains { seen.knowledge[$0.key] ?? 0 < $0.value }
                if isAhead, let message = cache[uid] { debts.append(Debt(uid: uid, message: message)) }
            }
        } else {
            debts = []
        }
        sightings = [:]
        for (uid, epoch) in epochs { sightings[uid] = (epoch, knowledge) }
    }

    /// A message that the client dropped and that is still there under the same UID.
    func lost(_ messages: [MessageView]) -> String? {
        for debt in debts where messages.contains(where: { $0.id == debt.message && $0.uid == debt.uid }) {
            return "the client dropped message \(debt.message), which has UID \(debt.uid) still"
        }
        return nil
    }

    /// Synchronises with what a replica shows.
    ///
    /// - Returns: a UID whose message changed, or nil.
    mutating func visit(_ messages: [MessageView], _ validity: UInt32) -> String? {
        // An older UIDVALIDITY means a replica that lags behind: clients drop their cache for any other value.
        if validity != self.validity {
            self.validity = validity
            watermark = 0
            cache = [:]
            fetched = []
        }
        for message in messages {
            if let known = cache[message.uid], known != message.id {
                return "the client's UID \(message.uid) meant \(known), now \(message.id)"
            }
            if message.uid > watermark {
                cache[message.uid] = message.id
                fetched.insert(message.id)
            }
        }
        watermark = max(watermark, messages.last?.uid ?? 0)
        return nil
    }

    /// A message that is shown and that the client never fetched.
    func missed(_ messages: [MessageView]) -> String? {
        messages.first { !fetched.contains($0.id) }.map { "the client missed message \($0.id), UID \($0.uid)" }
    }
}
