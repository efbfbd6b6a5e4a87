// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import Synchronization

/// The file side of a log: batches go in whole, or not at all.
///
/// The log's writer thread calls ``commit(_:unitEnds:from:)``; ``repair()`` may be called from any thread. The lock is held over
/// I/O on purpose: only those two contend for it, and never at the same time in a log that works.
final class LogWriter: Sendable {
    /// The segment that is written to.
    struct Active: Sendable {
        let header: LogSegmentHeader
        let file: any LogFile
        /// How much of it is durable.
        var size: UInt64
    }

    /// Where the log stands.
    struct State: Sendable {
        /// The segment that is written to; nothing in a new log.
        var active: Active?
        /// The position behind the last durable byte.
        var end = LogPosition.start
        var nextBatch: UInt64 = 1
        var nextSegment: UInt64 = 1
        /// The next batch begins a new segment in any case.
        var mustRoll = false
        /// The file may hold bytes behind its durable end that could not be removed.
        var needsRepair = false
        /// The last batch of the log has units, so its damage could be taken for a torn tail.
        var endsWithUnits = false
    }

    /// What one commit did.
    struct Commit: Sendable {
        /// How many units it took.
        let units: Int
        /// The position of the first unit's first byte.
        let position: LogPosition
        /// The bytes it wrote, batch mark included.
        let bytes: Int
        /// How long the synchronisation took.
        let syncDuration: Duration
    }

    private let segments: LogSegments
    private let segmentBytes: Int
    private let state: Mutex<State>
    // Counted outside the lock, because metrics must not wait for the disk.
    private let segmentsCreated = Atomic<UInt64>(0)
    private let syncs = Atomic<UInt64>(0)

    init(segments: LogSegments, segmentBytes: Int, state: State) {
        self.segments = segments
        self.segmentBytes = segmentBytes
        self.state = Mutex(state)
    }

    /// Writes and synchronises a batch: as many units, from an index on, as the segment takes, and at least one.
    ///
    /// - Throws: the first failure; then nothing of the batch is in the log, and a further commit may be tried.
    func commit(_ bytes: [UInt8], unitEnds: [Int], from first: Int) throws(StorageError) -> Commit {
        try state.withLock { (state) throws(StorageError) in
            let start = first == 0 ? 0 : unitEnds[first - 1]
            var active = state.active
            if Self.fitting(unitEnds, first, start, room: room(state)) == 0 && !isFresh(state) { active = nil }
            let segment: Active
            if let active { segment = active } else { segment = try roll(&state) }
            // A unit that is larger than a segment is alone in one.
            let count = max(Self.fitting(unitEnds, first, start, room: room(state)), 1)
            let run = start..<unitEnds[first + count - 1]
            let (mark, duration) = try write(bytes, run, segment, &state)
            state.endsWithUnits = true
            let position = state.end
            let written = LogBatchMark.frameBytes + run.count
            advance(&state, by: mark, bytes[run])
            return Commit(
                units: count, position: position.advanced(by: LogBatchMark.frameBytes), bytes: written,
                syncDuration: duration)
        }
    }

    /// Ends the log with an empty batch, so that damage to the last real one is found at the next start.
    func writeClosingMark() throws(StorageError) {
        try state.withLock { (state) throws(StorageError) in
            guard state.endsWithUnits, !state.mustRoll, let active = state.active else { return }
            let (mark, _) = try write([], 0..<0, active, &state)
            state.endsWithUnits = false
            advance(&state, by: mark, [])
        }
    }

    /// Removes what a failed batch may have left behind the durable end; does nothing when there is nothing to remove.
    func repair() throws(StorageError) {
        try state.withLock { (state) throws(StorageError) in
            guard state.needsRepair else { return }
            try removeFailedBatch(&state)
        }
    }

    /// The counts of segments begun and of synchronisations.
    var counts: (segmentsCreated: UInt64, syncs: UInt64) {
        (segmentsCreated.load(ordering: .relaxed), syncs.load(ordering: .relaxed))
    }

    // MARK: Private

    /// How many bytes of units the active segment still takes in one batch.
    private func room(_ state: State) -> Int {
        guard let active = state.active, !state.mustRoll else { return -1 }
        return segmentBytes - Int(active.size) - LogBatchMark.frameBytes
    }

    private static func fitting(_ unitEnds: [Int], _ first: Int, _ start: Int, room: Int) -> Int {
        guard room >= 0 else { return 0 }
        var index = first
        while index < unitEnds.count && unitEnds[index] - start <= room { index += 1 }
        return index - first
    }

    /// Whether the active segment takes a batch of any size, because it has none yet.
    private func isFresh(_ state: State) -> Bool {
        guard let active = state.active, !state.mustRoll else { return false }
        return active.size == LogSegmentHeader.byteCount
    }

