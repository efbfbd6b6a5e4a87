// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CMirrorRun
internal import Glibc
internal import Synchronization

/// Takes in the orphans of runs, so that none of them can hide behind init, and clears away those that have ended.
enum OrphanReaper {
    /// How long an ended orphan is left to others of this process that may have started it.
    static let patience = Duration.seconds(5)

    private static let reaper = Mutex(false)
    private static let known = Mutex<Set<pid_t>>([])
    private static let seen = Mutex<[pid_t: ContinuousClock.Instant]>([:])

    /// Whether orphans among our descendants become our children.
    static var isReaper: Bool { reaper.withLock { $0 } }

    /// Makes this process the one that orphans among its descendants are given to.
    static func begin() {
        reaper.withLock { isReaper in
            if !isReaper { isReaper = kuiper_become_subreaper() == 0 }
        }
    }

    /// Notes a child that somebody here waits for.
    static func add(_ pid: pid_t) { known.withLock { _ = $0.insert(pid) } }

    /// Forgets a child whose end was taken note of.
    static func remove(_ pid: pid_t) { known.withLock { _ = $0.remove(pid) } }

    /// Takes note of the end of orphans that nobody waits for.
    static func sweep() {
        guard isReaper, let children = ProcessTable.ownChildren() else { return }
        let now = ContinuousClock.now
        let waited = known.withLock { $0 }
        let over = Set(children.filter { $0.isOver && !waited.contains($0.pid) }.map(\.pid))
        let due = seen.withLock { seen in
            seen = seen.filter { over.contains($0.key) }
            for pid in over where seen[pid] == nil { seen[pid] = now }
            return seen.filter { now - $0.value >= patience }.map(\.key)
        }
        for pid in due {
            var status: Int32 = 0
            // When somebody else was faster there is nothing to do.
            _ = waitpid(pid, &status, WNOHANG)
        }
    }
}
