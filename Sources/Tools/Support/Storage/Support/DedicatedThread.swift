// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc

/// A thread of the operating system for work that blocks on the disk, outside Swift's cooperative pool.
final class DedicatedThread: Sendable {
    private final class Body: Sendable {
        let run: @Sendable () -> Void

        init(run: @escaping @Sendable () -> Void) {
            self.run = run
        }
    }

    private let thread: pthread_t

    private init(thread: pthread_t) {
        self.thread = thread
    }

    /// Starts a thread.
    ///
    /// - Parameters:
    ///   - name: what error messages call it.
    ///   - run: what the thread does; it ends when this returns.
    /// - Returns: the running thread.
    /// - Throws: `io` when the system has no thread to give.
    static func start(name: String, _ run: @escaping @Sendable () -> Void) throws(StorageError) -> DedicatedThread {
        let body = Unmanaged.passRetained(Body(run: run))
        var thread = pthread_t()
        let result = pthread_create(
            &thread, nil,
            { context in
                if let context { Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run() }
                return nil
            }, body.toOpaque())
        guard result == 0 else {
            body.release()
            throw .system(result, "start the thread \(name)")
        }
        return DedicatedThread(thread: thread)
    }

    /// Waits for the thread's end and frees it.
    ///
    /// Its owner calls this once; on the thread itself it only lets go of it.
    func join() {
        if pthread_equal(pthread_self(), thread) != 0 {
            pthread_detach(thread)
        } else {
            pthread_join(thread, nil)
        }
    }
}
