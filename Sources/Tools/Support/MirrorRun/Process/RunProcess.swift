// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import SyncJobs
internal import Synchronization

/// A program that runs for a mirror, with everything that it starts.
///
/// When it ends, by itself or because of ``terminate()``, whatever it left behind is ended too; only then the
/// waiters hear of it. Its id stays reserved until then, so no signal can reach a stranger.
final class RunProcess: Sendable {
    /// What became of it.
    enum End: Hashable, Sendable {
        /// It ended and nothing of it is left.
        case ended(ProgramEnd)
        /// It hangs in the kernel and cannot be ended now.
        case stuck
    }

    /// Its id, which is that of its group and session.
    let pid: pid_t
    /// When it started, in clock ticks since the machine did.
    let startTicks: UInt64
    private let family: ProcessFamily
    private let ending: ProcessEnding
    private let state: Mutex<State>

    private struct State {
        var end: End?
        /// The program itself has ended; what it left behind may be alive.
        var isOver = false
        /// Until when everything may end by itself.
        var deadline: ContinuousClock.Instant?
        var waiters: [CheckedContinuation<End, Never>] = []
    }

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - plan: what to start; its environment gets the mark.
    ///   - mark: what all its processes have in their environment.
    ///   - output: where its output goes.
    ///   - lock: the lock that it holds as long as it lives.
    ///   - ending: how it is ended, and what it leaves behind.
    /// - Throws: ``RunFailure`` that says what the system refused.
    init(
        _ plan: LaunchPlan, mark: RunMark, output: Int32, lock: Int32?, ending: ProcessEnding
    ) throws(RunFailure) {
        var plan = plan
        plan.environment[RunMark.variable] = mark.text
        let pid = try Spawn.start(plan, output: output, lock: lock)
        OrphanReaper.add(pid)
        self.pid = pid
        // It is our child and not waited for, so it is in the table even when it has ended.
        startTicks = ProcessTable.entry(pid)?.startTicks ?? 0
        family = ProcessFamily(leader: pid, mark: mark)
        self.ending = ending
        state = Mutex(State())
        OwnThread.start { self.watch() }
    }

    /// Waits for its end.
    func wait() async -> End {
        await withCheckedContinuation { continuation in
            let end = state.withLock { state -> End? in
                if state.end == nil { state.waiters.append(continuation) }
                return state.end
            }
            if let end { continuation.resume(returning: end) }
        }
    }

    /// Ends it: SIGTERM to all its processes, and SIGKILL after a while.
    ///
    /// Returns at once; calling it again changes nothing.
    func terminate() {
        let isFirst = state.withLock { state in
            guard state.end == nil, state.deadline == nil else { return false }
            state.deadline = .now + ending.grace
            return true
        }
        if isFirst { OwnThread.start { self.drive(until: .now + self.ending.grace) } }
    }

    private func drive(until deadline: ContinuousClock.Instant) {
        signalAll(SIGTERM)
        while !isOver, .now < deadline { usleep(ProcessEnding.pauseMicroseconds) }
        let last = ContinuousClock.now + ending.patience
        while !isOver, .now < last {
            signalAll(SIGKILL)
            usleep(ProcessEnding.pauseMicroseconds)
        }
        if !isOver { finish(.stuck) }
    }

    /// Runs on a thread of its own until the program has ended.
    private func watch() {
        var information = siginfo_t()
        // WNOWAIT: the id stays taken until what was left behind has been ended.
        while waitid(P_PID, id_t(pid), &information, WEXITED | WNOWAIT) != 0, errno == EINTR {}
        let deadline = state.withLock { state in
            state.isOver = true
            return state.deadline
        }
        let left = ending.end(until: deadline ?? .now + ending.grace) { family.orphans() }
        var status: Int32 = 0
        var result = waitpid(pid, &status, 0)
        while result < 0, errno == EINTR { result = waitpid(pid, &status, 0) }
        OrphanReaper.remove(pid)
        OrphanReaper.sweep()
        // Only a parent that ignores SIGCHLD loses the status; then nothing is known but that it ended.
        let ending: ProgramEnd = result == pid ? ProgramEnd(waitStatus: status) : .exited(255)
        finish(left.isEmpty ? .ended(ending) : .stuck)
    }

    private var isOver: Bool { state.withLock { $0.isOver || $0.end != nil } }

    private func signalAll(_ number: Int32) {
        // The program is not waited for before `isOver`, so its group is still its own.
        if isOver { return }
        _ = ending.send(-pid, number)
        if number == SIGTERM { _ = ending.send(-pid, SIGCONT) }
        ending.signal(number, family.members().filter { $0.group != pid })
    }

    private func finish(_ end: End) {
        let waiters = state.withLock { state in
            if state.end == nil { state.end = end }
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume(returning: end) }
    }
}
