// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Reads one segment of a log after a start and decides what of it is good.
///
/// The scanner does no I/O. Its owner shows it windows of the segment and does what each step says, so a segment of any size is
/// read in bounded memory. The rules, which `docs/log.md` explains:
/// - Frames are yielded in order until the first bad one.
/// - In the last segment a bad frame is a torn tail, unless a good batch mark that stands where it says follows it: such a mark
///   was written only after everything before it was durable, so the bad frame is corruption.
/// - In every other segment a bad frame or a rest of bytes is corruption.
/// - A whole frame of an unknown version, or a good mark with the wrong number or position, is never a torn write.
public struct LogScanner: Sendable {
    private enum Phase: Sendable {
        case header
        case frames
        case searching(FrameFault, cursor: Int)
        case finished(LogScanResult)
    }

    /// The position of the segment's first byte.
    public let base: LogPosition
    /// Whether the segment is the log's last, where a torn tail is normal.
    public let isLast: Bool
    /// The largest frame to accept.
    public let limits: FrameEnvelope.Limits
    /// The number of the last batch seen so far, in this segment or, as given, in the one before.
    public private(set) var lastBatch: UInt64?
    /// The segment's header, once it was read and found good.
    public private(set) var header: LogSegmentHeader?
    /// The offset in the segment behind the last good structure.
    public private(set) var offset = 0

    private var phase = Phase.header
    private var hasMark = false

    /// Begins the scan of a segment.
    ///
    /// - Parameters:
    ///   - base: the position of the segment's first byte, as its file name states it.
    ///   - isLast: whether it is the log's last segment.
    ///   - lastBatch: the number of the last batch in the segment before, when that is known.
    ///   - limits: the largest frame to accept.
    public init(
        base: LogPosition, isLast: Bool, lastBatch: UInt64? = nil, limits: FrameEnvelope.Limits = FrameEnvelope.Limits()
    ) {
        self.base = base
        self.isLast = isLast
        self.lastBatch = lastBatch
        self.limits = limits
    }

    /// Goes one step on.
    ///
    /// - Parameters:
    ///   - window: bytes of the segment.
    ///   - start: the offset in the segment of the window's first byte.
    ///   - reachesEnd: whether the window's last byte is the segment's last.
    /// - Returns: what was found, or which bytes are needed. After ``LogScanStep/finished(_:)`` the answer stays the same.
    /// - Complexity: O(n) in the bytes of the frame; all the steps of a scan together O(n) in the segment.
    public mutating func next(
        in window: borrowing RawSpan, startingAt start: Int, reachesEnd: Bool
    ) -> LogScanStep {
        while true {
            let step: LogScanStep?
            switch phase {
            case .header: step = readHeader(window, start, reachesEnd)
            case .frames: step = readFrame(window, start, reachesEnd)
            case .searching(let fault, let cursor): step = search(window, start, reachesEnd, fault, cursor)
            case .finished(let result): step = .finished(result)
            }
            if let step { return step }
        }
    }

    // MARK: The phases; each returns nothing when the next phase shall go on with the same window.

    private mutating func readHeader(_ window: borrowing RawSpan, _ start: Int, _ reachesEnd: Bool) -> LogScanStep? {
        guard start == 0, reachesEnd || window.byteCount > LogSegmentHeader.byteCount else {
            return .needsBytes(from: 0, count: LogSegmentHeader.byteCount + 1)
        }
        do throws(FrameFault) {
            let header = try LogSegmentHeader.decode(window)
            guard header.base == base else {
                throw FrameFault(
                    .misplacedSegment, at: 0, "the header names position \(header.base), the segment stands at \(base)")
            }
            if let lastBatch, header.firstBatch != lastBatch &+ 1 {
                throw FrameFault(
                    .misplacedSegment, at: 0,
                    "the segment begins with batch \(header.firstBatch), the last was \(lastBatch)")
            }
            self.header = header
            lastBatch = header.firstBatch &- 1
            offset = LogSegmentHeader.byteCount
            phase = .frames
            return .header(header)
        } catch {
            // The header is durable before anything follows it: only a segment that has nothing else can be torn here.
            let isWhole = window.byteCount > LogSegmentHeader.byteCount
            let isTear = error.code != .unsupportedVersion && error.code != .misplacedSegment
            finish(
                isLast && !isWhole && isTear ? .tornTail(at: base, reason: error) : .corrupt(at: base, reason: error))
            return nil
        }
    }

