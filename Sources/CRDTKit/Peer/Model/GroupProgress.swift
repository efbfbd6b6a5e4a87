// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What a replication machine knows of the group's progress, for the store.
public struct GroupProgress: Hashable, Sendable {
    /// Every member holds these operations, and nothing concurrent with them can still arrive.
    public var stable: [StreamPosition]
    /// Every member has acknowledged these operations: a log segment that holds nothing else may go.
    public var retain: [StreamPosition]
    /// The last own operation that at least one other member holds.
    public var ownSecured: UInt64
    /// Every member that can be reached holds these operations, and whatever such a member had issued before it held them is here.
    ///
    /// In contrast to the others it falls when a member comes back.
    public var exchanged: [StreamPosition]
    /// Whether this node holds all operations that any member holds of the lives that this node had before, as far as there were any.
    ///
    /// A node that was wiped, or got a backup back, has the stripe of UIDs that its former lives had, and must not give theirs again.
    public var knowsFormerLives: Bool
    /// The replicas that this node was before, which ``knowsFormerLives`` is about.
    public var formerLives: [ReplicaID]
    /// Whether any other member was heard since the machine was made.
    public var isInContact: Bool

    /// Describes progress.
    ///
    /// - Parameters:
    ///   - stable: what every member holds, nothing concurrent being under way.
    ///   - retain: what every member has acknowledged.
    ///   - ownSecured: the last own operation that at least one other member holds.
    ///   - exchanged: what every member holds that can be reached, nothing concurrent being under way from it.
    ///   - knowsFormerLives: whether nothing of former lives of this node is unknown here.
    ///   - formerLives: the replicas that this node was before.
    ///   - isInContact: whether any other member was heard.
    public init(
        stable: [StreamPosition] = [], retain: [StreamPosition] = [], ownSecured: UInt64 = 0,
        exchanged: [StreamPosition] = [], knowsFormerLives: Bool = true, formerLives: [ReplicaID] = [],
        isInContact: Bool = false
    ) {
        self.stable = stable
        self.retain = retain
        self.ownSecured = ownSecured
        self.exchanged = exchanged
        self.knowsFormerLives = knowsFormerLives
        self.formerLives = formerLives
        self.isInContact = isInContact
    }
}
