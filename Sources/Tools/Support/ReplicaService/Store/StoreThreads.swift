// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import NIOPosix

/// Threads on which a store's work may block, so that a slow disk holds up neither the other groups nor the sessions.
final class StoreThreads: TaskExecutor {
    /// Enough for the operations that come, those that go, a body and a snapshot side by side.
    static let count = 4

    private let pool = NIOThreadPool(numberOfThreads: StoreThreads.count)

    /// Starts the threads.
    init(label: String) { pool.start() }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        // A job must run whether the pool is being shut down or not.
        pool.submit { _ in job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }

    /// Ends the threads, after all jobs are done.
    func finish() async {
        // It fails only when the pool was shut down before, which is what is wanted.
        try? await pool.shutdownGracefully()
    }
}
