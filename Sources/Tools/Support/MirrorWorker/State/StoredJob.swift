// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import SyncJobs

/// What a worker remembers of a mirror from one start to the next.
struct StoredJob: Codable, Hashable, Sendable {
    /// The mirror.
    var name: String
    /// Its public state, as every manager was or will be told.
    var state: String
    /// When it came into this state, in milliseconds since 1970.
    var changed: Int64
    /// The run of the state, and its attempt.
    var run: UInt64?
    var attempt = 0
    /// When the run began, when a run last ended, and when one last ended well; milliseconds since 1970.
    var started: Int64?
    var ended: Int64?
    var succeeded: Int64?
    /// Who asked for the state that it has, when somebody did.
    var by: String?
    /// The size, when it is known, in the words that people see.
    var size: String?
    /// Why the last run failed.
    var message = ""
    var failure: String?
    /// How many runs in a row have failed.
    var failedRuns = 0
    /// Whether the configuration no longer has it: what a manager remembers of it is then no wish of anybody.
    var isRemoved = false

    /// What is known of a mirror that never ran.
    init(name: JobName) {
        self.name = name.text
        self.state = JobState.none.rawValue
        self.changed = 0
    }

    /// The state as a value.
    var jobState: JobState { JobState(rawValue: state) ?? .none }
}
