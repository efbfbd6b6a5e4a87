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

/// A client that goes from replica to replica with one cache, and fetches only above the greatest UID that it has seen.
struct RoamingClient {
    private var validity: UInt32 = 0
    private var watermark: UInt32 = 0
    private var cache: [UInt32: Dot] = [:]
    private var fetched: Set<Dot> = []

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
