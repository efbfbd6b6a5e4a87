// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

@testable import CRDTKit

/// A snapshot that is being made for a peer.
final class SimulatedExport {
    var export: SnapshotExport
    var rest: [String]
    var parts: [[UInt8]] = []
    var isComplete: Bool { rest.isEmpty && export.isComplete }

    init(_ export: SnapshotExport, _ accounts: [String]) { (self.export, rest) = (export, accounts) }
}

/// A snapshot that is being taken in.
final class SimulatedImport {
    let transfer: TransferID
    let scope: SnapshotScope
    var source: SnapshotImport
    /// The replica of the new state; for a single account names are learned by the store's own.
    var replica: Replica
    var steps: [SnapshotImportStep] = []

    init(
        _ transfer: TransferID, _ scope: SnapshotScope, _ replica: consuming Replica, now: UInt64, modSeqs: ModSeqStamp
    ) {
        (self.transfer, self.scope) = (transfer, scope)
        source = SnapshotImport(scope, nowMilliseconds: now, modSeqs: modSeqs)
        self.replica = replica
    }
}

extension SimulatedStore {
    // MARK: Export

    /// Begins an export; false if the store cannot make one now.
    func beginExport(_ transfer: TransferID, _ scope: SnapshotScope) -> Bool {
        guard isReady else { return false }
        var limits = SnapshotLimits()
        limits.maximumPartBytes = Int(world.number(200...4_000))
        let names: [String]
        switch scope {
        case .everything: names = accounts.keys.sorted().compactMap { replica.symbols.name(of: $0) }
        case .account(let name): names = replica.symbols.account(named: name) == nil ? [] : [name]
        }
        exports[transfer] = SimulatedExport(SnapshotExport(scope, of: replica, limits: limits), names)
        return true
    }

    /// Makes a part; nil if there is no such part.
    func exportPart(_ transfer: TransferID, _ index: UInt64) -> SnapshotPart? {
        guard let export = exports[transfer], isReady else { return nil }
        while export.parts.count <= Int(index) {
            if let part = export.export.nextPart() {
                export.parts.append(part)
            } else if let name = export.rest.first {
                export.rest.removeFirst()
                guard let account = replica.symbols.account(named: name) else { continue }
                let copy = box(account).state.copy()
                export.export.begin(name, state: copy, replica: replica)
                var records = AccountExport(copy)
                while true {
                    let step = records.step(into: &export.export)
                    if step == .finished { break }
                    if case .needsMessages(let mailbox) = step {
                        for record in messageRecords(of: mailbox, box(account)) { export.export.add(record) }
                    }
                }
                if export.rest.isEmpty { export.export.finish() }
            } else if export.export.isComplete {
                return nil
            } else {
                export.export.finish()
            }
        }
        let isLast = export.isComplete && Int(index) == export.parts.count - 1
        return SnapshotPart(index: index, isLast: isLast, bytes: export.parts[Int(index)])
    }

    // MARK: Import

    func beginImport(_ transfer: TransferID, _ scope: SnapshotScope) {
        world.note("\(node) begins to import \(transfer) \(scope)")
        arriving = SimulatedImport(transfer, scope, Replica(forgettingHistoryOf: replica), now: now, modSeqs: modSeqs)
    }

    /// Takes in a part; after the last one the snapshot is in force.
    func importPart(_ transfer: TransferID, _ part: SnapshotPart) -> ImportOutcome {
        guard let arriving, arriving.transfer == transfer else { return .rejected("there is no such import") }
        do throws(CRDTError) {
            if case .everything = arriving.scope {
                arriving.steps += try arriving.source.take(part.bytes, into: &arriving.replica)
            } else {
                arriving.steps += try arriving.source.take(part.bytes, into: &replica)
            }
            guard part.isLast else { return .accepted }
            guard arriving.source.isFinished else { throw CRDTError(.malformed, "the snapshot is not complete") }
            self.arriving = nil
            if case .everything = arriving.scope { try replaceEverything(arriving) } else { try repair(arriving) }
            world.note("\(node) has imported \(transfer)")
            return .accepted
        } catch {
            self.arriving = nil
            return .rejected("\(error)")
        }
    }

