// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import CRDTKit

/// A replica whose clients give commands, a reader of its frames, and fellow replicas that write at the same rate: what an
/// operation costs on its way when there are many messages, users or replicas.
///
/// As many messages go as come, so that their number stays. Between two frames of the writer every other replica issues one
/// operation, of an account that the writer's clients leave alone; both have received it before the next frame. So a frame tells of
/// all of them.
final class GrowthWorld {
    /// What one operation costs on its way.
    struct Costs {
        /// The command: its checks, the operation, its effect.
        var generate = Cost.zero
        /// Into a sealed frame.
        var encode = Cost.zero
        /// Out of it, to the delivery in causal order.
        var decode = Cost.zero
    }

    /// How large everything is.
    struct Size {
        var messages = 1_000
        var users = 1
        var replicas = 2
        var perFrame = 1_024
    }

    private struct Live {
        var message: Dot
        var user: Int32
        var isFlagged: Bool
    }

    private static let operationsPerRound = 65_536
    private static let perPreparedFrame = 1_024

    let size: Size
    /// The bytes of all frames that were measured, their operations, and how many of those were APPENDs.
    private(set) var bytes = 0
    private(set) var operations = 0
    private(set) var appends = 0
    private let writer: ReplicaNode
    private let reader: ReplicaNode
    private var fellows: [Fellow]
    /// The state of each user, and that of the fellows' account.
    private let accounts: [StateBox]
    private var mailboxes: [MailboxID] = []
    private var live: [Live] = []
    private var random = BenchGenerator(seed: 21)
    private var milliseconds = Sample.startMilliseconds
    private var changes: StateChanges = []

    /// Makes the replicas, a mailbox for each user, and the messages in them.
    init(_ size: Size) throws {
        self.size = size
        let names = (0..<size.users).map { "user\($0)@example.org" } + ["fellows@example.org"]
        // The reader has the last number.
        let ids = (1...UInt64(size.replicas) + 1).map { ReplicaID($0) }
        writer = try ReplicaNode(1, knowing: Array(ids.dropFirst()), accounts: names)
        reader = try ReplicaNode(UInt64(size.replicas) + 1, knowing: Array(ids.dropLast()), accounts: names)
        fellows = try ids.dropFirst().dropLast().map { try Fellow($0, account: names.last ?? "") }
        accounts = names.map { _ in StateBox() }
        let validity = UIDValiditySource(nowSeconds: 1_700_000_000, stripe: 1)
        try prepare(size.users) { user, batch in
            mailboxes.append(
                try accounts[user].state.createMailbox(name: "Mail", validity: validity, batch: &batch))
        }
        try prepare(max(size.messages, size.users)) { number, batch in
            let user = number % size.users
            // The operations before are the creations and the messages before.
            let dot = Dot(batch.replica, UInt64(size.users + number + 1))
            live.append(Live(message: dot, user: Int32(user), isFlagged: false))
            try accounts[user].state.append(Sample.facts(dot.counter), to: mailboxes[user], batch: &batch)
        }
        // The mailboxes of the fellows.
        try hearOfFellows()
    }

    /// Gives commands, each to the next user, in frames that the reader receives; nothing of it is measured.
    private func prepare(_ count: Int, _ command: (Int, inout OperationBatch) throws -> Void) throws {
        for start in stride(from: 0, to: count, by: Self.perPreparedFrame) {
            let (point, made) = begin()
            var batch = made
            for number in start..<min(start + Self.perPreparedFrame, count) {
                batch.account = AccountIndex(UInt32(number % size.users))
                try command(number, &batch)
            }
            for payload in try writer.replica.seal(batch.operations, issuedAt: point) {
                _ = try reader.receive(payload)
            }
        }
    }

    /// Where the writer's next operations begin, and an empty batch for them.
    private func begin() -> (IssuePoint, OperationBatch) {
        milliseconds += 1
        let point = writer.replica.begin(nowMilliseconds: milliseconds)
        let context = ApplyContext(
            past: point.past, replicas: writer.replica.replicas.ids, replicaHashes: writer.replica.replicas.hashes,
            keywordHashes: writer.replica.symbols.keywordHashes)
        return (
            point,
            OperationBatch(
                replica: point.replica, firstCounter: point.firstCounter, timestamp: point.timestamp,
                account: AccountIndex(0), context: context)
        )
    }

    /// The next operations.
    ///
    /// - Returns: what one of them costs at each stage.
    /// - Throws: what a command or a replica throws.
    func round() throws -> Costs {
        var costs = Costs()
        for _ in 0..<(Self.operationsPerRound / size.perFrame) { try frame(&costs) }
        costs.generate = costs.generate.divided(by: Self.operationsPerRound)
        costs.encode = costs.encode.divided(by: Self.operationsPerRound)
        costs.decode = costs.decode.divided(by: Self.operationsPerRound)
        return costs
    }

