// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import CRDTKit
internal import FoundationEssentials
internal import SwiftProtobuf

/// `crdt.encode`: what an operation costs on its way into a sealed frame, and how long it is there.
enum Encode {
    static let name = "crdt.encode"

    static func run(_ context: BenchContext) throws -> [ResultRow] {
        let input = try CodecInput()
        let records = FixedRecords(count: CodecInput.count)
        let rows: [ResultRow] = try CodecInput.sizes.flatMap { size in
            let frames = input.frames(of: size)
            let protobuf = frames.map { ProtoBatch($0) }
            let json = JSONBatch.sample(of: frames)
            var (bytes, protobufBytes, jsonBytes) = (0, 0, 0)
            let comparisons = try Comparison.run(
                rounds: context.rounds,
                subject: {
                    let sealed = try input.seal(frames)
                    bytes = sealed.payloads.reduce(0) { $0 + $1.count }
                    return sealed.cost
                },
                references: [
                    { records.copyIntoFrames(of: size) },
                    {
                        protobufBytes = 0
                        return try Stopwatch.measure {
                            for batch in protobuf {
                                let encoded: [UInt8] = try batch.serializedBytes()
                                protobufBytes += encoded.count
                            }
                        }.divided(by: CodecInput.count)
                    },
                    {
                        jsonBytes = 0
                        let encoder = JSONEncoder()
                        return try Stopwatch.measure {
                            for batch in json.batches { jsonBytes += try encoder.encode(batch).count }
                        }.divided(by: json.operationCount)
                    },
                ])
            let perProtobuf = TextTable.number(Double(protobufBytes) / Double(CodecInput.count))
            let perJSON = TextTable.number(Double(jsonBytes) / Double(json.operationCount))
            let references = [
                ("copying 40-byte records", "40 B/op"), ("swift-protobuf", "\(perProtobuf) B/op"),
                ("JSONEncoder", "\(perJSON) B/op"),
            ]
            return zip(comparisons, references).enumerated().map { index, pair in
                let (comparison, reference) = pair
                var row = ResultRow(
                    name, "\(size) per frame", comparison, .cpu, reference: reference.0,
                    note: "the reference has \(reference.1)")
                row = input.withBytes(row, bytes).at("operations per frame", Double(size), "encode")
                guard index == 0 else { return row }
                return size == 1
                    ? row
                    : row.target(.figure, .atMost, 15).target(.ratio, .atMost, 3.5).target(
                        .bytesPerOperation, .atMost, 10)
            }
        }
        return try rows + GrowthRows.rows(name, .encode, [.messages, .replicas, .users], context)
    }
}
