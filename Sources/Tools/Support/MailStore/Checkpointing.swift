// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// When the engine is brought forward: on demand, and at the latest after some time; never twice at once.
final class Checkpointing: Sendable {
    private let demands: AsyncStream<Void>
    private let demand: AsyncStream<Void>.Continuation
    private let gate = ExclusiveGate()

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

    /// Whether somebody waits for another to be done.
    var isContended: Bool { gate.isContended }

    /// Runs one at a time.
    func exclusively<R>(_ body: () async throws -> R) async rethrows -> R { try await gate.exclusively(body) }
}
