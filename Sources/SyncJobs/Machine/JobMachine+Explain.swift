// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What people want to know of jobs.
extension JobMachine {
    /// Says what a job is doing, or why it is doing nothing.
    ///
    /// - Parameters:
    ///   - name: the job.
    ///   - at: the present time.
    /// - Returns: the reason.
    /// - Throws: ``JobError/Code/unknownJob``.
    /// - Complexity: O(w) for w jobs that wait before it.
    public func explain(_ name: JobName, at: JobTime) throws(JobError) -> Explanation {
        let handle = try known(name)
        switch records[handle.index].phase {
        case .absent:
            throw JobError(.unknownJob, "there is no job \(name)")
        case .running(let run):
            return explainRun(handle, run)
        case .backingOff(let run):
            let zone = records[handle.index].spec.timing.zone
            let until = run.retryDue.map { zone.text(of: $0) } ?? "soon"
            return explanation(
                handle, .backoff(run: run.number, attempt: run.attempt), since: run.stepStarted, until: run.retryDue,
                "attempt \(run.attempt) of run \(run.number.number) failed; it waits until \(until) before the next one"
            )
        case .waitingForRetry(let run):
            return explainWaiting(handle, since: run.retryDue)
        case .paused(let hold):
            return explainHold(handle, .paused, hold, "paused")
        case .disabled(let hold):
            return explainHold(handle, .disabled, hold, "disabled")
        case .waitingForSlot, .waitingForWindow, .idle:
            if isStopping {
                return explanation(handle, .workerStopping, "does not start: the worker is stopping")
            }
            return explainSchedule(handle, at)
        }
    }

    private func explainSchedule(_ handle: JobHandle, _ at: JobTime) -> Explanation {
        let record = records[handle.index]
        guard let due = record.due else {
            if case .manual = record.spec.timing.trigger {
                return explanation(handle, .manualOnly, "runs only when somebody starts it")
            }
            return explanation(handle, .neverDue, "has no further due time")
        }
        let zone = record.spec.timing.zone
        let by: String? = if case .command(let by) = record.dueCause, !by.isEmpty { by } else { nil }
        if case .idle = record.phase, due > at {
            if case .failures(let failures) = record.dueCause {
                let runs = failures == 1 ? "the last run" : "\(failures) runs in a row"
                return explanation(
                    handle, .dueAfterFailures(failures), since: record.lastEnded, until: due,
                    "is tried again at \(zone.text(of: due)) because \(runs) failed")
            }
            return explanation(handle, .due, since: record.lastEnded, until: due, "is due at \(zone.text(of: due))")
        }
        guard record.spec.timing.isOpen(at: at) else {
            let opening = record.spec.timing.opening(from: at)
            let text = opening.map { "opens at \(zone.text(of: $0))" } ?? "does not open within a month"
            return explanation(
                handle, .window, since: due, until: opening, by: by, "is due and waits for its window, which \(text)")
        }
        return explainWaiting(handle, since: due, by: by)
    }

    private func explainWaiting(_ handle: JobHandle, since: JobTime?, by: String? = nil) -> Explanation {
        let upstream = upstreams[records[handle.index].upstream.index]
        if let limit = upstream.limit, !upstream.hasRoom {
            return explanation(
                handle, .upstreamLimit(upstream: upstream.name, limit: limit), since: since, by: by,
                "is due and waits: \(upstream.name) has \(upstream.running) runs of at most \(limit)")
        }
        let key = waitingKey(handle)
        let before = upstreams.reduce(0) { $0 + ($1.hasRoom ? $1.waiting.count(before: key) : 0) }
        return explanation(
            handle, .waitingForSlot(position: before + 1, slots: limits.slots), since: since, by: by,
            "is due and waits for one of \(limits.slots) slots; it is number \(before + 1) in the queue")
    }

    private func explainRun(_ handle: JobHandle, _ run: JobRun) -> Explanation {
        let number = run.number.number
        if let ending = run.ending {
            if ending == .removal {
                return explanation(
                    handle, .removing(run: run.number), since: run.stepStarted,
                    "is no longer configured; run \(number) is being ended")
            }
            return explanation(
                handle, .ending(run: run.number, step: run.step, isForced: run.isForced), since: run.stepStarted,
                by: ending.by, Self.text("is ending run \(number), asked", by: ending.by ?? "the worker"))
        }
        let attempt = run.attempt == 0 ? "before its first attempt" : "in attempt \(run.attempt)"
        let what = run.step.hookPhase.map { "the \($0) hooks" } ?? run.step.words
        return explanation(
            handle, .running(run: run.number, attempt: run.attempt, step: run.step, isForced: run.isForced),
            since: run.started, "is running: run \(number) is at \(what) \(attempt)")
    }

    private func explainHold(
        _ handle: JobHandle, _ reason: Explanation.Reason, _ hold: JobHold, _ word: String
    ) -> Explanation {
        let since = hold.since.map { " since " + records[handle.index].spec.timing.zone.text(of: $0) } ?? ""
        let text = Self.text("is \(word)", by: hold.by) + since
        return explanation(handle, reason, since: hold.since, by: hold.by.isEmpty ? nil : hold.by, text)
    }

    private func explanation(
        _ handle: JobHandle, _ reason: Explanation.Reason, since: JobTime? = nil, until: JobTime? = nil,
        by: String? = nil, _ text: String
    ) -> Explanation {
        let record = records[handle.index]
        return Explanation(
            state: record.state, reason: reason, since: since, until: until, by: by,
            text: "\(record.spec.name) \(text).")
    }
}

extension JobRun.Ending {
    /// Who asked for the end, when that is known.
    var by: String? {
        let by =
            switch self {
            case .pause(let hold), .disable(let hold): hold.by
            case .restart(_, let by, _), .resume(let by): by
            case .shutdown, .removal: ""
            }
        return by.isEmpty ? nil : by
    }
}

extension JobStep {
    /// What happens in the step, for sentences.
    var words: String {
        switch self {
        case .execute: "its command"
        case .publish: "the publication of its result"
        case .beforeJob, .beforeAttempt, .afterAttempt, .afterSuccess, .afterFailure: "its hooks"
        }
    }
}
