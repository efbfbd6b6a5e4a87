// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit

/// How long a write waits for the UID that another replica assigns (RFC 4315 lets its answer tell the UID).
///
/// An owner that was just cut off counts as reachable for some seconds more. Without a memory each write to its mailboxes would wait as long as the first, in
/// vain; so who was waited for in vain is waited for only briefly from then on, until it assigns again.
struct UIDPatience {
    /// How long is waited for an owner that was waited for in vain, in milliseconds: a near one that is back is still in time for the answer.
    static let shortWaitMilliseconds = 20

    /// The owners of whom nothing has come since somebody waited for them in vain; no more than there are replicas.
    private var silent: Set<ReplicaID> = []
    /// How many waits ended without all UIDs.
    private(set) var waitsInVain: UInt64 = 0

    /// How long to wait.
    ///
    /// - Parameters:
    ///   - owner: who assigns the UIDs; nil if that is not known.
    ///   - limit: the longest wait, in milliseconds.
    ///   - unreachable: the replicas that are known not to assign.
    /// - Returns: the wait in milliseconds; 0 for none.
    func milliseconds(for owner: ReplicaID?, atMost limit: Int, unreachable: Set<ReplicaID>) -> Int {
        guard let owner else { return limit }
        if unreachable.contains(owner) { return 0 }
        return silent.contains(owner) ? min(limit, Self.shortWaitMilliseconds) : limit
    }

    /// A wait is over, and not all UIDs have come.
    mutating func waitedInVain(for owner: ReplicaID?) {
        waitsInVain += 1
        if let owner { silent.insert(owner) }
    }

    /// An assignment has come, or another sign that a replica looks after its mailboxes.
    mutating func heard(from owner: ReplicaID) {
        if silent.isEmpty { return }
        silent.remove(owner)
    }
}
