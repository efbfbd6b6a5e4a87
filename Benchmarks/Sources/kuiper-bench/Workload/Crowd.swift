// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import CRDTKit

/// One replica's operations on the INBOX of random ones of many users.
struct Crowd {
    private struct Live {
        var message: Dot
        var user: Int32
        var isFlagged: Bool
    }

    let users: Int
    private var random = BenchGenerator(seed: 3)
    private var counter: UInt64 = 0
    private var live: [Live] = []
    private var uids: [UInt32]
    private let names: ApplyContext
    private static let origin = ReplicaIndex(1)
    private static let epoch = UIDEpoch(number: 1_000, owner: ReplicaID(1))

    init(users: Int) throws {
        self.users = users
        names = try .naming(1...1)
        uids = [UInt32](repeating: 0, count: users)
    }

    /// What the bookkeeping itself takes.
    var bytes: Int { live.capacity * MemoryLayout<Live>.stride + uids.capacity * MemoryLayout<UInt32>.stride }

    /// Creates every user's INBOX.
    mutating func creations(perFrame size: Int) -> [PlannedFrame] {
        stride(from: 0, to: users, by: size).map { start in
            frame(
                (start..<min(start + size, users)).map { user in
                    (user, .create(mailbox: .inbox, name: "INBOX", uidValidity: 1_000, use: .none))
                })
        }
    }

    /// Creates the INBOX of one user.
    mutating func creation(of user: Int) -> [PlannedFrame] {
        [frame([(user, .create(mailbox: .inbox, name: "INBOX", uidValidity: 1_000, use: .none))])]
    }

    /// Appends a message to each user in turn until there are so many.
    mutating func fill(_ messages: Int, perFrame size: Int) -> [PlannedFrame] {
        stride(from: 0, to: messages, by: size).map { start in
            var bodies: [(Int, OperationBody)] = []
            for number in start..<min(start + size, messages) {
                bodies.append((number % users, append(number % users, after: bodies.count)))
            }
            return frame(bodies)
        }
    }

    /// Appends to random users, and flag changes and expunges of random messages; as many messages go as come.
    mutating func frames(operations count: Int, perFrame size: Int) -> [PlannedFrame] {
        stride(from: 0, to: count, by: size).map { _ in
            var bodies: [(Int, OperationBody)] = []
            for _ in 0..<size {
                let kind = Mix.steady.pick(&random)
                // What the frame itself appends is met as well.
                switch kind {
                case .append, .create:
                    let user = random.below(users)
                    bodies.append((user, append(user, after: bodies.count)))
                case .store:
                    let position = random.below(live.count)
                    live[position].isFlagged.toggle()
                    let (flag, none) = (FlagSet([.flagged]), FlagSet())
                    let message = live[position]
                    bodies.append(
                        (
                            Int(message.user),
                            .store(
                                mailbox: .inbox, message: message.message, adding: message.isFlagged ? flag : none,
                                removing: message.isFlagged ? none : flag)
                        ))
                case .expunge:
                    let position = random.below(live.count)
                    let message = live[position]
                    live.swapAt(position, live.count - 1)
                    live.removeLast()
                    bodies.append((Int(message.user), .expunge(mailbox: .inbox, message: message.message)))
                }
            }
            return frame(bodies)
        }
    }

    private mutating func append(_ user: Int, after predecessors: Int) -> OperationBody {
        let dot = Dot(Self.origin, counter + UInt64(predecessors) + 1)
        uids[user] += 1
        live.append(Live(message: dot, user: Int32(user), isFlagged: false))
        return .append(
            mailbox: .inbox, facts: Sample.facts(dot.counter), flags: FlagSet(),
            assignment: UIDAssignment(uid: uids[user], epoch: Self.epoch))
    }

    private mutating func frame(_ bodies: [(Int, OperationBody)]) -> PlannedFrame {
        var context = names
        context.past[Self.origin] = counter
        let time = HybridTimestamp(milliseconds: Sample.startMilliseconds + counter / 1_000)
        let operations = bodies.map { user, body in
            counter += 1
            return Operation(
                dot: Dot(Self.origin, counter), timestamp: time, account: AccountIndex(UInt32(user)), body: body)
        }
        return PlannedFrame(operations: operations, context: context)
    }
}
