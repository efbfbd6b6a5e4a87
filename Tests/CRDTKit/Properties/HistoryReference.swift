// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

@testable import CRDTKit

/// An operation with its causal past.
struct IssuedOperation: Hashable {
    var operation: Operation
    var past: VersionVector

    var dot: Dot { operation.dot }

    /// Whether the operation is of the other's causal past.
    func happenedBefore(_ other: IssuedOperation) -> Bool { other.past.contains(dot) }

    func isConcurrent(with other: IssuedOperation) -> Bool {
        dot != other.dot && !happenedBefore(other) && !other.happenedBefore(self)
    }

    var mailbox: MailboxID? {
        switch operation.body {
        case .create(let mailbox, _, _, _), .delete(let mailbox), .rename(let mailbox, _),
            .append(let mailbox, _, _, _), .expunge(let mailbox, _), .store(let mailbox, _, _, _),
            .assign(let mailbox, _, _), .epoch(let mailbox, _):
            mailbox
        case .subscribe, .unsubscribe, .member, .mark: nil
        }
    }

    /// The message that the operation is about.
    var message: Dot? {
        switch operation.body {
        case .append: dot
        case .expunge(_, let message), .store(_, let message, _, _), .assign(_, let message, _): message
        default: nil
        }
    }
}

/// The state that a set of delivered operations means, said declaratively: slow, without any incremental state, obviously right.
struct HistoryReference {
    var delivered: [IssuedOperation]
    var context: ApplyContext

    func account() -> AbstractAccount {
        var result = AbstractAccount()
        let mailboxes = Set(delivered.compactMap(\.mailbox))
        for mailbox in mailboxes {
            if let folder = folder(mailbox) { result.folders[mailbox] = folder }
        }
        // Names are dealt out among the living; that the outcome does not depend on an order is what is checked here.
        var names = MailboxNames()
        for (mailbox, folder) in result.folders {
            let claimant = MailboxNames.Claimant(mailbox, identity: context.identityHash(mailbox.dot), context: context)
            names.set(claimant, wants: folder.name) { _ in }
        }
        for mailbox in result.folders.keys { result.folders[mailbox]?.effectiveName = names.name(of: mailbox) ?? "" }
        result.subscriptions = subscriptions()
        return result
    }

    private func folder(_ mailbox: MailboxID) -> AbstractAccount.Folder? {
        let here = delivered.filter { $0.mailbox == mailbox }
        let deletes = here.filter { if case .delete = $0.operation.body { mailbox != .inbox } else { false } }
        let wanting = here.filter { issued in
            switch issued.operation.body {
            case .create, .append, .expunge, .store, .rename: !deletes.contains { issued.happenedBefore($0) }
            default: false
            }
        }
        if wanting.isEmpty { return nil }
        let naming = here.compactMap { issued -> (stamp: NameStamp, name: String)? in
            let stamp = NameStamp(
                timestamp: issued.operation.timestamp, replica: context.replica(issued.dot.replica),
                counter: issued.dot.counter)
            switch issued.operation.body {
            case .create(_, let name, _, _), .rename(_, let name): return (stamp, name)
            default: return nil
            }
        }
        let births = here.compactMap { issued -> MailboxBirth? in
            if case .create(_, _, let uidValidity, let use) = issued.operation.body {
                return MailboxBirth(uidValidity: uidValidity, owner: context.replica(issued.dot.replica), use: use)
            }
            return nil
        }
        let birth = births.max()
        var name = naming.max { $0.stamp < $1.stamp }?.name ?? ""
        if name.isEmpty, mailbox.isWellKnown {
            name = MailboxNames.defaults[MailboxUse(rawValue: UInt8(mailbox.dot.counter - 16)) ?? .none] ?? ""
        }
        var folder = AbstractAccount.Folder(
            name: mailbox == .inbox ? "INBOX" : name, effectiveName: "", uidValidity: birth?.uidValidity ?? 0,
            use: birth?.use ?? .none, messages: [:])
        let epochs = EpochReference(here: here, birth: birth, context: context)
        for issued in here {
            if case .append(_, let facts, _, _) = issued.operation.body, isPresent(issued.dot, here, deletes) {
                let assignment = assignment(issued.dot, here, deletes, epochs)
                folder.messages[issued.dot] = AbstractAccount.Message(
                    facts: facts, flags: flags(issued.dot, here), assignment: assignment,
                    counts: assignment.map { epochs.counts($0) } ?? false)
            }
        }
        return folder
    }

    private func isPresent(_ message: Dot, _ here: [IssuedOperation], _ deletes: [IssuedOperation]) -> Bool {
        let about = here.filter { $0.message == message }
        if about.contains(where: { if case .expunge = $0.operation.body { true } else { false } }) { return false }
        return about.contains { issued in
            switch issued.operation.body {
            case .append, .store: !deletes.contains { issued.happenedBefore($0) }
            default: false
            }
        }
    }

    private func flags(_ message: Dot, _ here: [IssuedOperation]) -> FlagSet {
        var result = FlagSet()
        let about = here.filter { $0.message == message }
        for enabler in about {
            let adding: FlagSet
            switch enabler.operation.body {
            case .append(_, _, let flags, _): adding = flags
            case .store(_, _, let flags, _): adding = flags
            default: continue
            }
            var overridden = FlagSet()
            for other in about where enabler.happenedBefore(other) {
                if case .store(_, _, let added, let removed) = other.operation.body {
                    overridden = overridden.union(added).union(removed)
                }
            }
            result = result.union(adding.subtracting(overridden))
        }
        return result
    }

    /// The greatest assignment that had seen every DELETE of the message.
    private func assignment(
        _ message: Dot, _ here: [IssuedOperation], _ deletes: [IssuedOperation], _ epochs: EpochReference
    ) -> UIDAssignment? {
        let ofMessage = deletes.filter { $0.past.contains(message) }
        let all = here.filter { $0.message == message }.compactMap { issued -> UIDAssignment? in
            if !ofMessage.allSatisfy({ $0.happenedBefore(issued) }) { return nil }
            switch issued.operation.body {
            case .append(_, _, _, let assignment): return assignment
            case .assign(_, _, let assignment): return assignment
            default: return nil
            }
        }
        return all.max { epochs.isBelow($0, $1) }
    }

    private func subscriptions() -> Set<String> {
        var result: Set<String> = []
        for issued in delivered {
            guard case .subscribe(let name) = issued.operation.body else { continue }
            let isOverridden = delivered.contains { other in
                if case .unsubscribe(name) = other.operation.body { return issued.happenedBefore(other) }
                return false
            }
            if !isOverridden { result.insert(name) }
        }
        return result
    }
}
