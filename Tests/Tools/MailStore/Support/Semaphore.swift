// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Glibc

/// A counting semaphore on which a thread of the log may wait, and a test from elsewhere.
///
/// `@unchecked Sendable`: the semaphore's address is set once, and its operations may be called from any thread.
final class Semaphore: @unchecked Sendable {
    private let semaphore: UnsafeMutablePointer<sem_t>

    init() {
        semaphore = .allocate(capacity: 1)
        sem_init(semaphore, 0, 0)
    }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    func signal() { sem_post(semaphore) }

    /// Waits on a thread that may block.
    func wait() { while sem_wait(semaphore) != 0 && errno == EINTR {} }

    /// Waits without holding a thread of Swift's pool.
    func waitElsewhere() async { while sem_trywait(semaphore) != 0 { await Task.yield() } }
}
