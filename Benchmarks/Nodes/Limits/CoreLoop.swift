// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import CRDTKit

/// The same commands at two replicas on one thread, without logs, links and threads: what is left when everything around is free.
enum CoreLoop {
    /// Generates, seals, checks, receives and applies some of the script's commands.
    ///
    /// - Returns: the cost of all of them, the preparation left out.
    static func run(_ script: CommandScript, operations: Int, frame: Int) throws -> Cost {
        let (first, second) = (try Shard(number: 1), try Shard(number: 2))
        try run(script, 0..<script.preparation, frame: 1_000, first, second)
        let cost = try Stopwatch.measure {
            try run(script, script.preparation..<script.preparation + operations, frame: frame, first, second)
        }
        try Shard.Summary.check(first.summary, second.summary)
        return cost
    }

    private static func run(
        _ script: CommandScript, _ range: Range<Int>, frame: Int, _ writer: Shard, _ reader: Shard
    ) throws {
        var next = range.lowerBound
        while next < range.upperBound {
            let (bytes, count) = try writer.generate(script, next..<min(next + frame, range.upperBound))
            next += count
            let span = bytes.span
            guard case .frame(.operations, _, let payload, _) = FrameEnvelope.read(span.bytes, at: 0) else {
                throw BenchFailure("a sealed frame cannot be read")
            }
            try reader.apply(try reader.receive(span.bytes.extracting(payload)))
        }
    }
}
