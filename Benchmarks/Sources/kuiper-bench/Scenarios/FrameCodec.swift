// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import CRDTKit

/// What an operation costs on its way into a frame and out of it; the reference copies fixed records of 40 bytes.
enum FrameCodec {
    private static let operationCount = 65_536
    private static let recordBytes = 40

    static func run(_ context: BenchContext) throws -> [ResultRow] {
        try [1, 64, 1_024].flatMap { size in [try encode(size, context), try decode(size, context)] }
    }

    private static func encode(_ size: Int, _ context: BenchContext) throws -> ResultRow {
        var byteCount = 0
        let comparison = try Comparison(
            rounds: context.rounds,
            subject: {
                let stream = try seal(size)
                byteCount = stream.payloads.reduce(0) { $0 + $1.count }
                return stream.cost
            }, reference: { copyRecords(size) })
        let bytes = TextTable.number(Double(byteCount) / Double(operationCount))
        return ResultRow(
            "frame.codec", "encode, \(size) per frame", comparison, .cpu, reference: "copying 40-byte records",
            unit: "ns/op", note: "\(bytes) B/op"
        ) { $0 }
    }

    private static func decode(_ size: Int, _ context: BenchContext) throws -> ResultRow {
        let payloads = try seal(size).payloads
        let comparison = try Comparison(
            rounds: context.rounds,
            subject: {
                var replica = try Replica(partition: PartitionID(1), id: ReplicaID(2))
                var delivered = 0
                let cost = try Stopwatch.measure {
                    for payload in payloads {
                        let result = try replica.receive(payload, nowMilliseconds: 1_700_000_000_000)
                        if case .delivered(let frames, _) = result { delivered += frames[0].operations.count }
                    }
                }
                guard delivered == operationCount else { throw BenchFailure("only \(delivered) were delivered") }
                return cost.divided(by: operationCount)
            }, reference: { copyRecords(size) })
        return ResultRow(
            "frame.codec", "decode and deliver, \(size) per frame", comparison, .cpu,
            reference: "copying 40-byte records", unit: "ns/op"
        ) { $0 }
    }

    /// Seals appends and flag changes, as a mailbox in use makes them, in frames of a size.
    private static func seal(_ size: Int) throws -> (payloads: [[UInt8]], cost: Cost) {
        var replica = try Replica(partition: PartitionID(1), id: ReplicaID(1))
        let account = try replica.account(named: "user")
        let epoch = UIDEpoch(number: 1, owner: replica.id)
        var batches: [[OperationBody]] = []
        for start in stride(from: 0, to: operationCount, by: size) {
            batches.append((start..<(start + size)).map { body($0, replica.own, epoch) })
        }
        var payloads: [[UInt8]] = []
        let cost = try Stopwatch.measure {
            for bodies in batches {
                let point = replica.begin(nowMilliseconds: 1_700_000_000_000)
                var operations: [Operation] = []
                operations.reserveCapacity(bodies.count)
                for (position, body) in bodies.enumerated() {
                    let dot = Dot(point.replica, point.firstCounter + UInt64(position))
                    operations.append(Operation(dot: dot, timestamp: point.timestamp, account: account, body: body))
                }
                payloads += try replica.seal(operations, issuedAt: point)
            }
        }
        return (payloads, cost.divided(by: operationCount))
    }

    /// An append, or the flag of the message that the operation before it appended.
    private static func body(_ number: Int, _ own: ReplicaIndex, _ epoch: UIDEpoch) -> OperationBody {
        guard number % 2 == 0 else {
            let message = Dot(own, UInt64(number))
            return .store(mailbox: .inbox, message: message, adding: FlagSet([.seen]), removing: FlagSet())
        }
        let assignment = UIDAssignment(uid: UInt32(number / 2 + 1), epoch: epoch)
        let facts = CRDTApply.facts(UInt64(number))
        return .append(mailbox: .inbox, facts: facts, flags: FlagSet(), assignment: assignment)
    }

    private static func copyRecords(_ size: Int) -> Cost {
        let record = [UInt8](repeating: 7, count: recordBytes)
        return Stopwatch.measure {
            for _ in 0..<(operationCount / size) {
                var frame: [UInt8] = []
                for _ in 0..<size { frame.append(contentsOf: record) }
                blackHole(frame)
            }
        }.divided(by: operationCount)
    }
}
