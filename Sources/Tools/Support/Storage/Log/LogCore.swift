// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import Synchronization

/// What a log's callers and its writer thread share.
final class LogCore: Sendable {
    let segments: LogSegments
    let writer: LogWriter
    let queue = Mutex(LogQueue())
    let signal = WakeSignal()
    let queueLimitBytes: Int

    init(segments: LogSegments, writer: LogWriter, queueLimitBytes: Int) {
        self.segments = segments
        self.writer = writer
        self.queueLimitBytes = queueLimitBytes
    }

    /// The writer thread: takes all that is queued, writes it, and does so again until the log is closed and the queue empty.
    func run() {
        while true {
            signal.wait()
            while var work = queue.withLock({ $0.take() }) {
                commit(&work)
                gather(after: work.unitEnds.count)
            }
            if queue.withLock({ $0.isClosing && $0.isEmpty }) { break }
        }
        let isSound = queue.withLock { $0.failure == nil }
        // Without the mark the log is whole all the same; only damage to its last batch would pass for a torn tail.
        if isSound { try? writer.writeClosingMark() }
        let (waiters, spaceWaiters) = queue.withLock { queue in
            (queue.close(), queue.spaceWaiters(below: queueLimitBytes))
        }
        for waiter in waiters { waiter.resume(returning: LogQueue.closedError) }
        for waiter in spaceWaiters { waiter.resume() }
    }

    /// Waits a moment for the sessions that were just served, if there are many: what they append next then shares a commit.
    ///
    /// ``LogGathering`` says when, and for how long. A few sessions, or one, never wait, and nobody does on a fast disk.
    private func gather(after units: Int) {
        guard let limit = queue.withLock({ $0.beginGathering(after: units) }) else { return }
        let deadline = WakeSignal.Deadline(after: limit)
        while !queue.withLock({ $0.hasGathered }), signal.wait(until: deadline) {}
        queue.withLock { $0.endGathering() }
    }

    private func commit(_ work: inout LogQueue.Work) {
        var index = 0
        while index < work.unitEnds.count {
            do throws(StorageError) {
                let commit = try writer.commit(work.bytes, unitEnds: work.unitEnds, from: index)
                complete(work, from: index, commit)
                index += commit.units
            } catch {
                fail(from: work.firstTicket + UInt64(index), error)
                return
            }
        }
        queue.withLock { $0.recycle(&work.bytes) }
    }

    private func complete(_ work: LogQueue.Work, from index: Int, _ commit: LogWriter.Commit) {
        let start = index == 0 ? 0 : work.unitEnds[index - 1]
        let positions = (index..<(index + commit.units)).map { unit in
            let offset = unit == index ? 0 : work.unitEnds[unit - 1] - start
            return LogUnitPosition(
                ticket: LogTicket(rawValue: work.firstTicket + UInt64(unit)),
                position: commit.position.advanced(by: offset))
        }
        let last = work.firstTicket + UInt64(index + commit.units - 1)
        let (handler, waiters, spaceWaiters) = queue.withLock { queue in
            queue.counters.commits += 1
            queue.counters.units += UInt64(commit.units)
            queue.counters.bytesWritten += UInt64(commit.bytes)
            queue.counters.syncDurations.record(commit.syncDuration)
            queue.lastSync = commit.syncDuration
            let waiters = queue.complete(upTo: last, bytes: commit.bytes - LogBatchMark.frameBytes)
            return (queue.handler, waiters, queue.spaceWaiters(below: queueLimitBytes))
        }
        handler?(.durable(upTo: LogTicket(rawValue: last), positions: positions))
        for waiter in waiters { waiter.resume(returning: nil) }
        for waiter in spaceWaiters { waiter.resume() }
    }

    private func fail(from ticket: UInt64, _ error: StorageError) {
        let (handler, waiters, spaceWaiters) = queue.withLock { queue in
            let waiters = queue.fail(from: ticket, error)
            return (queue.handler, waiters, queue.spaceWaiters(below: queueLimitBytes))
        }
        handler?(.failed(from: LogTicket(rawValue: ticket), error))
        for waiter in waiters { waiter.resume(returning: error) }
        for waiter in spaceWaiters { waiter.resume() }
    }
}
