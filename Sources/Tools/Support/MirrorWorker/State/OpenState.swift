// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import FoundationEssentials
internal import Logging
internal import MirrorConfig
internal import MirrorRun
internal import Storage

/// A worker's state directory, locked and opened.
struct OpenState: Sendable {
    /// Held as long as the worker uses the directory.
    let lock: DirectoryLock
    /// What is durable.
    let store: WorkerStore
    /// What the store held.
    let content: WorkerStore.Content
    /// What carries out runs.
    let carrier: any RunCarrier

    /// Locks and opens the directory, or makes a new one.
    ///
    /// - Parameters:
    ///   - settings: the worker's.
    ///   - carrier: what carries out runs; a `RunSupervisor` in the directory when there is none.
    ///   - logger: where runs log.
    /// - Throws: ``WorkerError`` of code `state`.
    init(_ settings: WorkerSettings, carrier: (any RunCarrier)?, logger: Logger) async throws {
        do {
            let lock = try DirectoryLock.acquire(directory: settings.stateDirectory)
            let store = try WorkerStore(directory: settings.stateDirectory + "/store")
            var content = try store.load()
            let token = content.commandToken ?? UUID().uuidString.lowercased()
            let outbox = content.outbox ?? UUID().uuidString.lowercased()
            if content.commandToken == nil || content.outbox == nil {
                try await store.keep(commandToken: token, outbox: outbox)
            }
            content.commandToken = token
            content.outbox = outbox
            // Before the first run, so that its number is never used again.
            var reserved = WorkerStore.Changes()
            reserved.nextRun = (content.nextRun ?? 1) + WorkerLoop.reservedRuns
            try await store.commit(reserved)
            self.carrier =
                try carrier
                ?? RunSupervisor(
                    RunSupervisorSettings(stateDirectory: settings.stateDirectory + "/runs.d", logger: logger))
            self.lock = lock
            self.store = store
            self.content = content
        } catch {
            throw WorkerError(.state, "the state directory \(settings.stateDirectory) cannot be used: \(error)")
        }
    }
}
