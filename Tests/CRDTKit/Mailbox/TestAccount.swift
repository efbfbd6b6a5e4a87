// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

@testable import CRDTKit

/// Replicas for tests that say step by step what is issued and what is delivered where.
final class TestReplica {
    static let context = ApplyContext(
        replicas: [ReplicaID(30), ReplicaID(20), ReplicaID(10)], keywords: ["$Forwarded", "work"])

    let index: ReplicaIndex
    var state = AccountState()
    var delivered = VersionVector()
    var clock: UInt64 = 1_000
    var changes: StateChanges = []
    var stripe = UIDStripe.sole

    init(_ index: UInt16) { self.index = ReplicaIndex(index) }

    var id: ReplicaID { TestReplica.context.replica(index) }

    var validity: UIDValiditySource { UIDValiditySource(nowSeconds: 1_000, stripe: UInt8(index.rawValue)) }

    var account: AbstractAccount { AbstractAccount(state) }

    /// Runs commands in one batch and returns what they issued.
    @discardableResult
    func issue(
        _ command: (inout AccountState, inout OperationBatch) throws(CRDTError) -> Void
    ) throws(CRDTError) -> [IssuedOperation] {
        clock += 1
        var context = TestReplica.context
        context.past = delivered
        var batch = OperationBatch(
            replica: index, firstCounter: delivered[index] + 1, timestamp: HybridTimestamp(rawValue: clock),
            account: AccountIndex(0), context: context, stripe: stripe)
        try command(&state, &batch)
        changes = batch.changes
        var issued: [IssuedOperation] = []
        for operation in batch.operations {
            issued.append(IssuedOperation(operation: operation, past: delivered))
            delivered[index] = operation.dot.counter
        }
        return issued
    }

    /// Issues one operation without any check, as the verified model does.
    func issueRaw(_ body: OperationBody) -> IssuedOperation {
        clock += 1
        let dot = Dot(index, delivered[index] + 1)
        let issued = IssuedOperation(
            operation: Operation(
                dot: dot, timestamp: HybridTimestamp(rawValue: clock), account: AccountIndex(0), body: body),
            past: delivered)
        apply(issued)
        return issued
    }

    func deliver(_ operations: [IssuedOperation]) {
        changes = []
        for issued in operations { apply(issued) }
    }

    private func apply(_ issued: IssuedOperation) {
        var context = TestReplica.context
        context.past = issued.past
        state.apply(issued.operation, context: context, changes: &changes)
        if delivered[issued.dot.replica] < issued.dot.counter { delivered[issued.dot.replica] = issued.dot.counter }
        clock = max(clock, issued.operation.timestamp.rawValue)
    }

    func summary(_ mailbox: MailboxID) -> MailboxSummary? { state.summary(of: mailbox) }

    // An expectation cannot call a method of a noncopyable value: these do.
    func slot(_ mailbox: MailboxID) -> Int? { state.slot(of: mailbox) }

    func box(_ name: String) -> MailboxID? { state.mailbox(named: name) }

    func owns(_ mailbox: MailboxID) -> Bool { state.ownsUIDs(of: mailbox, replica: id) }

    func isResident(_ mailbox: MailboxID) -> Bool { state.isResident(mailbox) }

    func messages(_ mailbox: MailboxID) -> [MessageView] { state.messages(in: mailbox) }

    /// The first violation of the state's own rules, the digest included.
    var violation: String? {
        if let violation = state.checkInvariants() { return violation }
        return state.recomputedDigest(context: TestReplica.context) == state.digest
            ? nil : "the digest is not that of the state"
    }

    static func facts(_ number: UInt64, size: UInt64 = 100) -> MessageFacts {
        MessageFacts(
            body: BodyDigest(words: (number, 0, 0, 0)), size: size, internalDateSeconds: 0, internalDateZoneMinutes: 0)
    }
}
