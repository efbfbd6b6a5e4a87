// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import CRDTKit
internal import Synchronization

/// An append-only log in segment files, with group commit by one dedicated writer thread.
///
/// A *unit* is one or more whole frames that a caller appends together. The writer takes all that is queued, writes it as one
/// batch with one write and one `fdatasync`, and then tells everybody concerned: the batches grow by themselves when the disk is
/// slow or the callers are many, without timers. `docs/log.md` describes the files and what holds after a crash.
///
/// Only one process at a time may have a log open; ``DirectoryLock`` sees to it.
package final class SegmentedLog: Sendable {
    let core: LogCore
    private let thread: Mutex<DedicatedThread?>

    /// What was found when the log was opened.
    package let recoverySummary: LogRecoverySummary

    private init(core: LogCore, thread: DedicatedThread, summary: LogRecoverySummary) {
        self.core = core
        self.thread = Mutex(thread)
        self.recoverySummary = summary
    }

    deinit {
        close()
    }

    /// Opens a log, or makes a new one, and gives every frame from `options.recoverFrom` on to a closure.
    ///
    /// A torn tail is cut off and the rest made durable before this returns.
    ///
    /// - Parameters:
    ///   - directory: where the segments are; it is made when it is not there.
    ///   - options: how to work.
    ///   - recover: is given each frame, oldest first, with its payload.
    /// - Returns: the open log.
    /// - Throws: `corruptLog` when bytes that were durable are damaged or missing, with file and position; `versionTooNew`; `io`;
    ///   and whatever `recover` throws.
    package static func open(
        directory: String, options: LogOptions = LogOptions(),
        recover: (RecoveredFrame, RawSpan) throws -> Void
    ) throws -> SegmentedLog {
        var recovery = LogRecovery(directory: directory, options: options)
        try recovery.run(recover)
        let writer = LogWriter(
            segments: recovery.segments, segmentBytes: options.segmentBytes, state: recovery.writerState)
        let core = LogCore(segments: recovery.segments, writer: writer, queueLimitBytes: options.queueLimitBytes)
        let thread = try DedicatedThread.start(name: "log-writer") { core.run() }
        return SegmentedLog(core: core, thread: thread, summary: recovery.summary)
    }

    // MARK: Appending

    /// Queues a unit.
    ///
    /// It never waits for the disk, and may be called from any thread; the order of the tickets is the log's order.
    ///
    /// While ``isCongested`` is true callers should wait with ``waitForSpace()`` first; a unit is accepted all the same.
    ///
    /// - Parameter bytes: one or more whole frames, as ``FrameEnvelope`` makes them.
    /// - Returns: the unit's ticket. After a failure or ``close()`` the ticket is a failed one.
    package func append(_ bytes: consuming [UInt8]) -> LogTicket {
        let unit = bytes
        let (ticket, wakesWriter) = core.queue.withLock { $0.append(unit) }
        if wakesWriter { core.signal.post() }
        return LogTicket(rawValue: ticket)
    }

    /// Sets what is called after each group commit.
    ///
    /// The handler runs on the writer thread, once for each commit or failure, in order, before those who wait for a ticket go
    /// on. It must not block for long and must not close the log.
    package func setCommitHandler(_ handler: @escaping @Sendable (LogCommit) -> Void) {
        core.queue.withLock { $0.handler = handler }
    }

    /// Waits until a unit is durable.
    ///
    /// - Throws: the failure of the unit's batch; `closed` when the log ended before it was written.
    package func waitUntilDurable(_ ticket: LogTicket) async throws(StorageError) {
        let failure: StorageError? = await withCheckedContinuation { continuation in
            let outcome = core.queue.withLock { queue in
                let outcome = queue.outcome(of: ticket.rawValue)
                if case .pending = outcome { queue.wait(for: ticket.rawValue, continuation) }
                return outcome
            }
            switch outcome {
            case .pending: break
            case .durable: continuation.resume(returning: nil)
            case .failed(let error): continuation.resume(returning: error)
            }
        }
        if let failure { throw failure }
    }

    /// Waits until fewer than `options.queueLimitBytes` are queued, or the log has failed or is closing.
    package func waitForSpace() async {
        await withCheckedContinuation { continuation in
            let hasSpace = core.queue.withLock { $0.waitForSpace(below: core.queueLimitBytes, continuation) }
            if hasSpace { continuation.resume() }
        }
    }

    /// Makes a failed log usable again.
    ///
    /// The caller first takes back everything that depended on the failed units.
    ///
    /// - Throws: the failure, when the failed batch still cannot be removed from the file; the log stays failed then.
    package func resetAfterFailure() throws(StorageError) {
        try core.writer.repair()
        core.queue.withLock { $0.reset() }
    }

    // MARK: Reading and cutting

    /// Reads durable bytes; they must lie in one segment, as every frame and every unit does.
    ///
    /// - Throws: `notFound` when the position was cut off or is not durable yet; `corruptLog`; `io`.
    package func read(at position: LogPosition, length: Int) throws(StorageError) -> [UInt8] {
        try core.segments.read(at: position, length: length)
    }

    /// Whether what is durable from a position on is in memory, so that reading it takes no call of the system.
    package func isRecent(_ position: LogPosition) -> Bool { core.segments.isRecent(position) }

    /// Reads the frame that begins at a position and checks it.
    ///
    /// - Returns: what the payload holds, and the payload.
    /// - Throws: `notFound`, `corruptLog` when the bytes are damaged or no frame begins there, `io`.
    package func readFrame(
        at position: LogPosition, limits: FrameEnvelope.Limits = FrameEnvelope.Limits()
    ) throws(StorageError) -> (kind: FrameKind, payload: [UInt8]) {
        var bytes = try read(at: position, length: FrameEnvelope.headerBytes)
        while true {
            let piece = bytes
            let span = piece.span
            switch FrameEnvelope.read(span.bytes, at: 0, limits: limits) {
            case .frame(let kind, _, let payload, _):
                return (kind, Array(piece[payload]))
            case .incomplete(let needed):
                bytes = try read(at: position, length: piece.count + needed)
            case .malformed(let fault):
                throw StorageError(.corruptLog, "no good frame at position \(position): \(fault)", path: directory)
            }
        }
    }

    /// Removes the segments that lie wholly before a position; the last one always stays.
    package func cut(before position: LogPosition) throws(StorageError) {
        try core.segments.cut(before: position)
    }

    // MARK: Closing

    /// Writes and synchronises what is queued, and ends the writer thread.
    ///
    /// It blocks until that is done; further calls do nothing.
    package func close() {
        let thread = self.thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        guard let thread else { return }
        core.queue.withLock { $0.beginClosing() }
        core.signal.post()
        thread.join()
    }

    // MARK: Getters

    /// The directory of the segments.
    package var directory: String {
        core.segments.directory
    }

    /// The highest ticket that is durable; tickets below it may have failed, if the log was reset since.
    package var durableTicket: LogTicket {
        LogTicket(rawValue: core.queue.withLock { $0.durableTicket })
    }

    /// The position behind the last durable byte: everything before it can be read.
    package var end: LogPosition {
        core.segments.end
    }

    /// The position of the first byte that was not cut off.
    package var first: LogPosition {
        core.segments.first
    }

    /// Bytes that were appended and are not durable yet.
    package var queuedBytes: Int {
        core.queue.withLock { $0.queuedBytes }
    }

    /// Whether `options.queueLimitBytes` are queued or more.
    package var isCongested: Bool {
        queuedBytes >= core.queueLimitBytes
    }

    /// Why the log takes nothing at the moment; nothing when it works.
    package var failure: StorageError? {
        core.queue.withLock { $0.failure?.error }
    }

    /// What was counted since the log was opened.
    package var counters: LogCounters {
        var counters = core.queue.withLock { $0.counters }
        (counters.segmentsCreated, counters.syncs) = core.writer.counts
        return counters
    }
}
