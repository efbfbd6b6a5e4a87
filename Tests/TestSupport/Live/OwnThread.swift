// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Dispatch
package import Testing

extension Trait where Self == OwnThread {
    /// Runs the tests on a thread of their own.
    package static var onOwnThread: Self { OwnThread() }
}

/// Runs tests on a thread of their own: they wait for processes and sockets, and must not hold up the tests that share
/// the few threads of Swift's own pool.
package struct OwnThread: SuiteTrait, TestTrait, TestScoping {
    /// Suites inside run there too.
    package var isRecursive: Bool { true }

    /// Runs a test on the thread.
    package func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        try await withTaskExecutorPreference(Executor.shared) { try await function() }
    }

    private final class Executor: TaskExecutor {
        static let shared = Executor()
        private let queue = DispatchQueue(label: "live tests")

        func enqueue(_ job: consuming ExecutorJob) {
            let job = UnownedJob(job)
            queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
        }
    }
}
