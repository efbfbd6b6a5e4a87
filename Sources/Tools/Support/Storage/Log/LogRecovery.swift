// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit

/// Reads a log's segments after a start, repairs a torn tail, and finds where to go on.
struct LogRecovery {
    /// Segments are read in pieces of this size; a larger frame needs a larger piece.
    private static let windowBytes = 1024 * 1024

    let options: LogOptions
    let segments: LogSegments
    private(set) var writerState = LogWriter.State()
    private(set) var summary = LogRecoverySummary()

    private var directory: String { segments.directory }

    init(directory: String, options: LogOptions) {
        self.options = options
        self.segments = LogSegments(
            directory: directory, fileSystem: options.fileSystem, openLimit: options.openSegmentLimit)
    }

    /// Does the whole recovery; `deliver` is given each frame from `options.recoverFrom` on.
    mutating func run(_ deliver: (RecoveredFrame, RawSpan) throws -> Void) throws {
        try options.fileSystem.makeDirectory(directory)
        var bases = try options.fileSystem.names(in: directory).compactMap(LogSegments.base(ofName:)).sorted()
        let dropsTornSegment = try removeTornSegment(&bases)
        guard let first = bases.first else {
            try checkReach(.start)
            return
        }
        guard first <= max(options.recoverFrom, .start) else {
            throw corrupt(
                "the log begins at position \(first), but it is needed from \(options.recoverFrom) on", directory)
        }
        var previousEnd = first
        var lastBatch: UInt64?
        var lastNumber: UInt64?
        for (index, base) in bases.enumerated() {
            let isLast = index == bases.count - 1
            let path = segments.path(of: base)
            guard base == previousEnd else {
                throw corrupt("a segment ends at position \(previousEnd), the next begins at \(base)", path)
            }
            let file = try options.fileSystem.open(path)
            let size = try file.size()
            if !isLast && bases[index + 1] <= options.recoverFrom {
                segments.add(LogSegments.Segment(base: base, size: size), nil)
                previousEnd = LogPosition(rawValue: base.rawValue + size)
                continue
            }
            var scan = SegmentScan(
                file: file, size: size, path: path,
                scanner: LogScanner(
                    base: base, isLast: isLast && !dropsTornSegment, lastBatch: lastBatch, limits: options.frameLimits))
            let end = try scan.run(from: options.recoverFrom, window: Self.windowBytes, &summary, deliver)
            guard let header = scan.scanner.header, lastNumber.map({ $0 + 1 == header.number }) ?? true else {
                throw corrupt("segment \(lastNumber ?? 0) is followed by another number than the next", path)
            }
            (lastNumber, lastBatch, previousEnd) = (header.number, scan.scanner.lastBatch, end)
            if isLast { try settle(file, header, end: end, size: size, path) }
            segments.add(LogSegments.Segment(base: base, size: end.rawValue - base.rawValue), file)
        }
        writerState.nextBatch = (lastBatch ?? 0) + 1
        writerState.nextSegment = (lastNumber ?? 0) + 1
    }

    // MARK: Private

    /// Cuts what is torn off the last segment and makes the rest durable: what was recovered must not go at the next crash.
    private mutating func settle(
        _ file: any LogFile, _ header: LogSegmentHeader, end: LogPosition, size: UInt64, _ path: String
    ) throws(StorageError) {
        try checkReach(end)
        let sound = end.rawValue - header.base.rawValue
        if sound < size {
            summary.tornBytes += size - sound
            try file.truncate(to: sound)
        }
        try file.synchronizeData()
        writerState.active = LogWriter.Active(header: header, file: file, size: sound)
        writerState.end = end
        writerState.endsWithUnits = sound > UInt64(LogSegmentHeader.byteCount)
    }

