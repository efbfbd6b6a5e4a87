// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import CRDTKit

/// What an operation costs at an account of n messages; the reference is `Set<UInt64>` with as many elements.
enum CRDTApply {
    private static let own = ReplicaIndex(1)
    private static let account = AccountIndex(0)
    /// How many operations a round does at the least, so that small accounts can be measured too.
    private static let operationsPerRound = 100_000

    static func run(_ context: BenchContext) throws -> [ResultRow] {
        try [100, 1_000, 10_000, 100_000, 1_000_000].flatMap { count in
            [try build(count, context), try store(count, context), try generate(count, context)]
        }
    }

    /// Builds an account from nothing with remote APPENDs.
    private static func build(_ count: Int, _ context: BenchContext) throws -> ResultRow {
        let operations = appends(count)
        let repeats = max(1, operationsPerRound / count)
        let comparison = Comparison(
            rounds: context.rounds,
            subject: {
                Stopwatch.measure {
                    for _ in 0..<repeats { blackHole(makeState(of: operations)) }
                }.divided(by: count * repeats)
            },
            reference: {
                Stopwatch.measure {
                    for _ in 0..<repeats { blackHole(makeSet(of: operations)) }
                }.divided(by: count * repeats)
            })
        return row("apply append, 0 to \(count)", comparison)
    }

    /// Applies flag changes spread over the account.
    private static func store(_ count: Int, _ context: BenchContext) throws -> ResultRow {
        let messages = appends(count)
        var state = makeState(of: messages)
        var set = makeSet(of: messages)
        var counter = UInt64(count)
        let applyContext = ApplyContext(replicas: [ReplicaID(1)], keywords: [])
        let comparison = Comparison(
            rounds: context.rounds,
            subject: {
                var operations: [Operation] = []
                for step in 0..<operationsPerRound {
                    counter += 1
                    let target = messages[(step &* 7_919) % count].dot
                    let isSetting = (step / count) % 2 == 0
                    let flags = FlagSet([.flagged])
                    operations.append(
                        operation(
                            counter,
                            .store(
                                mailbox: .inbox, message: target, adding: isSetting ? flags : FlagSet(),
                                removing: isSetting ? FlagSet() : flags)))
                }
                var past = applyContext
                past.past[own] = counter - UInt64(operationsPerRound)
                var changes: StateChanges = []
                changes.reserveCapacity(operationsPerRound * 2)
                return Stopwatch.measure { state.apply(operations, context: past, changes: &changes) }
                    .divided(by: operationsPerRound)
            },
            reference: { turnover(&set, messages) })
        return row("apply store at \(count)", comparison)
    }

    /// Issues operations by commands: STORE, and APPEND with EXPUNGE of the same message, so that the size stays.
    private static func generate(_ count: Int, _ context: BenchContext) throws -> ResultRow {
        let messages = appends(count)
        var state = makeState(of: messages)
        var set = makeSet(of: messages)
        var counter = UInt64(count) + 1
        var failure: CRDTError?
        let comparison = Comparison(
            rounds: context.rounds,
            subject: {
                Stopwatch.measure {
                    var names = ApplyContext(replicas: [ReplicaID(1)], keywords: [])
                    names.past[own] = counter - 1
                    var batch = OperationBatch(
                        replica: own, firstCounter: counter, timestamp: timestamp(counter), account: account,
                        context: names)
                    do throws(CRDTError) {
                        for _ in 0..<(operationsPerRound / 2) {
                            let placed = try state.append(facts(counter), to: .inbox, batch: &batch)
                            try state.expunge([placed.id], in: .inbox, batch: &batch)
                        }
                    } catch {
                        failure = error
                    }
                    counter += UInt64(batch.operations.count)
                }.divided(by: operationsPerRound)
            },
            reference: { turnover(&set, messages) })
        if let failure { throw failure }
        return row("generate append and expunge at \(count)", comparison)
    }

    /// Takes an element out and puts one in: a step of the reference at a constant size.
    private static func turnover(_ set: inout Set<UInt64>, _ messages: [Operation]) -> Cost {
        Stopwatch.measure {
            for step in 0..<operationsPerRound {
                let element = messages[(step &* 7_919) % messages.count].dot.packed
                set.remove(element)
                set.insert(element)
            }
        }.divided(by: operationsPerRound)
    }

    private static func row(_ subject: String, _ comparison: Comparison) -> ResultRow {
        ResultRow("crdt.apply", subject, comparison, .cpu, reference: "Set<UInt64>", unit: "ns/op") { $0 }
    }

    private static func appends(_ count: Int) -> [Operation] {
        (1...UInt64(count)).map { number in
            let assignment = UIDAssignment(
                uid: UInt32(truncatingIfNeeded: number), epoch: UIDEpoch(number: 1, owner: ReplicaID(1)))
            return operation(
                number, .append(mailbox: .inbox, facts: facts(number), flags: FlagSet([.seen]), assignment: assignment))
        }
    }

    private static func operation(_ counter: UInt64, _ body: OperationBody) -> Operation {
        Operation(dot: Dot(own, counter), timestamp: timestamp(counter), account: account, body: body)
    }

    private static func timestamp(_ counter: UInt64) -> HybridTimestamp {
        HybridTimestamp(milliseconds: 1_700_000_000_000 + counter)
    }

    static func facts(_ number: UInt64) -> MessageFacts {
        let words = (0..<4).map { StableHash.mix(number &* 4 &+ UInt64($0)) }
        return MessageFacts(
            body: BodyDigest(words: (words[0], words[1], words[2], words[3])), size: 4_096,
            internalDateSeconds: 1_700_000_000, internalDateZoneMinutes: 60)
    }

    private static func makeState(of operations: [Operation]) -> AccountState {
        var state = AccountState()
        var changes: StateChanges = []
        changes.reserveCapacity(operations.count * 2)
        state.apply(operations, context: ApplyContext(replicas: [ReplicaID(1)], keywords: []), changes: &changes)
        return state
    }

    private static func makeSet(of operations: [Operation]) -> Set<UInt64> {
        var set: Set<UInt64> = []
        for operation in operations { set.insert(operation.dot.packed) }
        return set
    }
}
