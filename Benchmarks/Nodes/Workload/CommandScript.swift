// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import CRDTKit

/// The commands of many users in a fixed order, each of which issues one operation, so that every counter is known beforehand.
///
/// Half of them append, three in ten change a flag, one in ten expunges, one in ten creates a mailbox; users and messages are
/// chosen at random. It begins with the mailboxes that everything else needs.
struct CommandScript: Sendable {
    /// What a command does.
    enum Kind: UInt8 { case create, append, flag, unflag, expunge }

    /// One command.
    struct Command: Sendable {
        var kind: Kind
        var account: UInt32
        /// The counter of the operation that created the mailbox.
        var mailbox: UInt64
        /// The counter of the operation that appended the message; the number of the new message or mailbox.
        var target: UInt64
    }

    /// The commands; that at index i issues the operation with counter i + 1.
    private(set) var commands: [Command] = []
    /// How many of them only prepare.
    let preparation: Int
    let users: Int

    /// The seed of every run.
    static let seed: UInt64 = 0x6b75_6970_6572

    /// Writes the script.
    ///
    /// - Parameters:
    ///   - operations: how many commands follow the preparation.
    ///   - users: how many users there are.
    ///   - mailboxesPerUser: how many mailboxes each of them begins with.
    init(operations: Int, users: Int = 1_000, mailboxesPerUser: Int = 20) {
        self.users = users
        preparation = users * mailboxesPerUser
        commands.reserveCapacity(preparation + operations)
        for user in 0..<users {
            for mailbox in 0..<mailboxesPerUser {
                commands.append(
                    Command(kind: .create, account: UInt32(user), mailbox: 0, target: UInt64(mailbox)))
            }
        }
        var generator = BenchGenerator(seed: Self.seed)
        /// The living messages of each user: the command that appended each, with a bit that says whether it is flagged.
        var living = [[UInt64]](repeating: [], count: users)
        for _ in 0..<operations {
            let user = generator.below(users)
            let counter = UInt64(commands.count + 1)
            var command = Command(kind: .append, account: UInt32(user), mailbox: 0, target: counter)
            switch generator.below(10) {
            case 5...7 where !living[user].isEmpty:
                let position = generator.below(living[user].count)
                let entry = living[user][position]
                command.kind = entry & 1 == 0 ? .flag : .unflag
                (command.target, command.mailbox) = (entry >> 1, commands[Int(entry >> 1) - 1].mailbox)
                living[user][position] = entry ^ 1
            case 8 where !living[user].isEmpty:
                let position = generator.below(living[user].count)
                let entry = living[user][position]
                command.kind = .expunge
                (command.target, command.mailbox) = (entry >> 1, commands[Int(entry >> 1) - 1].mailbox)
                living[user][position] = living[user][living[user].count - 1]
                living[user].removeLast()
            case 9: command.kind = .create
            default:
                command.mailbox = UInt64(user * mailboxesPerUser + generator.below(mailboxesPerUser) + 1)
                living[user].append(counter << 1)
            }
            commands.append(command)
        }
    }

    /// The name of a user.
    static func userName(_ user: Int) -> String { "user-\(user)" }

    /// The facts of a message that is not a copy.
    static func facts(_ number: UInt64) -> MessageFacts {
        let first = number &* 4
        return MessageFacts(
            body: BodyDigest(
                words: (
                    StableHash.mix(first), StableHash.mix(first &+ 1), StableHash.mix(first &+ 2),
                    StableHash.mix(first &+ 3)
                )), size: 2_048 + number & 0xfff,
            internalDateSeconds: 1_780_000_000 + Int64(number & 0xffff), internalDateZoneMinutes: 60)
    }
}
