// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc

/// A counting semaphore that wakes a dedicated thread; only such a thread waits on it, never one of the cooperative pool.
///
/// `@unchecked Sendable`: the only stored property is the address of a POSIX semaphore, set once, whose operations may be
/// called from any thread at once; it is destroyed when no reference is left, so nobody can be inside an operation then.
final class WakeSignal: @unchecked Sendable {
    private let semaphore: UnsafeMutablePointer<sem_t>

    init() {
        semaphore = .allocate(capacity: 1)
        sem_init(semaphore, 0, 0)
    }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    /// Wakes the waiting thread, or the next that waits.
    func post() {
        sem_post(semaphore)
    }

    /// Waits for a post.
    func wait() {
        while sem_wait(semaphore) != 0 && errno == EINTR {}
    }
}
