// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc

/// A counting semaphore that wakes a dedicated thread; only such a thread waits on it, never one of the cooperative pool.
///
/// Made of a POSIX condition on the monotonic clock, so that a wait with a limit does not depend on the wall clock.
///
/// `@unchecked Sendable`: the count is only touched under the POSIX mutex, whose address is set once; both are destroyed when no
/// reference is left, so nobody can be inside an operation then.
final class WakeSignal: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>
    private var posts = 0

    init() {
        mutex = .allocate(capacity: 1)
        condition = .allocate(capacity: 1)
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    /// Wakes the waiting thread, or the next that waits.
    func post() {
        pthread_mutex_lock(mutex)
        posts += 1
        pthread_mutex_unlock(mutex)
        pthread_cond_signal(condition)
    }

    /// Waits for a post.
    func wait() {
        pthread_mutex_lock(mutex)
        while posts == 0 { pthread_cond_wait(condition, mutex) }
        posts -= 1
        pthread_mutex_unlock(mutex)
    }

    /// A point of the monotonic clock.
    struct Deadline {
        fileprivate var time = timespec()

        /// The point that lies so long ahead.
        init(after duration: Duration) {
            clock_gettime(CLOCK_MONOTONIC, &time)
            let (seconds, attoseconds) = duration.components
            let nanoseconds = Int64(time.tv_nsec) + attoseconds / 1_000_000_000
            time.tv_sec += Int(seconds + nanoseconds / 1_000_000_000)
            time.tv_nsec = Int(nanoseconds % 1_000_000_000)
        }
    }

    /// Waits for a post until a point in time.
    ///
    /// - Returns: false when the time has come first.
    func wait(until deadline: Deadline) -> Bool {
        var time = deadline.time
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while posts == 0 {
            if pthread_cond_timedwait(condition, mutex, &time) != 0 { return false }
        }
        posts -= 1
        return true
    }
}
