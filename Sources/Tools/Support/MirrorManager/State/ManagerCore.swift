// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Logging
internal import MirrorWire
internal import Synchronization

/// The registry, what keeps it for good, and who follows it.
final class ManagerCore: Sendable {
    let store: any ManagerStore
    let hub: EventHub
    let logger: Logger
    private let registry: Mutex<Registry>
    private let commits: CommitQueue
    private let onTransition: @Sendable (Transition) -> Void

    /// Reads what a store holds.
    ///
    /// - Parameters:
    ///   - store: where the records are.
    ///   - keptRuns: how many runs of each mirror are kept.
    ///   - limits: what bounds the records.
    ///   - logger: told about failures of the store.
    ///   - onTransition: told each change of a mirror's state, in order; must not block.
    /// - Throws: what the store throws.
    init(
        store: any ManagerStore, keptRuns: Int, limits: Registry.Limits = Registry.Limits(), logger: Logger,
        onTransition: @escaping @Sendable (Transition) -> Void
    ) async throws {
        let records = try await store.load()
        if records.unreadable > 0 {
            logger.error(
                "records of the database cannot be read and are left out",
                metadata: ["records": "\(records.unreadable)"])
        }
        self.store = store
        self.logger = logger
        self.onTransition = onTransition
        hub = EventHub()
        registry = Mutex(Registry(records, keptRuns: keptRuns, limits: limits, now: .now))
        commits = CommitQueue(store: store, keptRuns: keptRuns, logger: logger)
    }

    /// Reads what the manager knows.
    func read<Result: Sendable>(_ body: @Sendable (Registry) -> Result) -> Result {
        registry.withLock { body($0) }
    }

    /// Changes what the manager knows, in one step, and waits until it is kept for good.
    ///
    /// - Throws: what the closure throws, with nothing changed that counts; what the store throws.
    func change<Result: Sendable>(
        _ body: @Sendable (inout Registry) throws(Refusal) -> Result
    ) async throws -> Result {
        let result = try alter(body)
        try await commits.flush()
        return result
    }

    /// Changes what the manager knows, in one step, and leaves it to the next writer to keep it.
    func alter<Result: Sendable>(
        _ body: @Sendable (inout Registry) throws(Refusal) -> Result
    ) throws(Refusal) -> Result {
        let result = registry.withLock { registry -> Swift.Result<Result, Refusal> in
            let result: Swift.Result<Result, Refusal>
            do throws(Refusal) { result = .success(try body(&registry)) } catch { result = .failure(error) }
            let (batch, notices) = registry.takeChanges()
            commits.add(batch)
            // Under the lock, so that all followers see changes in the order in which they were made.
            hub.append(notices)
            for case .transition(let transition) in notices { onTransition(transition) }
            return result
        }
        hub.wake()
        return try result.get()
    }

    /// Writes what is not written yet.
    func flush() async throws { try await commits.flush() }
}

extension ManagerCore {
    /// Sets how many runs of each mirror are kept from now on.
    func keep(runs: Int) {
        // Nothing here refuses.
        try? alter { $0.keptRuns = runs }
    }
}
