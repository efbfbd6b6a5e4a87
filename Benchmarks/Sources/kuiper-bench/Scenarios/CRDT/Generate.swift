// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import CRDTKit

/// `crdt.gen`: what a command costs at the replica where it is given: its checks, the operation, and the operation's effect.
enum Generate {
    static let name = "crdt.gen"
    /// How many times dearer a command may be for a random one of a million users than for the only one: what crdt.md section 3
    /// measured, 79 and 277 ns.
    private static let growth = 277.0 / 79

    static func run(_ context: BenchContext) throws -> [ResultRow] {
        let only = CommandRace(users: 1, context)
        var rows = try self.rows(only, "1 user", isOfUsers: true, beside: nil, context)
        for users in [1_000, 100_000, 1_000_000] {
            // Twenty folders for each of a million users would not fit into the memory of most machines.
            let folders = users == 1_000_000 ? 1 : 20
            let race = CommandRace(users: users, folders: folders, context)
            rows += try self.rows(
                race, "\(users) users\(folders == 1 ? " of 1 folder" : "")", isOfUsers: true, beside: only, context)
        }
        rows += try self.rows(
            CommandRace(users: 1_000, run: 64, context), "1000 users, 64 commands of one at a time", context)
        rows += try self.rows(
            CommandRace(users: 1_000, batch: 1, context), "1000 users, 1 command at a time", isHot: false, context)
        // The clients of pluto create a mailbox more rarely than every tenth command.
        rows += try self.rows(CommandRace(users: 1_000, mix: .messages, context), "1000 users, no CREATE", context)
        return try rows + GrowthRows.rows(name, .generate, [.messages, .replicas], context)
    }

    private static func rows(
        _ race: CommandRace, _ subject: String, isHot: Bool = true, isOfUsers: Bool = false,
        beside only: CommandRace? = nil, _ context: BenchContext
    ) throws -> [ResultRow] {
        var references: [() throws -> Cost] = [{ race.sets() }, { race.orswot() }, { race.dense() }]
        if let only { references.append { try only.commands() } }
        let comparisons = try Comparison.run(
            rounds: context.rounds, subject: { try race.commands() }, references: references)
        try race.check()
        let names = ["[UInt32: Set<Dot>]", "Orswot-style map", "random stores into an array"]
        var rows = zip(comparisons, names).enumerated().map { index, pair in
            var row = ResultRow(name, subject, pair.0, .cpu, reference: pair.1)
            if isOfUsers { row = row.at("users", Double(race.users), "generate") }
            if isHot && index == 0 { row = row.target(.figure, .atMost, race.users <= 1_000 ? 120 : 250) }
            if index == 1 { row = row.target(.ratio, .atMost, 1 / 1.2) }
            return row
        }
        if comparisons.count > names.count, let last = comparisons.last {
            rows.append(Growth.row(name, subject, beside: "1 user", atMost: growth, last))
        }
        return rows
    }
}
