// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import CRDTKit

/// Frames of a script's commands that were made beforehand, to see what is left of a pair of nodes without their replicas.
struct PreparedFrames: Sendable {
    let frames: [[UInt8]]
    /// How many commands each of them has.
    let operations: Int

    /// Makes the frames.
    ///
    /// - Parameters:
    ///   - script: the commands.
    ///   - count: how many of them behind the preparation.
    ///   - frame: how many a frame has.
    /// - Throws: what a command reports.
    init(_ script: CommandScript, operations count: Int, frame: Int) throws {
        let shard = try Shard(number: 1)
        var next = 0
        while next < script.preparation {
            next += try shard.generate(script, next..<min(next + 1_000, script.preparation)).operations
        }
        var frames: [[UInt8]] = []
        for _ in 0..<count / frame {
            frames.append(try shard.generate(script, next..<next + frame).frame)
            next += frame
        }
        (self.frames, operations) = (frames, frame)
    }
}
