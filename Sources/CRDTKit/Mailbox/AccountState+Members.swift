// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The membership of a group; by convention in the account ``GroupAccount`` alone.
extension AccountState {
    /// What is known of each node that a membership operation named, in ascending order of names.
    ///
    /// - Complexity: O(members log members).
    public var members: [MemberRecord] { memberTable.entries.keys.sorted().compactMap { memberTable.record($0) } }

    /// What is known of a node.
    ///
    /// - Parameter name: the node's name.
    /// - Returns: the record, or nil if no operation named the node.
    public borrowing func member(named name: String) -> MemberRecord? { memberTable.record(name) }

    /// The node that announced an identity last.
    ///
    /// - Parameter replica: the identity.
    /// - Returns: the node's name, or nil if nobody goes by that identity now.
    /// - Complexity: O(members).
    public borrowing func memberName(of replica: ReplicaID) -> String? {
        memberTable.entries.filter { $0.value.identity?.value == replica }.keys.min()
    }

    /// Notes that nothing is unknown here of what this node did when it was other replicas; to be written with the account's record.
    ///
    /// - Parameter lives: the replicas.
    /// - Returns: whether that is new.
    public mutating func noteKnown(lives: [ReplicaID]) -> Bool {
        let before = knownLives.count
        knownLives.formUnion(lives)
        return knownLives.count > before
    }

    /// Changes the membership.
    ///
    /// - Parameters:
    ///   - change: the change.
    ///   - batch: takes the operation; none if the record says it already.
    /// - Returns: whether anything changed.
    /// - Throws: ``CRDTError`` with `notPermitted` for an empty name or address or one with control characters, `limitExceeded` for one that is too long or
    ///   for too many addresses.
    @discardableResult
    public mutating func changeMember(
        _ change: MemberChange, batch: inout OperationBatch
    ) throws(CRDTError) -> Bool {
        try AccountState.checkMemberText(change.name, MemberChange.maximumNameBytes)
        let record = memberTable.record(change.name)
        switch change {
        case .add(_, let stripe, let addresses):
            if addresses.count > MemberChange.maximumAddresses {
                let limit = MemberChange.maximumAddresses
                throw CRDTError(.limitExceeded, "a member has at most \(limit) addresses, got \(addresses.count)")
            }
            for address in addresses { try AccountState.checkMemberText(address, MemberChange.maximumAddressBytes) }
            if record?.standing == .added && record?.stripe == stripe && record?.addresses == addresses {
                return false
            }
        case .remove: if record?.isRemoved ?? false { return false }
        case .announce(_, let replica):
            if record?.replica == replica { return false }
            if replica.rawValue == 0 || replica.incarnation == 0 {
                throw CRDTError(.notPermitted, "a replica's name and incarnation are not zero, got \(replica)")
            }
        }
        batch.issue(.member(change), to: &self)
        return true
    }

    private static func checkMemberText(_ text: String, _ limit: Int) throws(CRDTError) {
        let bytes = text.utf8.count
        if bytes > limit {
            throw CRDTError(.limitExceeded, "a member's name or address has at most \(limit) bytes, got \(bytes)")
        }
        if text.isEmpty || text.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7f }) {
            throw CRDTError(.notPermitted, "a member's name or address is not empty and has no control characters")
        }
    }
}
