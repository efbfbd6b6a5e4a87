// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import Foundation
internal import Synchronization

/// Does at the steady writer's times what a write costs at least.
///
/// A thread of its own appends a little to a file and makes it durable: what slows it down is the machine and its disk,
/// not the store.
final class DiskProbe: Sendable {
    private struct State {
        var latencies: [Double] = []
        var isStopping = false
    }

    private let state = Mutex(State())

    /// Starts the thread.
    ///
    /// - Parameter path: the file.
    /// - Throws: ``BenchFailure`` if it cannot be opened.
    init(path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw BenchFailure("\(path) cannot be opened: \(errno)") }
        Thread.detachNewThread { [self] in
            let piece = [UInt8](repeating: 0x5a, count: 200)
            let clock = ContinuousClock()
            var due = clock.now
            while !state.withLock({ $0.isStopping }) {
                due += SteadyWriter.interval
                let pause = (due - clock.now).seconds
                if pause > 0 { Thread.sleep(forTimeInterval: pause) }
                guard write(descriptor, piece, piece.count) == piece.count, fdatasync(descriptor) == 0 else { break }
                let spent = (clock.now - due).seconds
                state.withLock { $0.latencies.append(spent) }
            }
            close(descriptor)
            unlink(path)
        }
    }

    /// Ends the thread soon.
    func stop() { state.withLock { $0.isStopping = true } }

    /// The latencies since the last call, in seconds, ascending.
    func take() -> [Double] {
        state.withLock { state in
            defer { state.latencies = [] }
            return state.latencies.sorted()
        }
    }
}
