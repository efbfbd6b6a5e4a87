// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import CRDTKit
internal import Storage
internal import Synchronization

/// Who wants to hear of a store's progress; called without the core's lock.
final class GroupSignals: Sendable {
    private struct State {
        var progress: [@Sendable () -> Void] = []
        var members: [@Sendable () -> Void] = []
        var bodies: [@Sendable () -> Void] = []
    }

    private let state = Mutex(State())

    func onProgress(_ signal: @escaping @Sendable () -> Void) { state.withLock { $0.progress.append(signal) } }
    func onMembers(_ signal: @escaping @Sendable () -> Void) { state.withLock { $0.members.append(signal) } }
    func onUrgentBodies(_ signal: @escaping @Sendable () -> Void) { state.withLock { $0.bodies.append(signal) } }

    func progressed() { for signal in state.withLock({ $0.progress }) { signal() } }
    func membersChanged() { for signal in state.withLock({ $0.members }) { signal() } }
    func bodyWanted() { for signal in state.withLock({ $0.bodies }) { signal() } }
}

extension MailStore {
    /// This store's replica; it changes only with ``takeNewIncarnation()``.
    package var replicaID: ReplicaID { core.withLock { $0.replica.id } }

    /// What the store says about itself to the replication machine.
    package func replicationStatus() -> StoreStatus {
        core.withLock { core in
            // The sum is that of memory: it is the durable vector's when memory is not ahead.
            let isIdle = core.pending.isEmpty && core.failure == nil && core.group.durable == core.replica.delivered
            return StoreStatus(
                replica: core.replica.id, durable: core.positions(core.group.durable),
                logStart: core.group.marks.start.positions, logEnd: core.log.end,
                digest: isIdle && !core.isBehindSnapshot ? core.group.digest : nil,
                newestOwnTimestamp: core.group.newestOwn, isWritable: core.health.isWritable,
                knownLives: core.group.knownLives.sorted())
        }
    }

    /// Sets what is called, on any thread, when the log's durable end or the vector has moved, or memory went back to what is durable.
    ///
    /// It must be quick.
    package func observeReplication(_ signal: @escaping @Sendable () -> Void) { signals.onProgress(signal) }

    /// Sets what is called, on any thread, when a session begins to wait for a missing body.
    ///
    /// It must be quick.
    package func observeUrgentBodies(_ signal: @escaping @Sendable () -> Void) { signals.onUrgentBodies(signal) }

    /// Sets what is called, on any thread, when the members of the group have changed.
    ///
    /// It must be quick.
    package func observeMembers(_ signal: @escaping @Sendable () -> Void) { signals.onMembers(signal) }

    /// What was done about UIDs since the store was opened, for status and metrics.
    package var uidCounts: UIDCounts {
        core.withLock { core in
            var counts = core.group.uidCounts
            counts.waitsInVain = core.uidWaits.patience.waitsInVain
            return counts
        }
    }

    /// How often memory went back to what is durable because the log failed, or a snapshot came, for metrics.
    package var setbacks: UInt64 { core.withLock { $0.group.setbacks } }

    // MARK: The log

    /// The latest known position of the log before which lies none of the wanted operations.
    ///
    /// - Parameter wanted: of each origin the first operation that is wanted.
    /// - Returns: the position; nil if the log has lost some of them.
    package func locate(_ wanted: [StreamPosition]) -> LogPosition? {
        core.withLock { core in
            guard let position = core.group.marks.locate(wanted) else { return nil }
            return max(position, core.log.first)
        }
    }

    /// Whether ``readLog(from:maximumBytes:)`` would find everything in memory.
    package func isRecent(_ position: LogPosition) -> Bool { core.withLock { $0.log }.isRecent(position) }

    /// Reads frames of the durable part of the log.
    ///
    /// - Parameters:
    ///   - position: where a frame begins.
    ///   - maximumBytes: how much is read, but at least one frame.
    /// - Returns: the frames with their envelopes, chunks of large bodies left out; nil if the position is not in the log any more.
    /// - Throws: ``MailStoreError``: `corrupt`, `unavailable`.
    package func readLog(from position: LogPosition, maximumBytes: Int) throws(MailStoreError) -> LogRead? {
        let log = core.withLock { $0.log }
        do {
            let run = try log.readRun(from: position, maximumBytes: maximumBytes)
            let inline = UInt64(options.inlineBodyBytes)
            return LogRead(
                frames: run.frames.compactMap { frame in
                    let span = frame.envelope.span
                    let payload = span.bytes.extracting(FrameEnvelope.headerBytes..<frame.envelope.count)
                    if frame.kind == .bodyChunk, let chunk = BodyFrames.readChunk(payload), chunk.offset >= inline {
                        return nil
                    }
                    return LoggedFrame(kind: frame.kind, position: frame.position, envelope: frame.envelope)
                }, next: run.next)
        } catch {
            if error.code == .notFound { return nil }
            throw MailStoreError(error)
        }
    }
}
