// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import MirrorWire
internal import SyncJobs

/// Joins what the worker and a manager remember of a mirror.
///
/// The worker's own memory is the newer one where it has not told everything yet. Else a state that a person asked for wins, whoever
/// remembers it: a manager notes `stop` and `disable` before it delivers them, and a manager may have lost its records. So a paused or disabled
/// mirror stays so.
enum Memory {
    /// Joins both memories.
    ///
    /// - Parameters:
    ///   - name: the mirror.
    ///   - own: what the worker remembers.
    ///   - row: what a manager remembers.
    ///   - isUntold: whether the manager was not told everything of the mirror.
    /// - Returns: what holds from now on; nothing for a mirror that nobody knows.
    static func join(_ name: JobName, own: StoredJob?, row: MirrorStatus?, isUntold: Bool) -> StoredJob? {
        guard let row else { return own.flatMap { $0.isRemoved ? nil : $0 } }
        guard var job = own, !job.isRemoved else {
            var job = StoredJob(name: name)
            // What was removed from the configuration was told as disabled, which nobody has asked for.
            let wasRemoved = own?.isRemoved == true && row.status == .disabled
            job.state = (wasRemoved ? JobState.none : row.status).rawValue
            job.message = row.errorMessage
            return addTimes(of: row, to: job)
        }
        if isUntold { return job }
        if rank(row.status) > rank(job.jobState) {
            job.state = row.status.rawValue
            job.by = nil
            job.changed = 0
        }
        return addTimes(of: row, to: job)
    }

    /// What the machine is told of a mirror.
    ///
    /// - Parameters:
    ///   - job: what is remembered.
    ///   - interruptedRun: the run of which something was left by a dead worker.
    /// - Returns: the machine's form.
    static func history(of job: StoredJob, interruptedRun: RunNumber?) -> JobHistory {
        // A run that was under way by its state, though nothing of it was left.
        let isUnderWay = job.jobState == .syncing || job.jobState == .preSyncing
        let run = interruptedRun ?? (isUnderWay ? job.run.map { RunNumber($0) } : nil)
        return JobHistory(
            state: job.jobState, lastEnded: job.ended.map { JobTime(milliseconds: $0) },
            lastSuccess: job.succeeded.map { JobTime(milliseconds: $0) },
            failure: job.failure.flatMap { FailureClass(rawValue: $0) }, failedRuns: job.failedRuns,
            heldBy: job.by ?? "", heldSince: job.changed > 0 ? JobTime(milliseconds: job.changed) : nil,
            interruptedRun: run)
    }

    /// How much a state is somebody's will.
    private static func rank(_ state: JobState) -> Int {
        switch state {
        case .disabled: 2
        case .paused: 1
        case .none, .failed, .success, .syncing, .preSyncing: 0
        }
    }

    private static func addTimes(of row: MirrorStatus, to job: StoredJob) -> StoredJob {
        var job = job
        if !row.lastEnded.isNever { job.ended = max(job.ended ?? .min, row.lastEnded.jobTime.milliseconds) }
        if !row.lastUpdate.isNever { job.succeeded = max(job.succeeded ?? .min, row.lastUpdate.jobTime.milliseconds) }
        if job.size == nil, MirrorStatus.isKnown(size: row.size) { job.size = row.size }
        return job
    }
}
