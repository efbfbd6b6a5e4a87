// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Synchronization

/// Lets one task wait until others have something for it or a time has come.
///
/// A flag that is raised while nobody waits ends the next wait at once, so nothing is missed between looking and waiting.
final class WakeFlag: Sendable {
    private struct State {
        var isRaised = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    /// Ends the wait of now, or the next one.
    func raise() {
        let waiter = state.withLock { state in
            guard let waiter = state.waiter else {
                state.isRaised = true
                return nil as CheckedContinuation<Void, Never>?
            }
            state.waiter = nil
            return waiter
        }
        waiter?.resume()
    }

    /// Waits until the flag is raised, the task is cancelled, or the time is over; only one task may wait at a time.
    ///
    /// - Parameter limit: how long at most; nothing is for ever.
    func wait(atMost limit: Duration? = nil) async {
        guard let limit else { return await waitUntilRaised() }
        guard limit > .zero else { return }
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                // A cancelled sleep means that the wait has ended already.
                guard (try? await Task.sleep(for: limit)) != nil else { return }
                self.raise()
            }
            await waitUntilRaised()
            group.cancelAll()
        }
    }

    private func waitUntilRaised() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    guard !state.isRaised else {
                        state.isRaised = false
                        return true
                    }
                    state.waiter = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            raise()
        }
    }
}
