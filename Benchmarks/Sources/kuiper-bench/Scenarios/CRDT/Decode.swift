// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import CRDTKit
internal import FoundationEssentials
internal import SwiftProtobuf

/// `crdt.decode`: what an operation costs from a frame's bytes to its delivery in causal order, every bound checked.
enum Decode {
    static let name = "crdt.decode"

    static func run(_ context: BenchContext) throws -> [ResultRow] {
        let input = try CodecInput()
        let records = FixedRecords(count: CodecInput.count)
        let rows: [ResultRow] = try CodecInput.sizes.flatMap { size in
            let frames = input.frames(of: size)
            let sealed = try input.seal(frames)
            let protobuf: [[UInt8]] = try frames.map { try ProtoBatch($0).serializedBytes() }
            let sample = JSONBatch.sample(of: frames)
            let json = try sample.batches.map { try JSONEncoder().encode($0) }
            let comparisons = try Comparison.run(
                rounds: context.rounds,
                subject: { try deliver(sealed.folders, sealed.payloads, input) },
                references: [
                    { records.copyOut() },
                    {
                        try Stopwatch.measure {
                            for batch in protobuf { blackHole(try ProtoBatch(serializedBytes: batch)) }
                        }.divided(by: CodecInput.count)
                    },
                    {
                        let decoder = JSONDecoder()
                        return try Stopwatch.measure {
                            for batch in json { blackHole(try decoder.decode(JSONBatch.self, from: batch)) }
                        }.divided(by: sample.operationCount)
                    },
                ])
            let byteCount = sealed.payloads.reduce(0) { $0 + $1.count }
            return zip(comparisons, ["copying 40-byte records", "swift-protobuf", "JSONDecoder"]).enumerated().map {
                index, pair in
                var row = ResultRow(name, "\(size) per frame", pair.0, .cpu, reference: pair.1)
                row = input.withBytes(row, byteCount).at("operations per frame", Double(size), "decode")
                if index == 0 {
                    return size == 1 ? row : row.target(.figure, .atMost, 15)
                }
                return index == 1 && size > 1 ? row.target(.ratio, .atMost, 1 / 15.0) : row
            }
        }
        return try rows + GrowthRows.rows(name, .decode, [.messages, .replicas, .users], context)
    }

    private static func deliver(_ folders: [UInt8], _ payloads: [[UInt8]], _ input: CodecInput) throws -> Cost {
        let node = try ReplicaNode(2, accounts: input.accounts)
        _ = try node.receive(folders)
        var delivered = 0
        let cost = try Stopwatch.measure {
            for payload in payloads {
                for frame in try node.receive(payload) { delivered += frame.operations.count }
            }
        }
        guard delivered == CodecInput.count else { throw BenchFailure("only \(delivered) operations were delivered") }
        return cost.divided(by: delivered)
    }
}
