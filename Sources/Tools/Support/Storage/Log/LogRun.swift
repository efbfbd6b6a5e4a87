// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import CRDTKit

/// Frames that follow each other in the log, batch marks left out.
package struct LogRun: Sendable {
    /// One frame of a run.
    package struct Frame: Sendable {
        /// What the payload holds.
        package let kind: FrameKind
        /// The position of the frame's first byte.
        package let position: LogPosition
        /// The whole frame with its envelope, as it was appended.
        package let envelope: [UInt8]
    }

    /// The frames, oldest first.
    package internal(set) var frames: [Frame] = []
    /// Where the next run begins; equal to where this one began if the log has nothing more.
    package internal(set) var next: LogPosition
}

extension SegmentedLog {
    /// Reads the frames from a position on, as many as fit into a block and at least one, out of what is durable.
    ///
    /// A reader that goes on at `next` sees every frame once, over the borders of segments. It costs one read of the block and one check of each byte.
    ///
    /// - Parameters:
    ///   - position: where a frame or a segment begins, such as the `next` of the run before.
    ///   - maximumBytes: the size of the block; one larger frame is read all the same.
    ///   - limits: the largest frame to accept.
    ///   - isWanted: whether the frames of a kind are; the others are passed over.
    /// - Returns: the run. It may be without frames although there are more: then `next` is beyond `position`.
    /// - Throws: `notFound` when the position was cut off or is not durable yet; `corruptLog` when no good frame begins there; `io`.
    package func readRun(
        from position: LogPosition, maximumBytes: Int, limits: FrameEnvelope.Limits = FrameEnvelope.Limits(),
        wanting isWanted: (FrameKind) -> Bool = { _ in true }
    ) throws(StorageError) -> LogRun {
        var run = LogRun(next: position)
        if position == core.segments.end { return run }
        var wanted = max(maximumBytes, FrameEnvelope.headerBytes)
        while true {
            let segment = try core.segments.extent(at: run.next)
            // A segment's header is no frame, and a log of many segments is one row of frames.
            if run.next == segment.base { run.next = segment.base.advanced(by: LogSegmentHeader.byteCount) }
            guard run.next < segment.end else { return run }
            let left = segment.end.rawValue - run.next.rawValue
            let bytes = try read(at: run.next, length: Int(min(UInt64(wanted), left)))
            let missing = try Self.collect(bytes, limits, isWanted, &run)
            if missing == 0 { return run }
            guard UInt64(bytes.count + missing) <= left else {
                throw StorageError(
                    .corruptLog, "the frame at position \(run.next) is longer than its segment", path: directory)
            }
            wanted = bytes.count + missing
        }
    }

    /// Takes the whole frames of a block.
    ///
    /// - Returns: how many bytes the first frame lacks; 0 if there was one.
    private static func collect(
        _ bytes: [UInt8], _ limits: FrameEnvelope.Limits, _ isWanted: (FrameKind) -> Bool, _ run: inout LogRun
    ) throws(StorageError) -> Int {
        let start = run.next
        let span = bytes.span
        var offset = 0
        while offset < bytes.count {
            switch FrameEnvelope.read(span.bytes, at: offset, limits: limits) {
            case .frame(let kind, _, _, let end):
                if kind != .batchMark, isWanted(kind) {
                    run.frames.append(
                        LogRun.Frame(
                            kind: kind, position: start.advanced(by: offset), envelope: Array(bytes[offset..<end])))
                }
                offset = end
                run.next = start.advanced(by: end)
            case .incomplete(let needed):
                return offset == 0 ? needed : 0
            case .malformed(let fault):
                throw StorageError(
                    .corruptLog, "no good frame at position \(start.advanced(by: offset)): \(fault)")
            }
        }
        return 0
    }
}
