// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import CRDTKit

/// A replica that an array can hold, which seals and receives frames of one partition.
final class ReplicaNode {
    static let partition = PartitionID(1)
    var replica: Replica

    init(_ id: UInt64, knowing others: [ReplicaID] = [], accounts: [String] = []) throws {
        replica = try Replica(partition: Self.partition, id: ReplicaID(id))
        for other in others { _ = try replica.replica(other) }
        for account in accounts { _ = try replica.account(named: account) }
    }

    /// Seals operations that were made for this replica's next counters.
    func seal(_ operations: [Operation]) throws -> [UInt8] {
        // The clock must have reached the last of the operations' times.
        let now = (operations.last?.timestamp.milliseconds ?? Sample.startMilliseconds) + 1
        let point = replica.begin(nowMilliseconds: now)
        let payloads = try replica.seal(operations, issuedAt: point)
        guard payloads.count == 1 else {
            throw BenchFailure("\(operations.count) operations became \(payloads.count) frames")
        }
        return payloads[0]
    }

    /// Seals a frame of a fleet at the replica that it belongs to: its dots get this replica's own indexes.
    func seal(_ frame: PlannedFrame) throws -> [UInt8] {
        try seal(
            try frame.operations.map { operation in
                Operation(
                    dot: try local(operation.dot), timestamp: operation.timestamp, account: operation.account,
                    body: try local(operation.body))
            })
    }

    /// Receives a frame that is ready.
    func receive(_ payload: [UInt8]) throws -> [DecodedFrame] {
        guard case .delivered(let frames, _) = try replica.receive(payload, nowMilliseconds: Self.later) else {
            throw BenchFailure("a frame was not delivered")
        }
        return frames
    }

    /// What operations of a delivered frame are applied with.
    func context(_ frame: DecodedFrame) -> ApplyContext {
        ApplyContext(
            past: frame.past, replicas: replica.replicas.ids, replicaHashes: replica.replicas.hashes,
            keywordHashes: replica.symbols.keywordHashes)
    }

    /// A wall clock behind which all workloads lie.
    static let later = Sample.startMilliseconds + 100_000_000

    private func local(_ dot: Dot) throws -> Dot {
        guard dot.replica != .wellKnown else { return dot }
        guard let index = replica.replicas.index(of: ReplicaID(UInt64(dot.replica.rawValue))) else {
            throw BenchFailure("replica \(dot.replica.rawValue) is not known to \(replica.id)")
        }
        return Dot(index, dot.counter)
    }

    private func local(_ body: OperationBody) throws -> OperationBody {
        switch body {
        case .create(let mailbox, let name, let uidValidity, let use):
            .create(mailbox: MailboxID(try local(mailbox.dot)), name: name, uidValidity: uidValidity, use: use)
        case .append(let mailbox, let facts, let flags, let assignment):
            .append(mailbox: MailboxID(try local(mailbox.dot)), facts: facts, flags: flags, assignment: assignment)
        case .store(let mailbox, let message, let adding, let removing):
            .store(
                mailbox: MailboxID(try local(mailbox.dot)), message: try local(message), adding: adding,
                removing: removing)
        case .expunge(let mailbox, let message):
            .expunge(mailbox: MailboxID(try local(mailbox.dot)), message: try local(message))
        case .delete(let mailbox): .delete(mailbox: MailboxID(try local(mailbox.dot)))
        default: throw BenchFailure("a fleet has no operation \(body)")
        }
    }
}

/// The replicas of a fleet, each of which has received what the others sealed.
struct SealedFleet {
    /// The frames in the order in which they were sealed, with their operations and origins.
    let payloads: [[UInt8]]
    let frames: [PlannedFrame]

    /// Lets every replica seal its frames when it has received all that were sealed before.
    init(_ frames: [PlannedFrame], origins: Int, account: String) throws {
        let nodes = try (1...origins).map { try ReplicaNode(UInt64($0), accounts: [account]) }
        var payloads: [[UInt8]] = []
        for frame in frames {
            guard let origin = frame.operations.first?.dot.replica.rawValue else { continue }
            let payload = try nodes[Int(origin) - 1].seal(frame)
            for (index, node) in nodes.enumerated() where index != Int(origin) - 1 { _ = try node.receive(payload) }
            payloads.append(payload)
        }
        (self.payloads, self.frames) = (payloads, frames)
    }

    /// A replica that has received nothing yet, and knows the fleet in its order.
    static func receiver(origins: Int, account: String) throws -> ReplicaNode {
        try ReplicaNode(
            UInt64(origins) + 1, knowing: (1...origins).map { ReplicaID(UInt64($0)) }, accounts: [account])
    }
}
