// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import CRDTKit
internal import Crypto
internal import Logging
internal import Storage
internal import Synchronization

extension MailStore {
    /// Takes what a peer sent: applies what can be applied and queues it for the log; not necessarily durable when this returns.
    ///
    /// No lock is held while bodies are hashed, accounts are read from the engine, or the log has more than it can write; and a long batch gives way to
    /// others after every ``MailStoreOptions/operationsPerTurn`` operations.
    ///
    /// - Parameter items: frames and bodies, in the order in which they came.
    /// - Returns: what became of them. If the log failed meanwhile, the refusal is `unavailable` and what this and earlier calls delivered without being
    ///   durable is gone: ``replicationStatus()`` says what is left.
    package func receive(_ items: [PeerItem]) async -> DeliveryOutcome {
        let pinned = items.compactMap { item -> BodyDigest? in
            if case .body(let digest, _, _) = item { return digest }
            return nil
        }
        core.withLock { core in for digest in pinned { core.bodies.pin(digest) } }
        defer { core.withLock { core in for digest in pinned { core.bodies.unpin(digest) } } }
        var intake = Intake(items, bodies: checkBodies(items))
        var isFinished = false
        do { try checkSpace(for: 0) } catch {
            intake.refuse(CRDTError(.unavailable, error.message))
            intake.outcome.delivered = core.withLock { $0.positions($0.replica.delivered) }
            isFinished = true
        }
        while !isFinished {
            let (end, log) = core.withLock { core in
                let end = core.takeTurn(&intake, now: now(), options)
                askForCheckpoint(core)
                return (end, core.log)
            }
            do {
                isFinished = try await prepareTurn(after: end)
            } catch {
                intake.refuse(CRDTError(.unavailable, "\(MailStoreError(error).message)"))
                isFinished = true
            }
            if log.isCongested { await log.waitForSpace() }
        }
        if core.withLock({ !$0.bodies.unverified.isEmpty }) {
            do { try verifyBodies() } catch {
                logger.error("the engine cannot be read", metadata: ["reason": "\(error)"])
            }
        }
        return intake.outcome
    }

    /// Does what the next turn needs.
    ///
    /// - Returns: whether there is no next turn.
    private func prepareTurn(after end: StoreCore.TurnEnd) async throws -> Bool {
        switch end {
        case .finished: return true
        case .more: await Task.yield()
        case .needsRebuilding: try await rebuildIfFailed()
        case .needs(.account(let account), _, let generation): try load(account, generation)
        case .needs(.mailbox(let account, let mailbox), let installation, let generation):
            try load(mailbox, of: account, installation, generation)
        }
        return false
    }

    /// Looks at bodies while no lock is held: whether they are what their digests say, and whether the engine has them.
    private func checkBodies(_ items: [PeerItem]) -> [Int: Intake.CheckedBody] {
        var checked: [Int: Intake.CheckedBody] = [:]
        for (index, item) in items.enumerated() {
            guard case .body(let digest, let size, let bytes) = item else { continue }
            let isSound =
                size == UInt64(bytes.count) && size <= options.messageBytes
                && Array(SHA256.hash(data: bytes)) == digest.bytes
            // When the engine cannot be read the body is written once more, which does no harm.
            let isInEngine = isSound ? (try? engineHolds(digest)) ?? false : false
            checked[index] = Intake.CheckedBody(isSound: isSound, isInEngine: isInEngine)
        }
        return checked
    }
}
