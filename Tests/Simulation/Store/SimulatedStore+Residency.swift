// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

@testable import CRDTKit

/// Messages that are in the engine only, until somebody needs them.
extension SimulatedStore {
    /// Lets go of mailboxes that are in the engine as they are in memory.
    func evictSome() {
        guard let image = disk.engine else { return }
        for account in image.accounts {
            guard let index = replica.symbols.account(named: account.name), let box = accounts[index] else { continue }
            for (mailbox, records) in account.messages where world.once(in: 2) && box.state.isResident(mailbox) {
                guard let header = box.state.mailboxRecord(of: mailbox), account.mailboxes.contains(header) else {
                    continue
                }
                if Set(messageRecords(of: mailbox, box)) == Set(records) { box.state.evictMessages(of: mailbox) }
            }
        }
    }

    /// The records of a mailbox's messages, from memory or from the engine.
    func messageRecords(of mailbox: MailboxID, _ box: AccountBox) -> [[UInt8]] {
        if box.state.isResident(mailbox) {
            return box.state.recordIDs(in: mailbox).compactMap { box.state.messageRecord(of: $0, in: mailbox) }
        }
        for account in disk.engine?.accounts ?? [] {
            guard let index = replica.symbols.account(named: account.name), accounts[index] === box else { continue }
            return account.messages.first { $0.mailbox == mailbox }?.records ?? []
        }
        return []
    }

    /// Brings a mailbox's messages into memory.
    func load(_ mailbox: MailboxID, _ box: AccountBox) {
        if box.state.isResident(mailbox) { return }
        do throws(CRDTError) {
            var installation = MessageInstallation(mailbox: mailbox)
            for record in messageRecords(of: mailbox, box) { try installation.add(record.span) }
            try box.state.installMessages(installation)
        } catch { world.violate("\(node): \(mailbox) cannot be loaded: \(error)") }
    }

    /// Brings everything of an account into memory.
    func loadAll(_ box: AccountBox) {
        for mailbox in box.state.recordedMailboxes { load(mailbox, box) }
    }

    /// What must be in memory before a frame can be applied.
    private func absent(for frame: DecodedFrame) -> [(MailboxID, AccountBox)] {
        frame.operations.compactMap { operation in
            guard let box = accounts[operation.account], let mailbox = box.state.needsMessages(for: operation) else {
                return nil
            }
            return (mailbox, box)
        }
    }

    /// Gives a frame to the replica, which delivers it, and what waited for it, when the mailboxes that it touches are in memory.
    func deliver(_ payload: [UInt8]) throws(CRDTError) -> ReceiveResult {
        var result = ReceiveResult.deferred
        var frames: [DecodedFrame] = []
        var refused: [RefusedFrame] = []
        var missing: [(MailboxID, AccountBox)] = []
        let admits: (DecodedFrame) -> Bool = { frame in
            let absent = self.absent(for: frame)
            missing += absent
            return absent.isEmpty
        }
        for _ in 0..<1_000 {
            result = try replica.receive(payload, nowMilliseconds: now, admitting: admits)
            guard case .deferred = result else { break }
            for (mailbox, box) in missing { load(mailbox, box) }
            missing = []
        }
        guard case .delivered(let first, let firstRefused) = result else { return result }
        (frames, refused) = (first, firstRefused)
        while replica.deferredFrames > 0 {
            for (mailbox, box) in missing { load(mailbox, box) }
            missing = []
            let more = replica.resumeDeferred(admitting: admits)
            frames += more.delivered
            refused += more.refused
            if more.delivered.isEmpty && missing.isEmpty { break }
        }
        return .delivered(frames, refused: refused)
    }
}
