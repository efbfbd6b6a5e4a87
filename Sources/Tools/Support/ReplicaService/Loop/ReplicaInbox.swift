// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Synchronization

/// Where everybody leaves word for a replica's loop; it takes all that is there in one go.
///
/// It stays small by itself: a link stops reading while its messages wait here, answers come one for each directive, and signals are flags.
final class ReplicaInbox: Sendable {
    /// All that was there.
    struct Batch: Sendable {
        var inputs: [ReplicaInput] = []
        var storeAdvanced = false
        var membersChanged = false
        var bodiesWanted = false
        var isStopping = false
        /// Whether the clock has rung.
        var hasRung = false

        var isEmpty: Bool {
            inputs.isEmpty && !storeAdvanced && !membersChanged && !bodiesWanted && !isStopping && !hasRung
        }
    }

    private struct State {
        var batch = Batch()
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    func post(_ input: ReplicaInput) { wake { $0.inputs.append(input) } }

    func post(_ inputs: [ReplicaInput]) { wake { $0.inputs += inputs } }

    func signalStore() { wake { $0.storeAdvanced = true } }

    func signalMembers() { wake { $0.membersChanged = true } }

    func signalBodies() { wake { $0.bodiesWanted = true } }

    func ring() { wake { $0.hasRung = true } }

    func stop() { wake { $0.isStopping = true } }

    /// Waits until there is something, and takes all of it; there is one loop for an inbox.
    func next() async -> Batch {
        while true {
            let batch = state.withLock { state in
                let batch = state.batch
                state.batch = Batch()
                return batch
            }
            if !batch.isEmpty { return batch }
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                let isReady = state.withLock { state in
                    if !state.batch.isEmpty { return true }
                    state.waiter = continuation
                    return false
                }
                if isReady { continuation.resume() }
            }
        }
    }

    private func wake(_ change: (inout Batch) -> Void) {
        let waiter = state.withLock { state in
            change(&state.batch)
            return state.waiter.take()
        }
        waiter?.resume()
    }
}
