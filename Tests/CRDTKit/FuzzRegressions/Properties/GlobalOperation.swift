// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

@testable import CRDTKit

/// Operations in terms that all replicas share, so that those of two replicas can be compared.
enum GlobalOperation {
    /// An operation with every index replaced by the name behind it.
    static func text(_ operation: Operation, _ replica: borrowing Replica) -> String {
        let account = replica.symbols.name(of: operation.account) ?? "?"
        return "\(dot(operation.dot, replica)) \(account) @\(operation.timestamp.rawValue) \(body(operation, replica))"
    }

    private static func body(_ operation: Operation, _ replica: borrowing Replica) -> String {
        switch operation.body {
        case .create(let mailbox, let name, let validity, let use):
            return "create \(dot(mailbox.dot, replica)) \(Array(name.utf8)) \(validity) \(use)"
        case .delete(let mailbox): return "delete \(dot(mailbox.dot, replica))"
        case .rename(let mailbox, let name): return "rename \(dot(mailbox.dot, replica)) \(Array(name.utf8))"
        case .append(let mailbox, let facts, let flags, let assignment):
            let words = flagText(flags, replica)
            return "append \(dot(mailbox.dot, replica)) \(facts) \(words) \(String(describing: assignment))"
        case .expunge(let mailbox, let message):
            return "expunge \(dot(mailbox.dot, replica)) \(dot(message, replica))"
        case .store(let mailbox, let message, let adding, let removing):
            let place = "\(dot(mailbox.dot, replica)) \(dot(message, replica))"
            return "store \(place) +\(flagText(adding, replica)) -\(flagText(removing, replica))"
        case .assign(let mailbox, let message, let assignment):
            return "assign \(dot(mailbox.dot, replica)) \(dot(message, replica)) \(assignment)"
        case .subscribe(let name): return "subscribe \(Array(name.utf8))"
        case .unsubscribe(let name): return "unsubscribe \(Array(name.utf8))"
        case .epoch(let mailbox, let opening):
            return "epoch \(dot(mailbox.dot, replica)) \(opening)"
        case .member(let change): return "member \(change)"
        case .mark(let stripe): return "mark \(stripe)"
        }
    }

    private static func dot(_ dot: Dot, _ replica: borrowing Replica) -> String {
        let origin = replica.replicas.id(at: dot.replica).map { "\($0)" } ?? "well-known"
        return "\(origin):\(dot.counter)"
    }

    private static func flagText(_ flags: FlagSet, _ replica: borrowing Replica) -> String {
        var names: [String] = []
        for keyword in flags.keywords { names.append(replica.symbols.name(of: keyword)?.lowercased() ?? "?") }
        return "\(flags.system.rawValue)\(names.sorted())"
    }
}
