// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What one member has acknowledged, and how much of that may be believed to be final.
///
/// An acknowledgement alone does not make an operation stable: the member may have issued operations, or hold those of
/// others, that are concurrent to it and have not arrived here. So a vector takes effect only when this node holds all
/// of it, too. Under steady load the newest vector is always a little ahead; therefore one is kept back until it is
/// caught up with, and only then the newest one takes its place.
struct MemberAcknowledgement: Sendable {
    /// Everything that the member has acknowledged.
    private(set) var latest = StreamVector()
    /// What has taken effect; nil until the member was heard and caught up with once.
    private(set) var effective: StreamVector?
    private var candidate: StreamVector?

    /// The member holds these operations durably.
    mutating func note(_ vector: StreamVector) { latest.formUnion(vector) }

    /// Lets take effect what this node holds.
    ///
    /// - Complexity: O(replicas).
    mutating func settle(_ durable: StreamVector) {
        if durable.covers(latest) {
            effective = latest
            candidate = nil
        } else if let waiting = candidate {
            if durable.covers(waiting) {
                effective = waiting
                candidate = latest
            }
        } else {
            candidate = latest
        }
    }
}
