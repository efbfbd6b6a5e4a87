// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import CRDTKit

/// A run of one origin's operations with what whoever applies them must know.
struct PlannedFrame {
    var operations: [Operation]
    /// The names, and the past of the first operation.
    var context: ApplyContext
}

/// Some replicas that write to one account in turns, each knowing all that was written before.
///
/// Each replica has a folder of its own, or several, in which it gives out the UIDs, and appends there; it flags and expunges
/// messages of any folder. Replicas are numbered from 1, as in the indexes of whoever applies the operations.
struct Fleet {
    /// A message that is there.
    struct Live {
        var dot: Dot
        var folder: Int32
        var isFlagged = false
    }

    let origins: Int
    /// How many folders there are: as many of each replica.
    let folders: Int
    let account: AccountIndex
    private(set) var live: [Live] = []
    private var random: BenchGenerator
    private var past = VersionVector()
    private var uids: [UInt32]
    private var frames: UInt64 = 0
    private let names: ApplyContext

    /// A fleet.
    ///
    /// - Parameters:
    ///   - origins: how many replicas write.
    ///   - folders: how many folders there are, a multiple of the replicas; one for each by default.
    ///   - account: whose they are.
    ///   - seed: what the operations depend on.
    /// - Throws: what the table of replicas throws.
    init(origins: Int, folders: Int? = nil, account: AccountIndex = AccountIndex(0), seed: UInt64 = 1) throws {
        (self.origins, self.account) = (origins, account)
        self.folders = folders ?? origins
        random = BenchGenerator(seed: seed)
        uids = [UInt32](repeating: 0, count: self.folders)
        names = try .naming(1...origins)
    }

    /// What all has been written.
    var delivered: VersionVector { past }

    /// The first folder of a replica: its first operation has created it.
    static func folder(_ origin: Int) -> MailboxID { MailboxID(Dot(index(origin), 1)) }

    /// A folder by its number, from 0: they belong to the replicas in turns.
    func mailbox(_ folder: Int) -> MailboxID {
        MailboxID(Dot(Self.index(folder % origins + 1), UInt64(folder / origins) + 1))
    }

    static func index(_ origin: Int) -> ReplicaIndex { ReplicaIndex(UInt16(origin)) }

    /// A frame for each replica that creates its folders.
    mutating func creations() -> [PlannedFrame] {
        (1...origins).map { origin in
            let own = stride(from: origin - 1, to: folders, by: origins)
            return frame(
                origin,
                own.map { folder in
                    .create(
                        mailbox: mailbox(folder), name: "Folder \(folder + 1)",
                        uidValidity: UInt32(1_001 + folder), use: .none)
                })
        }
    }

    /// Frames with so many operations altogether, from each replica in turn.
    mutating func frames(operations count: Int, perFrame size: Int, _ mix: Mix) -> [PlannedFrame] {
        var result: [PlannedFrame] = []
        var rest = count
        while rest > 0 {
            let step = min(size, rest)
            result.append(frame(Int(frames % UInt64(origins)) + 1, count: step, mix))
            rest -= step
        }
        return result
    }

    /// A frame in which each expunge is followed by an append, so that the number of messages stays.
    mutating func churn(operations count: Int, perFrame size: Int) -> [PlannedFrame] {
        stride(from: 0, to: count, by: size).map { _ in
            let origin = Int(frames % UInt64(origins)) + 1
            var counter = past[Self.index(origin)]
            var bodies: [OperationBody] = []
            for step in 0..<size {
                counter += 1
                bodies.append(
                    step % 2 == 0 ? expunge() : append(origin, Dot(Self.index(origin), counter)))
            }
            return frame(origin, bodies)
        }
    }

    private mutating func frame(_ origin: Int, count: Int, _ mix: Mix) -> PlannedFrame {
        let index = Self.index(origin)
        var counter = past[index]
        var bodies: [OperationBody] = []
        bodies.reserveCapacity(count)
        for _ in 0..<count {
            counter += 1
            let kind = mix.pick(&random)
            switch live.isEmpty ? .append : kind {
            case .store: bodies.append(store())
            case .expunge: bodies.append(expunge())
            case .append, .create: bodies.append(append(origin, Dot(index, counter)))
            }
        }
        return frame(origin, bodies)
    }

    private mutating func append(_ origin: Int, _ dot: Dot) -> OperationBody {
        let share = folders / origins
        let folder = origin - 1 + (share > 1 ? random.below(share) : 0) * origins
        uids[folder] += 1
        live.append(Live(dot: dot, folder: Int32(folder)))
        let epoch = UIDEpoch(number: UInt32(1_001 + folder), owner: ReplicaID(UInt64(origin)))
        return .append(
            mailbox: mailbox(folder), facts: Sample.facts(dot.packed), flags: FlagSet(),
            assignment: UIDAssignment(uid: uids[folder], epoch: epoch))
    }

    private mutating func store() -> OperationBody {
        let position = random.below(live.count)
        live[position].isFlagged.toggle()
        let message = live[position]
        let (none, flag) = (FlagSet(), FlagSet([.flagged]))
        return .store(
            mailbox: mailbox(Int(message.folder)), message: message.dot, adding: message.isFlagged ? flag : none,
            removing: message.isFlagged ? none : flag)
    }

    private mutating func expunge() -> OperationBody {
        let position = random.below(live.count)
        let message = live[position]
        live.swapAt(position, live.count - 1)
        live.removeLast()
        return .expunge(mailbox: mailbox(Int(message.folder)), message: message.dot)
    }

    private mutating func frame(_ origin: Int, _ bodies: [OperationBody]) -> PlannedFrame {
        let index = Self.index(origin)
        let first = past[index] + 1
        frames += 1
        let time = HybridTimestamp(milliseconds: Sample.startMilliseconds + frames)
        let operations = bodies.enumerated().map { position, body in
            Operation(dot: Dot(index, first + UInt64(position)), timestamp: time, account: account, body: body)
        }
        var context = names
        context.past = past
        past[index] = first + UInt64(bodies.count) - 1
        return PlannedFrame(operations: operations, context: context)
    }
}

extension AccountState {
    /// Applies frames one after the other, as a replica does that receives them; forgets what changed after each.
    mutating func apply(_ frames: [PlannedFrame], changes: inout StateChanges) {
        for frame in frames {
            apply(frame.operations, context: frame.context, changes: &changes)
            changes.removeAll()
        }
    }
}
