// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import CRDTKit

/// A replica that obeys a plan with the commands of production, on one state for each user.
final class PlannedWorld {
    static let own = ReplicaIndex(1)
    static let replica = ReplicaID(1)

    let plan: Plan
    private let accounts: [StateBox]
    private let context: ApplyContext
    private let facts: [MessageFacts]
    private var counter: UInt64 = 0
    /// How many commands of the plan were obeyed.
    private var done = 0
    private var clock = HybridClock()
    /// What was issued, if it is kept.
    private(set) var operations: [Operation] = []

    /// Creates the folders.
    ///
    /// - Parameters:
    ///   - plan: what will be done.
    ///   - facts: the facts of the messages, one for each command.
    /// - Throws: what a command throws.
    init(_ plan: Plan, facts: [MessageFacts]) throws {
        (self.plan, self.facts) = (plan, facts)
        context = try .naming(1...1)
        accounts = (0..<plan.users).map { _ in StateBox() }
        let validity = UIDValiditySource(nowSeconds: 1_700_000_000, stripe: 1)
        for user in 0..<plan.users {
            var batch = batch(user)
            for folder in 0..<plan.foldersPerUser {
                try accounts[user].state.createMailbox(
                    name: folder == 0 ? "Mail" : "Folder \(folder)", validity: validity, batch: &batch)
            }
            keep(batch)
        }
    }

    /// The messages of all commands of a plan, made before anything is timed.
    static func facts(for plan: Plan) -> [MessageFacts] { plan.commands.indices.map { Sample.facts(UInt64($0)) } }

    /// Obeys a part of the plan, which begins where the last one ended: what `crdt.gen` times.
    ///
    /// - Parameters:
    ///   - part: which commands.
    ///   - keeping: whether the operations are kept.
    /// - Throws: what a command throws.
    func obey(_ part: Range<Int>, keeping: Bool = false) throws {
        let validity = UIDValiditySource(nowSeconds: 1_700_000_000, stripe: 1)
        let flag = FlagSet([.flagged])
        var start = part.lowerBound
        while start < part.upperBound {
            let end = min(start + plan.batch, part.upperBound)
            var batch = batch(Int(plan.commands[start].user))
            for index in start..<end {
                let command = plan.commands[index]
                let mailbox = Self.mailbox(command.folder)
                let message = Dot(Self.own, command.target)
                let box = accounts[Int(command.user)]
                batch.account = AccountIndex(UInt32(command.user))
                switch command.kind {
                case .append: try box.state.append(facts[index], to: mailbox, batch: &batch)
                case .store:
                    try box.state.store(
                        command.isSetting ? .add(flag) : .remove(flag), message: message, in: mailbox, batch: &batch)
                case .expunge: try box.state.expunge([message], in: mailbox, batch: &batch)
                case .create:
                    try box.state.createMailbox(name: "New \(command.target)", validity: validity, batch: &batch)
                }
            }
            counter += UInt64(batch.operations.count)
            if keeping { operations += batch.operations }
            start = end
        }
        done = part.upperBound
    }

    /// Checks that every command so far became one operation and that the messages are there.
    func check() throws {
        let expected = UInt64(plan.folderCount + done)
        guard counter == expected else {
            throw BenchFailure("\(counter) operations were issued, \(expected) were planned")
        }
        var messages: UInt64 = 0
        for folder in 0..<plan.folderCount {
            let state = accounts[folder / plan.foldersPerUser]
            messages += state.state.summary(of: Self.mailbox(Int32(folder)))?.messages ?? 0
        }
        let appended = plan.commands[..<done].count { $0.kind == .append }
        let expunged = plan.commands[..<done].count { $0.kind == .expunge }
        guard messages == UInt64(appended - expunged) else {
            throw BenchFailure("\(messages) messages are there, \(appended - expunged) were planned")
        }
    }

    /// The folder of a plan's position: it was created by the operation of that number.
    static func mailbox(_ folder: Int32) -> MailboxID { MailboxID(Dot(own, UInt64(folder) + 1)) }

    /// As the service does for each command: the time of the clock, the next counter, all that was delivered as the past.
    private func batch(_ user: Int) -> OperationBatch {
        let milliseconds = Sample.startMilliseconds + counter / 1_000
        return OperationBatch(
            replica: Self.own, firstCounter: counter + 1, timestamp: clock.tick(nowMilliseconds: milliseconds),
            account: AccountIndex(UInt32(user)), context: context)
    }

    private func keep(_ batch: OperationBatch) {
        counter += UInt64(batch.operations.count)
        operations += batch.operations
    }
}

/// A state that an array can hold: as in the store, each account lives in an object.
final class StateBox {
    var state: AccountState

    init() { state = AccountState() }

    init(_ state: consuming AccountState) { self.state = state }
}
