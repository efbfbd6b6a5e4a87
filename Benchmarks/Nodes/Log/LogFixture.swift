// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import CRDTKit
internal import Foundation
internal import Storage

/// A log of one node's frames on disk, and what its state must be.
struct LogFixture {
    let directory: String
    let summary: Shard.Summary
    /// The frames as they were appended.
    let frames: [[UInt8]]
    let operations: Int
    let bytes: Int

    /// Writes a log of the commands of a script in frames of the same size.
    ///
    /// - Parameters:
    ///   - script: the commands.
    ///   - frame: how many of them a frame has.
    ///   - directory: where the segments go.
    ///   - segmentBytes: the size of a segment.
    /// - Throws: what the log or a command reports.
    init(_ script: CommandScript, frame: Int, in directory: String, segmentBytes: Int = 64 << 20) async throws {
        let shard = try Shard(number: 1)
        var options = LogOptions()
        options.segmentBytes = segmentBytes
        let log = try SegmentedLog.open(directory: directory, options: options) { _, _ in }
        defer { log.close() }
        var frames: [[UInt8]] = []
        var next = 0
        while next < script.commands.count {
            let (bytes, count) = try shard.generate(script, next..<min(next + frame, script.commands.count))
            next += count
            frames.append(bytes)
            await log.waitForSpace()
            let ticket = log.append(bytes)
            if next == script.commands.count { try await log.waitUntilDurable(ticket) }
        }
        self.directory = directory
        self.frames = frames
        operations = next
        summary = shard.summary
        bytes = frames.reduce(0) { $0 + $1.count }
    }

    /// The segment files, oldest first.
    static func segments(of directory: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory).filter { $0.hasSuffix(".log") }.sorted()
            .map { directory + "/" + $0 }
    }
}
