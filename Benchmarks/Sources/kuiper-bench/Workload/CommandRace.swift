// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import CRDTKit

/// Commands of some users at a replica of production, and the same on the simplest structures that could hold the state.
///
/// With few users each round begins with new states. With many, whose states take long to make, each round has the next commands
/// of the plan.
final class CommandRace {
    private static let freshCommands = 500_000
    /// A user may have 20,000 mailboxes, and every tenth command creates one.
    private static let mostCommandsOfAUser = 150_000
    private static let nextCommands = 200_000
    /// The most users whose states are made anew for each round.
    private static let fewUsers = 1_000

    let users: Int
    private let plan: Plan
    private let facts: [MessageFacts]
    private let isFresh: Bool
    private var part = 0..<0
    private var world: PlannedWorld?
    private var folders: [UInt32: Set<Dot>] = [:]
    private var next: UInt32 = 0
    private var map = OrswotMap(replicas: 8)
    private let slots: DenseSlots

    /// Chooses the commands.
    ///
    /// - Parameters:
    ///   - users: how many users there are.
    ///   - folders: the folders of each at the beginning.
    ///   - run: how many commands of one user follow one another.
    ///   - batch: how many commands share a batch.
    ///   - mix: what they are.
    ///   - context: the run, for its rounds.
    init(
        users: Int, folders: Int = 20, run: Int = 1, batch: Int = 64, mix: Mix = .mailboxes, _ context: BenchContext
    ) {
        self.users = users
        isFresh = users <= Self.fewUsers
        let count =
            isFresh
            ? min(Self.freshCommands, users * Self.mostCommandsOfAUser) : Self.nextCommands * (context.rounds + 1)
        plan = Plan(users: users, foldersPerUser: folders, count: count, run: run, batch: batch, mix: mix, seed: 1)
        facts = PlannedWorld.facts(for: plan)
        slots = DenseSlots(count: plan.folderCount + plan.commands.count + 1)
    }

    /// The next round with the production types.
    func commands() throws -> Cost {
        if isFresh || world == nil {
            // The old one goes before the new one comes.
            world = nil
            part = 0..<0
            world = try PlannedWorld(plan, facts: facts)
            makeReferences()
        }
        guard let world else { throw BenchFailure("there are no states") }
        part = part.upperBound..<(isFresh ? plan.commands.count : part.upperBound + Self.nextCommands)
        guard part.upperBound <= plan.commands.count else { throw BenchFailure("the plan has no further commands") }
        return try Stopwatch.measure { try world.obey(part) }.divided(by: part.count)
    }

    /// Looks whether the states are what the plan says.
    func check() throws { try world?.check() }

    private func makeReferences() {
        folders = [:]
        for folder in 0..<plan.folderCount { folders[UInt32(folder)] = [] }
        next = UInt32(plan.folderCount)
        map = OrswotMap(replicas: 8)
        slots.clear()
    }

    /// The same commands on a set of dots for each folder, as the verified model has it: a flag change takes the dot out and puts
    /// a new one in.
    func sets() -> Cost { Self.sets(plan.commands[part], &folders, &next) }

    // Static functions with `inout` parameters: a reference is not to pay for a look at who else uses this object.
    private static func sets(
        _ commands: ArraySlice<PlannedCommand>, _ folders: inout [UInt32: Set<Dot>], _ next: inout UInt32
    ) -> Cost {
        Stopwatch.measure {
            for command in commands {
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
        }.divided(by: commands.count)
    }

    private static func renew(_ dot: Dot, in dots: inout Set<Dot>) {
        dots.remove(dot)
        dots.insert(dot)
    }

    /// The same commands on an observed-remove set with a clock and dots for each element, eight replicas known.
    func orswot() -> Cost { Self.orswot(plan.commands[part], &map) }

    private static func orswot(_ commands: ArraySlice<PlannedCommand>, _ map: inout OrswotMap) -> Cost {
        Stopwatch.measure {
            for command in commands {
                let key = OrswotMap.Key(high: UInt64(command.folder), low: command.target)
                switch command.kind {
                case .append, .create, .store: map.apply(map.adding(key, at: 1))
                case .expunge: map.apply(map.removing(key))
                }
            }
        }.divided(by: commands.count)
    }

    /// One store for each command.
    func dense() -> Cost {
        let cost = Stopwatch.measure {
            for command in plan.commands[part] {
                let isGone = command.kind == .expunge
                slots[Int(truncatingIfNeeded: command.target)] = isGone ? 0 : UInt64(command.folder) << 1 | 1
            }
        }
        blackHole(slots.sum())
        return cost.divided(by: part.count)
    }
}