    /// Begins a new segment at the log's end.
    private func roll(_ state: inout State) throws(StorageError) -> Active {
        guard !state.needsRepair else { throw Self.unrepaired(segments.directory) }
        // Until the new segment is there the old one must not grow: its leftover file already states where it begins.
        state.mustRoll = true
        var generator = SystemRandomNumberGenerator()
        let header = LogSegmentHeader(
            number: state.nextSegment, base: state.end, firstBatch: state.nextBatch, salt: generator.next())
        let path = segments.path(of: header.base)
        let file = try segments.fileSystem.create(path)
        do throws(StorageError) {
            try Self.writeAll([header.encoded()], to: file, at: 0, path)
            try file.synchronizeData()
            try segments.fileSystem.synchronizeDirectory(segments.directory)
        } catch {
            // When the name stays, the next attempt empties the same file, and recovery knows a torn header.
            try? segments.fileSystem.remove(path)
            throw error
        }
        let active = Active(header: header, file: file, size: UInt64(LogSegmentHeader.byteCount))
        segments.add(LogSegments.Segment(base: header.base, size: active.size), file)
        state.active = active
        state.end = header.base.advanced(by: LogSegmentHeader.byteCount)
        state.nextSegment += 1
        segmentsCreated.wrappingAdd(1, ordering: .relaxed)
        state.mustRoll = false
        return active
    }

    /// Writes a mark and a run of bytes behind the durable end and synchronises them; on failure removes them.
    private func write(
        _ bytes: [UInt8], _ run: Range<Int>, _ active: Active, _ state: inout State
    ) throws(StorageError) -> (mark: [UInt8], synchronization: Duration) {
        guard !state.needsRepair else { throw Self.unrepaired(segments.directory) }
        var mark: [UInt8] = []
        LogBatchMark(number: state.nextBatch, position: state.end, salt: active.header.salt).append(to: &mark)
        let clock = ContinuousClock()
        do throws(StorageError) {
            // The path is only for errors, and would take longer than the mark.
            try Self.writeAll(
                [mark, bytes], last: run, to: active.file, at: active.size, segments.path(of: active.header.base))
            syncs.wrappingAdd(1, ordering: .relaxed)
            let begin = clock.now
            do throws(StorageError) {
                try active.file.synchronizeData()
            } catch {
                // The system may have dropped the pages and call the file clean, so nothing more is written to it.
                state.mustRoll = true
                throw error
            }
            return (mark, begin.duration(to: clock.now))
        } catch {
            // The failure of the removal is remembered in `needsRepair`; the first error is the one to tell.
            try? removeFailedBatch(&state)
            throw error
        }
    }

    private func removeFailedBatch(_ state: inout State) throws(StorageError) {
        guard let active = state.active else { return }
        state.needsRepair = true
        try active.file.truncate(to: active.size)
        try active.file.synchronizeData()
        state.needsRepair = false
    }

    private func advance(_ state: inout State, by mark: [UInt8], _ run: ArraySlice<UInt8>) {
        let count = mark.count + run.count
        state.end = state.end.advanced(by: count)
        state.nextBatch += 1
        state.active?.size += UInt64(count)
        segments.grow(mark, run)
    }

    /// Writes all bytes of some arrays, of the last one only a range, with as few calls as the system needs.
    private static func writeAll(
        _ arrays: [[UInt8]], last range: Range<Int>? = nil, to file: any LogFile, at offset: UInt64,
        _ path: @autoclosure () -> String
    ) throws(StorageError) {
        guard let tail = arrays.last else { return }
        let head = arrays.count > 1 ? arrays[0] : []
        var failure: StorageError?
        head.withUnsafeBytes { first in
            tail.withUnsafeBytes { second in
                let run = UnsafeRawBufferPointer(rebasing: second[range ?? 0..<second.count])
                do throws(StorageError) {
                    try writeAll(first, run, to: file, at: offset, path())
                } catch {
                    failure = error
                }
            }
        }
        if let failure { throw failure }
    }

    private static func writeAll(
        _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer, to file: any LogFile, at offset: UInt64,
        _ path: @autoclosure () -> String
    ) throws(StorageError) {
        let total = first.count + second.count
        var done = 0
        while done < total {
            var buffers: [UnsafeRawBufferPointer] = []
            if done < first.count { buffers.append(UnsafeRawBufferPointer(rebasing: first[done...])) }
            let skipped = max(done - first.count, 0)
            if skipped < second.count { buffers.append(UnsafeRawBufferPointer(rebasing: second[skipped...])) }
            let written = try file.write(buffers, at: offset + UInt64(done))
            guard written > 0 else {
                throw StorageError(.io, "the system wrote none of \(total - done) bytes to \(path())", path: path())
            }
            done += written
        }
    }

    private static func unrepaired(_ directory: String) -> StorageError {
        StorageError(
            .io,
            "the log \(directory) could not remove a failed batch and takes nothing more; reset it when the disk works again",
            path: directory)
    }
}
