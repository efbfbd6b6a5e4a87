// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import CRDTKit

/// `crdt.gen`: what a command costs at the replica where it is given: its checks, the operation, and the operation's effect.
enum Generate {
    static let name = "crdt.gen"
    private static let count = 1_000_000

    static func run(_ context: BenchContext) throws -> [ResultRow] {
        // The clients of pluto create a mailbox more rarely than every tenth command: that counts apart.
        try [(100, 64), (1_000, 64), (1_000, 1), (20_000, 64)].flatMap { users, run in
            try rows(users: users, run: run, .mailboxes, context)
        } + rows(users: 1_000, run: 64, .messages, context)
    }

    private static func rows(users: Int, run: Int, _ mix: Mix, _ context: BenchContext) throws -> [ResultRow] {
        let plan = Plan(users: users, foldersPerUser: 20, count: count, run: run, mix: mix, seed: 1)
        let facts = PlannedWorld.facts(for: plan)
        let comparisons = try Comparison.run(
            rounds: context.rounds,
            subject: {
                let world = try PlannedWorld(plan, facts: facts)
                let cost = try Stopwatch.measure { try world.obey() }
                try world.check()
                return cost.divided(by: count)
            },
            references: [{ sets(plan) }, { orswot(plan) }, { dense(plan) }])
        let subject =
            "\(users) users, \(run == 1 ? "1 command" : "\(run) commands") at a time\(mix.create == 0 ? ", no CREATE" : "")"
        let names = ["[UInt32: Set<Dot>]", "Orswot-style map", "random stores into an array"]
        return zip(comparisons, names).enumerated().map { index, pair in
            var row = ResultRow(name, subject, pair.0, .cpu, reference: pair.1)
            if run > 1 && mix.create > 0 { row = row.at("users", Double(users), "generate") }
            if run > 1 && index == 0 { row = row.target(.figure, .atMost, users <= 1_000 ? 120 : 250) }
            if index == 1 { row = row.target(.ratio, .atMost, 1 / 1.2) }
            return row
        }
    }

    /// The same commands on a set of dots for each folder, as the verified model has it: a flag change takes the dot out and puts
    /// a new one in.
    private static func sets(_ plan: Plan) -> Cost {
        var folders: [UInt32: Set<Dot>] = [:]
        for folder in 0..<plan.folderCount { folders[UInt32(folder)] = [] }
        var next = UInt32(plan.folderCount)
        let cost = Stopwatch.measure {
            for command in plan.commands {
                let (folder, dot) = (UInt32(command.folder), Dot(PlannedWorld.own, command.target))
                switch command.kind {
                case .append: folders[folder, default: []].insert(dot)
                case .store: renew(dot, in: &folders[folder, default: []])
                case .expunge: folders[folder, default: []].remove(dot)
                case .create:
                    folders[next] = []
                    next += 1
                }
            }
        }
        blackHole(folders)
        return cost.divided(by: plan.commands.count)
    }

    private static func renew(_ dot: Dot, in dots: inout Set<Dot>) {
        dots.remove(dot)
        dots.insert(dot)
    }

    /// The same commands on an observed-remove set with a clock and dots for each element, eight replicas known.
    private static func orswot(_ plan: Plan) -> Cost {
        var map = OrswotMap(replicas: 8)
        let cost = Stopwatch.measure {
            for command in plan.commands {
                let key = OrswotMap.Key(high: UInt64(command.folder), low: command.target)
                switch command.kind {
                case .append, .create, .store: map.apply(map.adding(key, at: 1))
                case .expunge: map.apply(map.removing(key))
                }
            }
        }
        blackHole(map)
        return cost.divided(by: plan.commands.count)
    }

    private static func dense(_ plan: Plan) -> Cost {
        let slots = DenseSlots(count: plan.folderCount + plan.commands.count + 1)
        let cost = Stopwatch.measure {
            for command in plan.commands {
                let isGone = command.kind == .expunge
                slots[Int(truncatingIfNeeded: command.target)] = isGone ? 0 : UInt64(command.folder) << 1 | 1
            }
        }
        blackHole(slots.sum())
        return cost.divided(by: plan.commands.count)
    }
}
