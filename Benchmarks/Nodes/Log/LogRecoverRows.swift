// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import CRDTKit
internal import Foundation
internal import Storage

/// How long a node takes from its log to its state, with a torn tail, next to the same frames from memory and to a copy of the bytes.
enum LogRecoverRows {
    static let name = "crdt.log.recover"

    private static let operations = 1_000_000

    static func run(_ context: BenchContext) async throws -> [ResultRow] {
        let script = CommandScript(operations: operations)
        var rows: [ResultRow] = []
        for frame in [1_024, 64] {
            let folder = try context.temporaryFolder("recover")
            let log = try await LogFixture(script, frame: frame, in: folder.file("log"))
            rows += try measure(log, frame, context)
        }
        return rows
    }

    private static func measure(_ log: LogFixture, _ frame: Int, _ context: BenchContext) throws -> [ResultRow] {
        var torn: UInt64 = 0
        let found = try Comparison.run(
            rounds: context.rounds,
            subject: {
                try tear(log)
                let (cost, summary, tornBytes) = try recover(log.directory)
                try Shard.Summary.check(summary, log.summary)
                guard tornBytes > 0 else { throw BenchFailure("the torn tail was not seen") }
                torn = tornBytes
                return cost.divided(by: log.operations)
            },
            references: [
                { try replay(log).divided(by: log.operations) }, { copy(log).divided(by: log.operations) },
            ])
        let note = "\(log.operations) operations, \(log.bytes >> 20) MiB, \(torn) torn octets cut off, in a warm cache"
        return zip(found, ["the same frames from memory", "memcpy of the bytes"]).map { comparison, reference in
            ResultRow(name, "frames of \(frame)", comparison, .wall, reference: reference, note: note)
                .bytes(Double(log.bytes) / Double(log.operations))
        }
    }

    /// Opens the log as a start does: scan, cut, and give every frame to the replica and the accounts.
    private static func recover(_ directory: String) throws -> (Cost, Shard.Summary, UInt64) {
        let shard = try Shard(number: 1)
        var opened: SegmentedLog?
        let cost = try Stopwatch.measureProcess {
            opened = try SegmentedLog.open(directory: directory) { _, payload in
                try shard.apply(try shard.recover(payload))
            }
        }
        let torn = opened?.recoverySummary.tornBytes ?? 0
        opened?.close()
        return (cost, shard.summary, torn)
    }

    private static func replay(_ log: LogFixture) throws -> Cost {
        let shard = try Shard(number: 1)
        return try Stopwatch.measureProcess {
            for frame in log.frames {
                let span = frame.span
                try shard.apply(try shard.recover(span.bytes.extracting(FrameEnvelope.headerBytes..<frame.count)))
            }
        }
    }

    private static func copy(_ log: LogFixture) -> Cost {
        let bytes = log.frames.flatMap { $0 }
        return Stopwatch.measureProcess {
            let copy = [UInt8](unsafeUninitializedCapacity: bytes.count) { buffer, count in
                bytes.withUnsafeBufferPointer { _ = buffer.update(from: $0) }
                count = bytes.count
            }
            blackHole(copy)
        }
    }

    /// Appends the first half of a frame to the last segment, as a power cut leaves it.
    private static func tear(_ log: LogFixture) throws {
        guard let path = try LogFixture.segments(of: log.directory).last, let frame = log.frames.last,
            let file = FileHandle(forWritingAtPath: path)
        else { throw BenchFailure("the log has no segments") }
        defer { file.closeFile() }
        try file.seekToEnd()
        try file.write(contentsOf: frame.prefix(frame.count / 2))
    }
}