    private mutating func readFrame(_ window: borrowing RawSpan, _ start: Int, _ reachesEnd: Bool) -> LogScanStep? {
        let end = start + window.byteCount
        guard start <= offset, offset <= end else {
            return .needsBytes(from: offset, count: FrameEnvelope.headerBytes)
        }
        if offset == end && reachesEnd {
            finish(.clean(end: position(offset)))
            return nil
        }
        switch FrameEnvelope.read(window, at: offset - start, limits: limits) {
        case .incomplete(let needed):
            guard reachesEnd else { return .needsBytes(from: offset, count: end - offset + needed) }
            fail(FrameFault(.truncated, at: offset, "the segment ends \(needed) bytes before the frame does"))
            return nil
        case .malformed(let fault):
            let placed = FrameFault(fault.code, at: offset, fault.message)
            if fault.code == .unsupportedVersion {
                finish(.corrupt(at: position(offset), reason: placed))
            } else {
                fail(placed)
            }
            return nil
        case .frame(let kind, _, let payload, let frameEnd):
            let next = start + frameEnd
            if kind == .batchMark {
                return enterBatch(LogBatchMark.decode(window.extracting(payload)), next)
            }
            guard hasMark else {
                let message = "the first frame is of kind \(kind), not a batch mark"
                finish(.corrupt(at: position(offset), reason: FrameFault(.missingBatchMark, at: offset, message)))
                return nil
            }
            let frame = ScannedFrame(kind: kind, position: position(offset), payload: payload, end: position(next))
            offset = next
            return .frame(frame)
        }
    }

    private mutating func enterBatch(_ mark: LogBatchMark?, _ next: Int) -> LogScanStep? {
        let here = position(offset)
        let problem: String?
        if let mark {
            if mark.salt != header?.salt {
                problem = "the mark is of another segment"
            } else if mark.position != here {
                problem = "the mark says that it stands at \(mark.position)"
            } else if let lastBatch, mark.number != lastBatch &+ 1 {
                problem = "batch \(mark.number) follows batch \(lastBatch)"
            } else {
                problem = nil
            }
        } else {
            problem = "the mark has another size than a mark"
        }
        guard let mark, problem == nil else {
            let fault = FrameFault(.misplacedBatchMark, at: offset, problem ?? "the mark is not one")
            finish(.corrupt(at: here, reason: fault))
            return nil
        }
        hasMark = true
        lastBatch = mark.number
        offset = next
        return .batch(mark)
    }

    /// Looks behind a bad frame for a batch mark that proves that the frame was once durable.
    private mutating func search(
        _ window: borrowing RawSpan, _ start: Int, _ reachesEnd: Bool, _ fault: FrameFault, _ cursor: Int
    ) -> LogScanStep? {
        let end = start + window.byteCount
        guard start <= cursor, cursor <= end else {
            return .needsBytes(from: cursor, count: LogBatchMark.frameBytes)
        }
        let last = end - LogBatchMark.frameBytes
        var candidate = cursor
        while let found = Self.markCandidate(window, from: candidate - start, through: last - start) {
            let place = start + found
            if provesDurability(window, found, place) {
                let message = "\(fault.message); a later batch mark at byte \(place) proves that it was durable"
                finish(.corrupt(at: position(offset), reason: FrameFault(fault.code, at: fault.offset, message)))
                return nil
            }
            candidate = place + 1
        }
        if reachesEnd {
            finish(.tornTail(at: position(offset), reason: fault))
            return nil
        }
        let resume = max(last + 1, cursor)
        phase = .searching(fault, cursor: resume)
        return .needsBytes(from: resume, count: LogBatchMark.frameBytes)
    }

    // MARK: Helpers

    /// The first index in a range where the length field of a mark stands.
    private static func markCandidate(_ window: borrowing RawSpan, from first: Int, through last: Int) -> Int? {
        guard first <= last else { return nil }
        let length = UInt8(LogBatchMark.frameBytes - FrameEnvelope.prefixBytes)
        return window.withUnsafeBytes { bytes in
            var index = first
            while index <= last {
                if bytes[index] == length && bytes[index + 1] == 0 && bytes[index + 2] == 0 && bytes[index + 3] == 0 {
                    return index
                }
                index += 1
            }
            return nil
        }
    }

    private func provesDurability(_ window: borrowing RawSpan, _ index: Int, _ place: Int) -> Bool {
        guard case .frame(.batchMark, _, let payload, _) = FrameEnvelope.read(window, at: index, limits: limits),
            let mark = LogBatchMark.decode(window.extracting(payload))
        else { return false }
        return mark.position == position(place) && mark.salt == header?.salt && mark.number > (lastBatch ?? 0)
    }

    private mutating func fail(_ fault: FrameFault) {
        if isLast {
            phase = .searching(fault, cursor: offset + 1)
        } else {
            finish(.corrupt(at: position(offset), reason: fault))
        }
    }

    private mutating func finish(_ result: LogScanResult) {
        phase = .finished(result)
    }

    private func position(_ offset: Int) -> LogPosition {
        base.advanced(by: offset)
    }
}
