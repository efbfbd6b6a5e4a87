// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import Logging
internal import Storage
internal import Synchronization

extension MailStore {
    /// Passes what a log reports on to the core.
    ///
    /// A log belongs to one core, so a report of a log that was replaced is none.
    func listen(to log: SegmentedLog) {
        log.setCommitHandler { [weak self, weak log] commit in
            guard let self, let log else { return }
            let (ready, membersChanged) = self.core.withLock { core -> ([CheckedContinuation<Void, Never>], Bool) in
                guard core.log === log else { return ([], false) }
                switch commit {
                case .durable(let ticket, let positions):
                    let ready = core.committed(upTo: ticket, positions: positions, now: self.now())
                    defer { core.membersChanged = false }
                    return (ready, core.membersChanged)
                case .failed(_, let error):
                    core.logFailed(MailStoreError(error), now: self.now())
                    return ([], false)
                }
            }
            for waiter in ready { waiter.resume() }
            self.signals.progressed()
            if membersChanged { self.signals.membersChanged() }
        }
    }

    /// Builds the core anew from what is durable, after the log could not take an operation that memory holds already.
    ///
    /// Nobody saw that operation: it was neither acknowledged nor shown. Open mailboxes stay open, and whoever reads a body reads on. No checkpoint runs
    /// meanwhile, because what the engine holds must not change while it is read; and no lock is held, because the log may still have to
    /// report what it wrote before.
    ///
    /// - Throws: why it could not be done; it is tried again after a pause.
    func rebuildIfFailed() async throws(MailStoreError) {
        guard core.withLock({ $0.failure != nil && !$0.isClosed }) else { return }
        do {
            try await checkpointing.exclusively { try rebuild() }
        } catch {
            throw MailStoreError(error)
        }
    }

    private func rebuild() throws {
        let plan = try core.withLock { core throws -> (SegmentedLog, MailStoreError, [String], [ReplicaID])? in
            guard let failure = core.failure, !core.isClosed else { return nil }
            // A disk that just failed to be read is not tried with every command.
            if let (time, error) = core.rebuildPause, now() < time { throw error }
            return (core.log, failure, core.accountNames, core.replicaNames)
        }
        guard let (log, failure, accounts, replicas) = plan else { return }
        logger.error("going back to what is durable", metadata: ["reason": "\(failure)"])
        let recovery = StoreRecovery(directory: path, options: options, engine: engine, logger: logger)
        log.close()
        do {
            var fresh: StoreCore? = try recovery.run(keeping: accounts, replicas)
            if let log = fresh?.log { listen(to: log) }
            let waiters = core.withLock { core -> [CheckedContinuation<Void, Never>] in
                guard let next = fresh.take() else { return [] }
                let waiters = core.bodies.missing.takeWaiters()
                core.replace(with: next, refusingWritesUntil: writePauseEnd)
                return waiters
            }
            for waiter in waiters { waiter.resume() }
            try verifyBodies()
            signals.progressed()
        } catch {
            core.withLock { $0.rebuildPause = (writePauseEnd, MailStoreError(error)) }
            throw error
        }
    }

    private var writePauseEnd: UInt64 { now() + Self.writePauseMilliseconds }

    /// How long writing is refused after the log failed, so that a full disk is not tried with every command.
    static let writePauseMilliseconds: UInt64 = 1_000
}
