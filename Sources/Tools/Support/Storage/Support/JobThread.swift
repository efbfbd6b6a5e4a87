// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Synchronization

/// A dedicated thread that does jobs one after the other, in the order in which they were submitted.
final class JobThread: Sendable {
    private struct State {
        var jobs: [@Sendable () -> Void] = []
        var isFinishing = false
    }

    /// What the thread and its owner share.
    private final class Shared: Sendable {
        let state = Mutex(State())
        let signal = WakeSignal()

        func run() {
            while true {
                signal.wait()
                while true {
                    let jobs = state.withLock { state in
                        let jobs = state.jobs
                        state.jobs = []
                        return jobs
                    }
                    if jobs.isEmpty { break }
                    for job in jobs { job() }
                }
                if state.withLock({ $0.isFinishing && $0.jobs.isEmpty }) { return }
            }
        }
    }

    private let shared: Shared
    private let thread: Mutex<DedicatedThread?>

    /// Starts the thread.
    init(name: String) throws(StorageError) {
        let shared = Shared()
        self.shared = shared
        self.thread = Mutex(try DedicatedThread.start(name: name) { shared.run() })
    }

    /// Queues a job; says whether it will be done, which it is not after ``finish()``.
    func submit(_ job: @escaping @Sendable () -> Void) -> Bool {
        let isAccepted = shared.state.withLock { state in
            guard !state.isFinishing else { return false }
            state.jobs.append(job)
            return true
        }
        if isAccepted { shared.signal.post() }
        return isAccepted
    }

    /// Waits until all jobs are done and the thread has ended; further calls do nothing.
    func finish() {
        let thread = self.thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        guard let thread else { return }
        shared.state.withLock { $0.isFinishing = true }
        shared.signal.post()
        thread.join()
    }
}
