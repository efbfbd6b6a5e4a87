// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

@testable import CRDTKit

/// Start, checkpoint and the end of the log.
extension SimulatedStore {
    /// Makes an empty store on a new disk.
    static func format(_ disk: SimulatedDisk, partition: PartitionID, id: ReplicaID) throws(CRDTError) {
        var replica = try Replica(partition: partition, id: id)
        disk.engine = EngineImage(
            position: .start, replica: replica.checkpoint(.everything), accounts: [], bodies: [:],
            marks: LogMarks(capacity: 64, spacing: 256), required: [], newestOwn: HybridTimestamp(rawValue: 0))
    }

    /// Opens the store on a disk.
    ///
    /// - Returns: the store, or nil after a violation.
    static func open(
        world: World, oracle: Oracle, disk: SimulatedDisk, node: String, stripe: UIDStripe,
        wall: @escaping () -> UInt64
    ) -> SimulatedStore? {
        guard let image = disk.engine else { return nil }
        do throws(CRDTError) {
            let store = SimulatedStore(
                world: world, oracle: oracle, disk: disk, node: node, stripe: stripe,
                replica: try Replica(checkpoint: image.replica), image: image, wall: wall)
            try store.load(image)
            var failure: CRDTError?
            var uploads: [UInt64: [UInt8]] = [:]
            var last: [UInt8]?
            let corruption = disk.recover { kind, position, payload in
                if kind == .bodyChunk || kind == .bodyEnd {
                    SimulatedBody.recover(kind, payload, &uploads, &store.bodies)
                } else if kind == .operations, position >= image.position, failure == nil {
                    var next: [UInt8]? = payload
                    if world.mutant == .forgetsTheLastFrame { (next, last) = (last, payload) }
                    do throws(CRDTError) { if let next { try store.replay(next) } } catch { failure = error }
                }
            }
            if let corruption { world.violate("\(node): \(corruption)") }
            if let failure { world.violate("\(node): the log cannot be replayed: \(failure)") }
            store.finishRecovery()
            return store
        } catch {
            world.violate("\(node): the checkpoint cannot be read: \(error)")
            return nil
        }
    }

    private func load(_ image: EngineImage) throws(CRDTError) {
        for account in image.accounts {
            let index = try replica.account(named: account.name)
            var state = try AccountState(
                account: account.record, mailboxes: account.mailboxes, subscriptions: account.subscriptions,
                context: context())
            for (mailbox, records) in account.messages {
                var installation = MessageInstallation(mailbox: mailbox, capacity: records.count)
                for record in records { try installation.add(record.span) }
                try state.installMessages(installation)
            }
            if world.mutant == .forgetsWhatWasExposed { Exposure.forget(&state) }
            accounts[index] = AccountBox(state)
            imported[index] = account.imported
        }
        readMark()
    }

    private func replay(_ payload: [UInt8]) throws(CRDTError) {
        guard case .delivered(let frames, _) = try replica.recover(payload) else { return }
        for frame in frames {
            if frame.origin == replica.own, let last = frame.operations.last { newestOwn = last.timestamp }
            apply(frame)
        }
    }

    private func finishRecovery() {
        durable = replica.deliveredPositions
        durableOwn = newestOwn
        marks.note(disk.end, delivered: durable)
        recountBodies()
        oracle.recovered(self)
    }

    /// Counts anew which bodies the messages refer to.
    func recountBodies() {
        holders = [:]
        for box in accounts.values {
            loadAll(box)
            for slot in box.state.slots.indices {
                let messages = box.state.slots[slot].messages
                for record in messages.ordered + messages.apart where !record.isHole {
                    holders[messages.facts(of: record).body, default: (0, messages.facts(of: record).size)].count += 1
                }
            }
        }
    }

    /// The engine's records as of now, for the log from the durable end on.
    func image() -> EngineImage {
        var accounts: [EngineImage.Account] = []
        for (index, box) in self.accounts.sorted(by: { $0.key < $1.key }) {
            let boxes = box.state.recordedMailboxes
            var messages: [(mailbox: MailboxID, records: [[UInt8]])] = []
            for mailbox in boxes where box.state.recordCount(of: mailbox) > 0 {
                messages.append((mailbox, messageRecords(of: mailbox, box)))
            }
            accounts.append(
                EngineImage.Account(
                    name: replica.symbols.name(of: index) ?? "?", record: box.state.accountRecord(),
                    mailboxes: boxes.compactMap { box.state.mailboxRecord(of: $0) },
                    subscriptions: box.state.subscribedNames.compactMap { box.state.subscriptionRecord(of: $0) },
                    messages: messages, imported: imported[index]))
        }
        return EngineImage(
            position: disk.end, replica: replica.checkpoint(.everything), accounts: accounts,
            bodies: bodies.filter { holders[$0.key] != nil }, marks: marks, required: required, newestOwn: newestOwn)
    }

    /// Brings the engine forward, then cuts what nobody needs off the log.
    func checkpoint() {
        noteCheckpoint()
        var image = image()
        let generation = generation
        checkpoints += 1
        let number = checkpoints
        whenDurable { [self] in
            world.after(world.number(0...20_000)) { [self] in
                // A checkpoint that is overtaken by the next one is not written.
                if isStopped || generation != self.generation || number != checkpoints { return }
                image.marks = marks
                disk.engine = image
                cutLog(before: image.position)
                evictSome()
            }
        }
    }

    /// Removes the segments that the engine holds and that every member has, or that are beyond the cap.
    private func cutLog(before limit: LogPosition) {
        if !exports.isEmpty { return }
        let kept = StreamVector(progress.retain)
        var size = disk.byteCount
        var cut: (position: LogPosition, lost: [StreamPosition])?
        for segment in disk.segments.dropLast() where segment.end <= limit {
            guard let lost = marks.lost(before: segment.end) else { break }
            let isKept = lost.allSatisfy { $0.counter <= kept[$0.origin] }
            let own = lost.first { $0.origin == replica.id }?.counter ?? 0
            guard isKept || (size > SimulatedStore.retentionBytes && own <= progress.ownSecured) else { break }
            size -= segment.bytes.count
            cut = (segment.end, lost)
        }
        guard let cut else { return }
        world.note("\(node) cuts its log before \(cut.position)")
        marks.cut(before: disk.cut(before: cut.position), delivered: cut.lost)
        disk.engine?.marks = marks
        // Bodies that lay in the log are in the engine.
        signal()
    }
}
