// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

@testable import CRDTKit

/// What whoever has to understand a failure wants to know.
extension Simulation {
    /// How each node sees the UIDs of a mailbox: one line a node.
    func diagnosis(_ account: String, _ name: String) -> String {
        var lines = ["\(account)/\(name)"]
        var known = ""
        for node in nodes {
            guard let store = node.store, let index = store.replica.symbols.account(named: account),
                let box = store.accounts[index], let id = box.state.mailbox(named: name),
                let slot = box.state.slot(of: id)
            else { continue }
            store.loadAll(box)
            let mailbox = box.state.slots[slot]
            var line =
                "  \(node.name) \(store.replica.id): exposed \(mailbox.exposedUID), owner \(String(describing: mailbox.epochs.owner)), "
            line += mailbox.epochs.isForked ? "forked" : "not forked"
            let epochs = mailbox.epochs.entries
            var table = ""
            for entry in epochs.sorted(by: { $0.epoch < $1.epoch }) {
                let parent = entry.parent.map { "\(epochs[$0].epoch.number) up to \(entry.inheritedUpTo)" }
                table += "\n    epoch \(entry.epoch.number) of \(entry.epoch.owner)\(entry.isBirth ? ", birth" : "")"
                table += " from \(parent ?? "-"), UIDs \(entry.firstUID)...\(entry.greatestUID), limit \(entry.limit)"
                if let successor = entry.successor { table += ", to \(successor)" }
            }
            line += table == known ? ", same epochs" : table
            known = table
            for record in mailbox.messages.apart where record.place == .waiting {
                let epoch = record.uid == 0 ? "" : ", epoch \(epochs[Int(record.epoch)].epoch)"
                line += "\n    \(store.replica.globalID(record.id)) waits, UID \(record.uid)\(epoch)"
            }
            lines.append(line)
        }
        return lines.joined(separator: "\n")
    }

    /// What nodes that delivered the same operations do not agree on: the elements of their digests, in global names.
    func disagreements() -> [String] {
        var lines: [String] = []
        let stores = nodes.compactMap(\.store)
        for (position, store) in stores.enumerated() {
            for other in stores[(position + 1)...] {
                let isSame =
                    StreamVector(store.replica.deliveredPositions) == StreamVector(other.replica.deliveredPositions)
                if !isSame || store.isReady != other.isReady { continue }
                let (left, right) = (store.elements(), other.elements())
                if left == right { continue }
                lines += left.subtracting(right).sorted().map { "only \(store.node), not \(other.node): \($0)" }
                lines += right.subtracting(left).sorted().map { "only \(other.node), not \(store.node): \($0)" }
            }
        }
        return lines
    }
}

extension SimulatedStore {
    /// What replicas agree on, and why, one line an element.
    fileprivate func elements() -> Set<String> {
        var result: Set<String> = []
        for (index, box) in accounts {
            loadAll(box)
            let account = replica.symbols.name(of: index) ?? "?"
            for name in box.state.subscribedNames { result.insert("\(account) subscribes to \(name)") }
            for mailbox in box.state.slots { result.formUnion(elements(mailbox).map { "\(account)/\($0)" }) }
        }
        return result
    }

    private func elements(_ mailbox: Mailbox) -> [String] {
        let id = "\(replica.globalID(mailbox.id.dot))"
        if !mailbox.isAlive { return [] }
        var result = ["\(id) is \(mailbox.wantedName), \(String(describing: mailbox.birth))"]
        for (index, counter) in mailbox.liveness.counters.enumerated() where counter > 0 {
            let dot = Dot(ReplicaIndex(UInt16(truncatingIfNeeded: index)), counter)
            result.append("\(id) lives by \(replica.globalID(dot))")
        }
        for entry in mailbox.epochs.entries where entry.isRelated {
            let parent = entry.parent.map { "\(mailbox.epochs.entries[$0].epoch) up to \(entry.inheritedUpTo)" } ?? "-"
            result.append("\(id) epoch \(entry.epoch) from \(parent), to \(String(describing: entry.successor))")
        }
        let messages = mailbox.messages
        for record in messages.ordered + messages.apart where !record.isHole && record.place != .buried {
            let dots = messages.dots(of: record)
            let epoch = record.uid == 0 ? "" : " in \(mailbox.epochs.entries[Int(record.epoch)].epoch)"
            let message = "\(id) message \(replica.globalID(record.id))"
            result.append("\(message) UID \(record.uid)\(epoch)")
            result += dots.presence.map { "\(message) is there by \(replica.globalID($0))" }
            result += dots.enablers.map { "\(message) has \($0.flags) by \(replica.globalID($0.dot))" }
            result += dots.keywords.map {
                "\(message) has \(replica.symbols.name(of: $0.keyword) ?? "?") by \(replica.globalID($0.dot))"
            }
        }
        return result
    }
}
