// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Testing

@testable import CRDTKit

/// Each bug of the original implementation that a state can have.
@Suite("Bugs of the original")
struct RegressionTests {
    @Test("Both sides set \\Deleted, one expunges: they converge, and the message is gone everywhere")
    func storeDeletedOnBothSidesThenExpungeConverges() throws {
        let (left, right, message) = try ConcurrencyTableTests.scene()
        let first = try ConcurrencyTableTests.store(left, message, .add(FlagSet(.deleted)))
        let second = try ConcurrencyTableTests.store(right, message, .add(FlagSet(.deleted)))
        let expunge = try ConcurrencyTableTests.expunge(left, message)
        let end = ConcurrencyTableTests.meet(left, first + expunge, right, second)
        #expect(end.outline == [ConcurrencyTableTests.box: []])
    }

    @Test("Toggling a flag never makes an old identity again, and leaves nothing behind")
    func toggledFlagsNeverReuseAnIdentity() throws {
        let (left, right, message) = try ConcurrencyTableTests.scene()
        var toggles: [IssuedOperation] = []
        for _ in 0..<10 {
            toggles += try ConcurrencyTableTests.store(left, message, .add(FlagSet(.seen)))
            toggles += try ConcurrencyTableTests.store(left, message, .remove(FlagSet(.seen)))
        }
        #expect(Set(toggles.map(\.dot)).count == 20)
        let other = try ConcurrencyTableTests.store(right, message, .add(FlagSet(.flagged)))
        let end = ConcurrencyTableTests.meet(left, toggles, right, other)
        #expect(end.outline == [ConcurrencyTableTests.box: [message]])
        #expect(end.folders[ConcurrencyTableTests.box]?.messages[message]?.flags == FlagSet([.answered, .flagged]))
        let slot = try #require(left.slot(ConcurrencyTableTests.box))
        let dots = left.state.slots[slot].messages.dots(of: left.state.slots[slot].messages.ordered[0])
        #expect(dots.presence.count <= 2 && dots.enablers.count <= 2)
    }

    @Test("A delete that meets a store keeps that message and stops nobody")
    func deleteConcurrentWithStoreKeepsThatMessageAndKillsNobody() throws {
        let (left, right, message) = try ConcurrencyTableTests.scene()
        let store = try ConcurrencyTableTests.store(right, message, .add(FlagSet(.seen)))
        let end = ConcurrencyTableTests.meet(left, try ConcurrencyTableTests.delete(left), right, store)
        #expect(end.outline == [ConcurrencyTableTests.box: [message]])
        // The message can be changed, copied and expunged as any other.
        let later = try ConcurrencyTableTests.store(left, message, .replace(FlagSet(.flagged)))
        right.deliver(later + (try ConcurrencyTableTests.expunge(left, message)))
        #expect(right.state.digest == left.state.digest)
        #expect(right.account.outline == [ConcurrencyTableTests.box: []])
        #expect(right.violation == nil)
    }

    @Test("A delete that meets an expunge keeps the empty folder and stops nobody")
    func deleteConcurrentWithExpungeKeepsTheEmptyFolder() throws {
        let (left, right, message) = try ConcurrencyTableTests.scene()
        let expunge = try ConcurrencyTableTests.expunge(right, message)
        _ = ConcurrencyTableTests.meet(left, try ConcurrencyTableTests.delete(left), right, expunge)
        right.deliver(try ConcurrencyTableTests.delete(left))
        #expect(right.account.folders.isEmpty)
        #expect(right.violation == nil)
    }

    @Test("An expunged message that a buried copy waits for never comes back")
    func expungeReachesBuriedMessages() throws {
        let (left, right, message) = try ConcurrencyTableTests.scene()
        let third = TestReplica(3)
        third.deliver([])
        let deletion = try ConcurrencyTableTests.delete(left)
        let store = try ConcurrencyTableTests.store(right, message, .add(FlagSet(.seen)))
        let expunge = try ConcurrencyTableTests.expunge(right, message)
        left.deliver(store)
        #expect(left.account.outline == [ConcurrencyTableTests.box: [message]])
        left.deliver(expunge)
        right.deliver(deletion)
        #expect(left.account == right.account)
        #expect(left.state.digest == right.state.digest)
        #expect(left.account.outline == [ConcurrencyTableTests.box: []])
        #expect(left.changes.contains { if case .bodyReleased = $0 { true } else { false } })
    }

    @Test("INBOX's metadata does not grow with its expunges (D12)")
    func metadataDoesNotGrowWithExpunges() throws {
        let replica = TestReplica(1)
        _ = try UIDTests.createInbox(replica)
        var sizes: Set<Int> = []
        for round in 0..<300 {
            _ = try UIDTests.append(replica, UInt64(round))
            let ids = replica.messages(.inbox).map(\.id)
            try replica.issue { (state, batch) throws(CRDTError) in try state.expunge(ids, in: .inbox, batch: &batch) }
            if round >= 100 { sizes.insert(replica.state.mailboxRecord(of: .inbox)?.count ?? 0) }
        }
        let slot = try #require(replica.slot(.inbox))
        #expect(replica.state.slots[slot].liveness.counters.count == 2)
        #expect(replica.state.slots[slot].messages.ordered.count <= 64)
        #expect(replica.state.recordIDs(in: .inbox).isEmpty)
        // Numbers get a digit more now and then; nothing else changes.
        #expect((sizes.max() ?? 0) - (sizes.min() ?? 0) <= 4)
        #expect(replica.violation == nil)
    }

    @Test("A repeated append changes nothing, wherever the message is by then")
    func repeatedAppendChangesNothing() throws {
        let (left, _, message) = try ConcurrencyTableTests.scene()
        let digest = left.state.digest
        let again = Operation(
            dot: message, timestamp: HybridTimestamp(rawValue: 1), account: AccountIndex(0),
            body: .append(
                mailbox: ConcurrencyTableTests.box, facts: TestReplica.facts(1), flags: FlagSet(.answered),
                assignment: nil))
        left.deliver([IssuedOperation(operation: again, past: VersionVector())])
        #expect(left.state.digest == digest)
        #expect(left.violation == nil)
    }
}
