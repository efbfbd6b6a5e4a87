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
}
