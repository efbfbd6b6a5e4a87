// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import CRDTKit

/// One command before it is given: every choice is made, so that what is timed only obeys.
struct PlannedCommand {
    var kind: Mix.Kind
    /// Whether a store sets the flag or takes it away.
    var isSetting: Bool
    var user: Int32
    /// The position of the folder among all folders that were there at the beginning.
    var folder: Int32
    /// The counter of the message that is meant; that of the command itself for an append or a creation.
    var target: UInt64
}

/// What one replica's clients do to some users with some folders each.
///
/// The operation counters are known beforehand: first each folder is created, in order, then each command is one operation.
struct Plan {
    let users: Int
    let foldersPerUser: Int
    /// How many commands of one user follow one another.
    let run: Int
    /// How many commands share a batch.
    let batch: Int
    private(set) var commands: [PlannedCommand] = []

    /// Chooses the commands.
    ///
    /// - Parameters:
    ///   - users: how many users there are.
    ///   - foldersPerUser: the folders of each at the beginning.
    ///   - count: how many commands.
    ///   - run: how many commands of one user follow one another.
    ///   - batch: how many commands share a batch.
    ///   - mix: what they are.
    ///   - seed: what the choices depend on.
    init(users: Int, foldersPerUser: Int, count: Int, run: Int, batch: Int, mix: Mix, seed: UInt64) {
        (self.users, self.foldersPerUser, self.run, self.batch) = (users, foldersPerUser, run, batch)
        var random = BenchGenerator(seed: seed)
        var live = [[PlannedCommand]](repeating: [], count: users)
        var counter = UInt64(users * foldersPerUser)
        commands.reserveCapacity(count)
        var user = 0
        for step in 0..<count {
            if step % run == 0 { user = random.below(users) }
            counter += 1
            var kind = mix.pick(&random)
            if live[user].isEmpty && (kind == .store || kind == .expunge) { kind = .append }
            switch kind {
            case .append, .create:
                let folder = user * foldersPerUser + random.below(foldersPerUser)
                let command = PlannedCommand(
                    kind: kind, isSetting: false, user: Int32(user), folder: Int32(folder), target: counter)
                if kind == .append { live[user].append(command) }
                commands.append(command)
            case .store:
                let position = random.below(live[user].count)
                live[user][position].isSetting.toggle()
                var command = live[user][position]
                command.kind = .store
                commands.append(command)
            case .expunge:
                let position = random.below(live[user].count)
                var command = live[user][position]
                live[user].swapAt(position, live[user].count - 1)
                live[user].removeLast()
                command.kind = .expunge
                commands.append(command)
            }
        }
    }

    /// The number of folders that are there at the beginning.
    var folderCount: Int { users * foldersPerUser }
}

/// What the messages of all workloads have in common.
enum Sample {
    static let startMilliseconds: UInt64 = 1_700_000_000_000

    /// The facts of a message; no two numbers give the same digest.
    static func facts(_ number: UInt64) -> MessageFacts {
        let words = (0..<4).map { StableHash.mix(number &* 4 &+ UInt64($0) &+ 1) }
        return MessageFacts(
            body: BodyDigest(words: (words[0], words[1], words[2], words[3])), size: 1_000 + words[0] % 100_000,
            internalDateSeconds: 1_700_000_000 + Int64(number / 1_000), internalDateZoneMinutes: 60)
    }
}
