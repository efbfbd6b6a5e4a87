// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit

/// How many of a hundred operations are of which kind.
struct Mix {
    enum Kind: UInt8 {
        case append, store, expunge, create
    }

    let append: Int
    let store: Int
    let expunge: Int

    /// What is left is the creation of mailboxes.
    var create: Int { 100 - append - store - expunge }

    /// The mix of `crdt.gen`, `crdt.encode` and `crdt.decode`.
    static let mailboxes = Mix(append: 50, store: 30, expunge: 10)
    /// The mix of `crdt.apply.replicas`, in which no mailbox is created.
    static let messages = Mix(append: 50, store: 30, expunge: 20)
    /// As many messages go as come, so that what is measured for long stays what it is.
    static let steady = Mix(append: 35, store: 30, expunge: 35)
    static let appends = Mix(append: 100, store: 0, expunge: 0)

    func pick(_ random: inout BenchGenerator) -> Kind {
        let number = random.below(100)
        if number < append { return .append }
        if number < append + store { return .store }
        return number < append + store + expunge ? .expunge : .create
    }
}
