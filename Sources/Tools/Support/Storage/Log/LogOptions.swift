// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import CRDTKit

/// How a log works, and its limits.
package struct LogOptions: Sendable {
    /// The size that a segment does not pass, 64 MiB; a unit that is larger gets a segment of its own.
    package var segmentBytes: Int
    /// From this many queued bytes on ``SegmentedLog/isCongested`` is true; 32 MiB.
    package var queueLimitBytes: Int
    /// The position from which on frames are needed at the start, because everything before it is in the engine.
    package var recoverFrom: LogPosition
    /// The largest frame that recovery and reading accept; 16 MiB.
    package var frameLimits: FrameEnvelope.Limits
    /// How many segments stay open for reading; 8.
    package var openSegmentLimit: Int
    /// The files underneath.
    package var fileSystem: any LogFileSystem

    /// Sets the options; see the properties.
    package init(
        segmentBytes: Int = 64 * 1024 * 1024, queueLimitBytes: Int = 32 * 1024 * 1024,
        recoverFrom: LogPosition = .start, frameLimits: FrameEnvelope.Limits = FrameEnvelope.Limits(),
        openSegmentLimit: Int = 8, fileSystem: any LogFileSystem = PosixLogFileSystem()
    ) {
        self.segmentBytes = segmentBytes
        self.queueLimitBytes = queueLimitBytes
        self.recoverFrom = recoverFrom
        self.frameLimits = frameLimits
        self.openSegmentLimit = openSegmentLimit
        self.fileSystem = fileSystem
    }
}
