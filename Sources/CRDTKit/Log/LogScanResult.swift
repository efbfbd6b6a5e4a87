// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// How a scan of one segment ended.
public enum LogScanResult: Hashable, Sendable {
    /// Every byte belongs to a good frame; the segment ends at this position.
    case clean(end: LogPosition)
    /// The last write did not reach the disk whole: cut the segment here and go on. Nothing behind it was ever durable.
    case tornTail(at: LogPosition, reason: FrameFault)
    /// Bytes that were durable are damaged here: report it, never skip it.
    case corrupt(at: LogPosition, reason: FrameFault)
}

/// A good frame that a scan found.
public struct ScannedFrame: Hashable, Sendable {
    /// What the payload holds.
    public let kind: FrameKind
    /// The position of the frame's first byte.
    public let position: LogPosition
    /// The payload as a range of the window that was given to the scanner.
    public let payload: Range<Int>
    /// The position behind the frame.
    public let end: LogPosition
}

/// What ``LogScanner/next(in:startingAt:reachesEnd:)`` found or wants.
public enum LogScanStep: Hashable, Sendable {
    /// The segment's header is good.
    case header(LogSegmentHeader)
    /// A batch begins.
    case batch(LogBatchMark)
    /// A frame of the batch.
    case frame(ScannedFrame)
    /// Call again with a window that begins at this offset of the segment and has at least so many bytes, or reaches its end.
    case needsBytes(from: Int, count: Int)
    /// The scan is over.
    case finished(LogScanResult)
}