    /// Removes a last segment that was being made when the machine stopped; its header was never durable, so it has no frames.
    private mutating func removeTornSegment(_ bases: inout [LogPosition]) throws(StorageError) -> Bool {
        guard let base = bases.last else { return false }
        let path = segments.path(of: base)
        let file = try options.fileSystem.open(path)
        let size = try file.size()
        guard size <= UInt64(LogSegmentHeader.byteCount) else { return false }
        let bytes = try file.read(count: Int(size), at: 0)
        var scanner = LogScanner(base: base, isLast: true, limits: options.frameLimits)
        let span = bytes.span
        guard case .finished(.tornTail(_, let reason)) = scanner.next(in: span.bytes, startingAt: 0, reachesEnd: true)
        else { return false }
        guard bases.count > 1 || base == .start else {
            throw corrupt("the only segment has a damaged header: \(reason)", path)
        }
        try options.fileSystem.remove(path)
        try options.fileSystem.synchronizeDirectory(directory)
        bases.removeLast()
        summary.tornBytes += size
        summary.tornReason = reason.description
        return true
    }

    /// The engine never holds more than what was durable in the log, so a log that ends before the engine's position lost bytes.
    private func checkReach(_ end: LogPosition) throws(StorageError) {
        guard options.recoverFrom <= end else {
            throw corrupt(
                "the log ends at position \(end), before \(options.recoverFrom), which the engine has; "
                    + "restore the missing log files", directory)
        }
    }

    private func corrupt(_ message: String, _ path: String) -> StorageError {
        StorageError(.corruptLog, "\(path): \(message)", path: path)
    }
}

/// The scan of one segment file, piece by piece.
struct SegmentScan {
    let file: any LogFile
    let size: UInt64
    let path: String
    var scanner: LogScanner

    /// Scans to the segment's end.
    ///
    /// - Returns: the position behind the last good frame.
    mutating func run(
        from start: LogPosition, window: Int, _ summary: inout LogRecoverySummary,
        _ deliver: (RecoveredFrame, RawSpan) throws -> Void
    ) throws -> LogPosition {
        summary.segments += 1
        var bytes = try file.read(count: Int(min(UInt64(window), size)), at: 0)
        var offset = 0
        while true {
            let piece = bytes
            let span = piece.span
            let reachesEnd = UInt64(offset + piece.count) >= size
            switch scanner.next(in: span.bytes, startingAt: offset, reachesEnd: reachesEnd) {
            case .header:
                break
            case .batch:
                summary.batches += 1
            case .frame(let frame):
                guard frame.position >= start else { break }
                summary.frames += 1
                summary.bytes += frame.end.rawValue - frame.position.rawValue
                let recovered = RecoveredFrame(
                    kind: frame.kind, position: frame.position,
                    payloadPosition: frame.position.advanced(by: FrameEnvelope.headerBytes), end: frame.end)
                try deliver(recovered, span.bytes.extracting(frame.payload))
            case .needsBytes(let from, let count):
                let rest = size - min(UInt64(from), size)
                let wanted = Int(min(UInt64(max(count, window)), rest))
                bytes = try file.read(count: wanted, at: UInt64(from))
                guard bytes.count == wanted else {
                    throw StorageError(.io, "\(path) became shorter while it was read", path: path)
                }
                offset = from
            case .finished(let result):
                return try conclude(result, &summary)
            }
        }
    }

    private func conclude(
        _ result: LogScanResult, _ summary: inout LogRecoverySummary
    ) throws(StorageError) -> LogPosition {
        switch result {
        case .clean(let end):
            return end
        case .tornTail(let end, let reason):
            summary.tornReason = reason.description
            return end
        case .corrupt(let position, let reason):
            let isTooNew = reason.code == .unsupportedVersion
            let remedy =
                isTooNew
                ? "start a newer version of this program"
                : "restore the file from a copy or a peer; nothing was changed"
            throw StorageError(
                isTooNew ? .versionTooNew : .corruptLog,
                "\(path) is damaged at byte \(position.rawValue - scanner.base.rawValue) (position \(position)): "
                    + "\(reason.message); \(remedy)", path: path)
        }
    }
}
