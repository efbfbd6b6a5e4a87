// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

@testable import SyncJobs

/// What a manager makes of reports, and whether they come in a legal order.
struct ReportLedger {
    /// What is known of a job.
    struct Row {
        var state = JobState.none
        var lastEnded: JobTime?
        var lastSuccess: JobTime?
        var failure: FailureClass?
        var heldSince: JobTime?
        /// The run that has no final report yet.
        var openRun: RunNumber?
        var attempt = 0
        var runs = 0
    }

    private(set) var rows: [JobName: Row] = [:]
    private(set) var latestRun = RunNumber(0)
    /// The first rule that was broken.
    private(set) var complaint: String?

    /// What a worker is told of a job when it takes it over.
    func history(_ name: JobName) -> JobHistory? {
        guard let row = rows[name] else { return nil }
        return JobHistory(
            state: row.state, lastEnded: row.lastEnded, lastSuccess: row.lastSuccess, failure: row.failure,
            heldSince: row.heldSince, interruptedRun: row.openRun)
    }

    mutating func forget(_ name: JobName) {
        if rows[name]?.openRun != nil { complain("\(name) was removed during its run") }
        if rows[name]?.state != .disabled {
            complain("\(name) was removed as \(rows[name]?.state.rawValue ?? "unknown")")
        }
        rows[name] = nil
    }

    mutating func take(_ report: JobReport, at: JobTime) {
        var row = rows[report.name] ?? Row()
        defer { rows[report.name] = row }
        let former = row.state
        row.state = report.state
        guard let run = report.run else {
            if row.openRun != nil { complain("\(report.name) is \(report.state.rawValue) without its run") }
            if report.isFinal { complain("the end of no run of \(report.name)") }
            guard [.none, .paused, .disabled].contains(report.state), former != report.state else {
                return complain("\(report.name) is \(report.state.rawValue) after \(former.rawValue) without a run")
            }
            row.heldSince = report.state == .none ? nil : at
            return
        }
        if report.state == .preSyncing {
            if run <= latestRun { complain("run \(run.number) began again") }
            if row.openRun != nil { complain("\(report.name) began a run in another one") }
            (row.openRun, row.attempt, row.runs, latestRun) = (run, 0, row.runs + 1, max(run, latestRun))
            return
        }
        guard row.openRun == run else {
            return complain("\(report.name) tells of run \(run.number), which is not open")
        }
        switch report.state {
        case .syncing:
            if former == .syncing || report.attempt != row.attempt + 1 { complain("\(report.name) skips an attempt") }
            row.attempt = report.attempt
        case .success:
            if former != .syncing || !report.isFinal { complain("\(report.name) succeeds after \(former.rawValue)") }
            (row.lastSuccess, row.lastEnded, row.failure) = (at, at, nil)
        case .failed:
            if former == .failed, !report.isFinal { complain("\(report.name) fails twice") }
            (row.lastEnded, row.failure) = (at, report.failure)
            if report.failure == nil { complain("\(report.name) fails without a kind") }
        case .paused, .disabled:
            if !report.isFinal { complain("\(report.name) is held in its run") }
            (row.lastEnded, row.heldSince) = (at, at)
        case .none, .preSyncing:
            complain("\(report.name) is \(report.state.rawValue) in its run")
        }
        if report.isFinal { row.openRun = nil }
    }

    private mutating func complain(_ text: String) { complaint = complaint ?? text }
}
