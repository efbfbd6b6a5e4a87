// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// When a job is due.
public struct JobTiming: Hashable, Sendable {
    /// What makes it due.
    public enum Trigger: Hashable, Sendable {
        /// So many milliseconds after the end of the last run; 0 means at once.
        case interval(milliseconds: Int64)
        /// At the times of a cron expression.
        case cron(CronExpression)
        /// Only when somebody starts it.
        case manual
    }

    /// What makes it due.
    public var trigger: Trigger
    /// The time zone of cron expressions and windows.
    public var zone: TimeZoneRules
    /// A due job starts only inside one of these windows; none means at any time.
    public var windows: [TimeWindow]
    /// A due time is put off by a random part of so many milliseconds.
    public var jitterMilliseconds: Int64

    /// Creates a timing.
    ///
    /// - Parameters:
    ///   - trigger: what makes the job due.
    ///   - zone: the time zone of cron expressions and windows.
    ///   - windows: when it may start; none means at any time.
    ///   - jitterMilliseconds: by how much at most a due time is put off.
    public init(
        trigger: Trigger, zone: TimeZoneRules = .utc, windows: [TimeWindow] = [], jitterMilliseconds: Int64 = 0
    ) {
        self.trigger = trigger
        self.zone = zone
        self.windows = windows
        self.jitterMilliseconds = jitterMilliseconds
    }
}