    /// The accounts that the steps make.
    private func accounts(
        _ steps: [SnapshotImportStep], _ context: ApplyContext
    ) throws(CRDTError) -> [AccountIndex: (AccountBox, VersionVector)] {
        var result: [AccountIndex: (AccountBox, VersionVector)] = [:]
        var rest = steps[...]
        while let step = rest.popFirst() {
            guard var account = SnapshotAccount(step) else { continue }
            while let step = rest.popFirst() {
                if case .closed = step { break }
                try account.take(step)
            }
            let (index, vector) = (account.index, account.vector)
            result[index] = (AccountBox(try account.state(context: context)), vector)
        }
        return result
    }

    /// Puts a snapshot of everything in force, with all of the own log that it lacks on top.
    private func replaceEverything(_ arriving: SimulatedImport) throws(CRDTError) {
        guard isSettled else { throw CRDTError(.notPermitted, "the import is put in force when the log is at rest") }
        // A mailbox is named by the index of a replica: what was shown can be taken over only if both states mean the same by it.
        guard zip(replica.replicas.ids, arriving.replica.replicas.ids).allSatisfy({ $0 == $1 }) else {
            throw CRDTError(.notPermitted, "a replica was heard of while the snapshot came; it has to come again")
        }
        for box in accounts.values { loadAll(box) }
        let context = SnapshotImport.context(of: arriving.replica)
        let made = try accounts(arriving.steps, context)
        let snapshot = arriving.replica.positions(of: arriving.replica.delivered)
        let vector = arriving.replica.positions(of: arriving.source.vector)
        let former = (accounts: accounts, imported: imported, required: required, modSeqs: modSeqs)
        let before = StreamVector(replica.deliveredPositions)
        // The new replica stands in for the old one while the log is read; it is put back if that fails.
        swap(&replica, &arriving.replica)
        accounts = made.mapValues { $0.0 }
        imported = made.mapValues { $0.1 }
        required = vector
        do throws(CRDTError) {
            readMark()
            try replayOwnLog()
            for (index, box) in accounts {
                guard let name = replica.symbols.name(of: index),
                    let formerIndex = arriving.replica.symbols.account(named: name),
                    let old = former.accounts[formerIndex]
                else { continue }
                Exposure.carryOver(from: old.state, to: &box.state, modSeqs)
            }
            guard StreamVector(replica.deliveredPositions).covers(before) else {
                throw CRDTError(.malformed, "the snapshot lacks operations that the log has lost")
            }
        } catch {
            swap(&replica, &arriving.replica)
            (accounts, imported, required, modSeqs) = former
            throw error
        }
        generation += 1
        durable = replica.deliveredPositions
        marks.skip(snapshot.filter { $0.counter > before[$0.origin] })
        recountBodies()
        disk.engine = image()
        dropSessions()
        membersChanged()
        signal()
    }

    private func replayOwnLog() throws(CRDTError) {
        var position = disk.start
        while let read = disk.read(from: position, maximumBytes: 1 << 20), !read.frames.isEmpty {
            for frame in read.frames where frame.kind == .operations {
                let payload = Array(frame.envelope.dropFirst(FrameEnvelope.headerBytes))
                if case .delivered(let frames, _) = try replica.recover(payload) {
                    for frame in frames { apply(frame) }
                }
            }
            position = read.next
        }
    }

    /// Replaces one account by the peer's, if the peer knew all that is known here.
    private func repair(_ arriving: SimulatedImport) throws(CRDTError) {
        let made = try accounts(arriving.steps, context())
        for (index, (box, vector)) in made {
            guard vector.covers(replica.delivered) else {
                throw CRDTError(.notPermitted, "this store went on meanwhile")
            }
            if let old = accounts[index] { loadAll(old) }
            if let old = accounts[index] { Exposure.carryOver(from: old.state, to: &box.state, modSeqs) }
            accounts[index] = box
            imported[index] = vector
            required += replica.positions(of: vector)
        }
        generation += 1
        recountBodies()
        disk.engine = image()
        dropSessions()
        signal()
    }
}