    private func frame(_ costs: inout Costs) throws {
        try hearOfFellows()
        let commands = choose()
        let facts = commands.map { $0.kind == .append ? Sample.facts($0.target) : Sample.facts(0) }
        var issued: [Operation] = []
        var point: IssuePoint?
        costs.generate =
            try costs.generate
            + Stopwatch.measure {
                let (start, made) = begin()
                var batch = made
                try obey(commands, facts, &batch)
                (point, issued) = (start, batch.operations)
            }
        guard let point, issued.count == commands.count else {
            throw BenchFailure("\(commands.count) commands issued \(issued.count) operations")
        }
        var payloads: [[UInt8]] = []
        costs.encode =
            try costs.encode + Stopwatch.measure { payloads = try writer.replica.seal(issued, issuedAt: point) }
        var delivered = 0
        costs.decode =
            try costs.decode
            + Stopwatch.measure {
                for payload in payloads {
                    for frame in try reader.receive(payload) { delivered += frame.operations.count }
                }
            }
        guard delivered == issued.count else {
            throw BenchFailure("\(delivered) of \(issued.count) operations were delivered")
        }
        bytes += payloads.reduce(0) { $0 + $1.count }
        operations += issued.count
        appends += commands.count { $0.kind == .append }
    }

    /// Every other replica issues an operation, which writer and reader receive.
    private func hearOfFellows() throws {
        for index in fellows.indices {
            let payload = try fellows[index].next(milliseconds: milliseconds)
            _ = try reader.receive(payload)
            for frame in try writer.receive(payload) {
                accounts[size.users].state.apply(
                    frame.operations, context: writer.context(frame), changes: &changes)
            }
            changes.removeAll()
        }
    }

    /// The next commands, whose operations have the writer's next counters.
    private func choose() -> [PlannedCommand] {
        let first = writer.replica.nextCounter
        return (0..<size.perFrame).map { step in
            let kind = live.isEmpty ? .append : Mix.steady.pick(&random)
            let counter = first + UInt64(step)
            switch kind {
            case .append, .create:
                let user = Int32(random.below(size.users))
                live.append(Live(message: Dot(PlannedWorld.own, counter), user: user, isFlagged: false))
                return PlannedCommand(kind: .append, isSetting: false, user: user, folder: 0, target: counter)
            case .store:
                let position = random.below(live.count)
                live[position].isFlagged.toggle()
                let message = live[position]
                return PlannedCommand(
                    kind: .store, isSetting: message.isFlagged, user: message.user, folder: 0,
                    target: message.message.counter)
            case .expunge:
                let position = random.below(live.count)
                let message = live[position]
                live.swapAt(position, live.count - 1)
                live.removeLast()
                return PlannedCommand(
                    kind: .expunge, isSetting: false, user: message.user, folder: 0, target: message.message.counter)
            }
        }
    }

    private func obey(_ commands: [PlannedCommand], _ facts: [MessageFacts], _ batch: inout OperationBatch) throws {
        let flag = FlagSet([.flagged])
        for (index, command) in commands.enumerated() {
            let user = Int(command.user)
            let message = Dot(PlannedWorld.own, command.target)
            batch.account = AccountIndex(UInt32(user))
            switch command.kind {
            case .append, .create:
                try accounts[user].state.append(facts[index], to: mailboxes[user], batch: &batch)
            case .store:
                try accounts[user].state.store(
                    command.isSetting ? .add(flag) : .remove(flag), message: message, in: mailboxes[user],
                    batch: &batch)
            case .expunge: try accounts[user].state.expunge([message], in: mailboxes[user], batch: &batch)
            }
        }
    }
}

/// A replica that appends a message to its own mailbox and expunges it, in turns.
private struct Fellow {
    private let node: ReplicaNode
    private let index: ReplicaIndex
    private var message: Dot?
    private var uid: UInt32 = 0

    init(_ id: ReplicaID, account: String) throws {
        node = try ReplicaNode(id.rawValue, accounts: [account])
        index = ReplicaIndex(UInt16(id.rawValue))
    }

    /// The next operation in a frame of its own; the first one creates the mailbox.
    mutating func next(milliseconds: UInt64) throws -> [UInt8] {
        let dot = Dot(index, node.replica.nextCounter)
        let (mailbox, number) = (MailboxID(Dot(index, 1)), UInt32(1_000 + index.rawValue))
        let body: OperationBody
        if dot.counter == 1 {
            body = .create(mailbox: mailbox, name: "Folder \(index.rawValue)", uidValidity: number, use: .none)
        } else if let message {
            body = .expunge(mailbox: mailbox, message: message)
            self.message = nil
        } else {
            uid += 1
            let epoch = UIDEpoch(number: number, owner: node.replica.id)
            body = .append(
                mailbox: mailbox, facts: Sample.facts(dot.packed), flags: FlagSet(),
                assignment: UIDAssignment(uid: uid, epoch: epoch))
            message = dot
        }
        let operation = Operation(
            dot: dot, timestamp: HybridTimestamp(milliseconds: milliseconds), account: AccountIndex(0), body: body)
        return try node.seal(PlannedFrame(operations: [operation], context: try .naming(1...1)))
    }
}
