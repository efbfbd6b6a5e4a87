// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import Synchronization
internal import SyncJobs

/// What a supervisor knows of a run that is going on.
final class RunContext: Sendable {
    /// What the run has brought so far.
    struct Facts: Hashable, Sendable {
        /// The attempt, from 1; 0 before the first.
        var attempt = 0
        /// How the attempt's command ended.
        var exit: ProgramEnd?
        /// The size in the words that people see.
        var size: String?
        /// The size in bytes, when that is known.
        var bytes: Int64?
        /// The number of files, when that is known.
        var files: Int64?
        /// How many files the run has deleted, as rsync tells.
        var deleted: Int64?
        /// What rsync complained about.
        var complaints: [String] = []
        /// Why the attempt failed; empty when it did not.
        var error = ""
        /// Where the attempt's part of the log begins.
        var logOffset: Int64 = 0
        /// The folder that the command works on.
        var workFolder: String?
        /// What a guard counted; it becomes what the next run is compared with.
        var count: TreeCount?
    }

    let name: JobName
    let run: RunNumber
    let mark = RunMark()
    let boot: String
    private let state = Mutex(State())

    private struct State {
        var lock: MirrorLock?
        var log: RunLog?
        var facts = Facts()
        var isFailed = false
        var isStepActive = false
        var isStopWanted = false
        var process: RunProcess?
        var waiters: [CheckedContinuation<Void, Never>] = []
        var container: RunJournal.Container?
        var cgroup: String?
    }

    init(name: JobName, run: RunNumber, boot: String) {
        self.name = name
        self.run = run
        self.boot = boot
    }

    // MARK: - Steps and stops

    /// Begins a step.
    ///
    /// - Parameter heedsEarlierStop: whether a stop that came before the step is meant for it.
    /// - Returns: false when the step is stopped already.
    func beginStep(heedsEarlierStop: Bool) -> Bool {
        state.withLock { state in
            let isStopped = state.isStopWanted && heedsEarlierStop
            state.isStopWanted = false
            state.isStepActive = !isStopped
            return !isStopped
        }
    }

    /// Ends a step and wakes those who wait for that.
    func endStep() {
        let waiters = state.withLock { state in
            state.isStepActive = false
            state.isStopWanted = false
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Asks the step that is going on, or else the next one, to end.
    func requestStop() {
        let process = state.withLock { state in
            state.isStopWanted = true
            return state.process
        }
        process?.terminate()
    }

    /// Waits until no step is going on.
    func stepIsOver() async {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                if state.isStepActive { state.waiters.append(continuation) }
                return !state.isStepActive
            }
            if isOver { continuation.resume() }
        }
    }

    /// Whether somebody asked the step to end.
    var isStopWanted: Bool { state.withLock { $0.isStopWanted } }

    /// Notes the command that is running; ends it at once when the step is to end.
    func set(process: RunProcess?) {
        let isStopWanted = state.withLock { state in
            state.process = process
            return state.isStopWanted
        }
        if isStopWanted { process?.terminate() }
    }

    /// The command that is running.
    var process: RunProcess? { state.withLock { $0.process } }

    // MARK: - What it holds

    var lock: MirrorLock? {
        get { state.withLock { $0.lock } }
        set { state.withLock { $0.lock = newValue } }
    }

    var log: RunLog? {
        get { state.withLock { $0.log } }
        set { state.withLock { $0.log = newValue } }
    }

    var container: RunJournal.Container? {
        get { state.withLock { $0.container } }
        set { state.withLock { $0.container = newValue } }
    }

    var cgroup: String? {
        get { state.withLock { $0.cgroup } }
        set { state.withLock { $0.cgroup = newValue } }
    }

    var facts: Facts { state.withLock { $0.facts } }

    /// Whether what happened last was a failure.
    var isFailed: Bool { state.withLock { $0.isFailed } }

    func note(_ change: (inout Facts) -> Void) { state.withLock { change(&$0.facts) } }

    func note(isFailed: Bool) { state.withLock { $0.isFailed = isFailed } }

    /// What is written down of the run.
    func entry() -> RunJournal.Entry {
        state.withLock { state in
            var entry = RunJournal.Entry(run: run, name: name, mark: mark, boot: boot)
            if let process = state.process {
                entry.processes = [RunJournal.Process(pid: process.pid, startTicks: process.startTicks)]
            }
            entry.container = state.container
            entry.cgroup = state.cgroup
            entry.log = state.log?.id
            return entry
        }
    }
}
