// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Synchronization

/// When the engine is brought forward: on demand, and at the latest after some time; never twice at once.
final class Checkpointing: Sendable {
    private let demands: AsyncStream<Void>
    private let demand: AsyncStream<Void>.Continuation
    private let gate = Mutex(Gate())

    private struct Gate {
        var isBusy = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    init() { (demands, demand) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1)) }

    /// Asks for a checkpoint soon; never waits.
    func ask() { demand.yield() }

    /// Does checkpoints until the task is cancelled.
    func run(every pause: Duration, _ checkpoint: @escaping @Sendable () async -> Void) async throws {
        try await withThrowingDiscardingTaskGroup { tasks in
            tasks.addTask {
                while !Task.isCancelled {
                    // Cancellation ends the pause early, which is all that is wanted of it.
                    try? await Task.sleep(for: pause)
                    self.ask()
                }
            }
            for await _ in demands {
                if Task.isCancelled { break }
                await checkpoint()
            }
            tasks.cancelAll()
        }
    }

    /// Runs one at a time.
    func exclusively<R>(_ body: () async throws -> R) async rethrows -> R {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let isFree = gate.withLock { gate in
                if !gate.isBusy {
                    gate.isBusy = true
                    return true
                }
                gate.waiters.append(continuation)
                return false
            }
            if isFree { continuation.resume() }
        }
        defer {
            let next = gate.withLock { gate -> CheckedContinuation<Void, Never>? in
                if gate.waiters.isEmpty {
                    gate.isBusy = false
                    return nil
                }
                return gate.waiters.removeFirst()
            }
            next?.resume()
        }
        return try await body()
    }
}
