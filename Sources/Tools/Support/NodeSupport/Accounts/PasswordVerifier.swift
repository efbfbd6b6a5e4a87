// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import NIOPosix
internal import ServiceLifecycle
internal import Synchronization

/// Runs password hashing on a few threads of its own, never on an event loop or on the Swift pool.
///
/// As many hashes as there are threads run at a time, so the memory is bounded; more wait in a queue of bounded length.
package final class PasswordVerifier: Service {
    /// What bounds the hashing.
    package struct Limits: Hashable, Sendable {
        /// How many hashes run at a time; each may take ``PasswordHash/maximumMemoryBytes``.
        package var maximumConcurrent = 2
        /// How many may wait for a thread.
        package var maximumWaiting = 128

        /// The documented defaults.
        package init() {}
    }

    private struct State {
        var pending = 0
        var isClosed = false
    }

    private let pool: NIOThreadPool
    private let limits: Limits
    private let state = Mutex(State())

    /// Starts the threads; call ``run()`` or ``close()`` to end them.
    ///
    /// - Parameter limits: What bounds the hashing.
    package init(limits: Limits = Limits()) {
        self.limits = limits
        pool = NIOThreadPool(numberOfThreads: max(1, limits.maximumConcurrent))
        pool.start()
    }

    /// Compares a password with a hash.
    ///
    /// - Parameters:
    ///   - password: What somebody gave.
    ///   - hash: The stored hash.
    /// - Returns: Whether it is the password; `nil` when too many are waiting, there is no memory, or the verifier is
    ///   closed.
    package func verify(_ password: [UInt8], against hash: PasswordHash) async -> Bool? {
        let maximum = max(1, limits.maximumConcurrent) + limits.maximumWaiting
        let isAdmitted = state.withLock { state in
            guard !state.isClosed, state.pending < maximum else { return false }
            state.pending += 1
            return true
        }
        guard isAdmitted else { return nil }
        defer { state.withLock { $0.pending -= 1 } }
        // What can be thrown is that the pool has ended or that there is no memory: in both cases nothing can be said.
        return try? await pool.runIfActive { try hash.matches(password) }
    }

    /// Waits for the process to stop, then ends the threads.
    package func run() async throws {
        // Cancellation means the same as a graceful stop here.
        try? await gracefulShutdown()
        await close()
    }

    /// Lets running hashes finish and ends the threads; what waits gets `nil`.
    package func close() async {
        let isFirst = state.withLock { state in
            defer { state.isClosed = true }
            return !state.isClosed
        }
        // The pool cannot fail to end, but its signature says so.
        if isFirst { try? await pool.shutdownGracefully() }
    }
}
