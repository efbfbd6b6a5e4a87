// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import NodeSupport
internal import SyncJobs

/// When a mirror runs.
extension MirrorReader {
    /// Reads all that the scheduler must know.
    ///
    /// - Returns: The specification; nil when the mirror has no usable name.
    mutating func readJob(_ name: JobName?, upstream: String) -> JobSpec? {
        let priority = integer("priority", in: -1_000_000...1_000_000) ?? 0
        let timing = readTiming()
        let retry = readRetry()
        let group = readGroup(upstream)
        return name.map { JobSpec(name: $0, timing: timing, retry: retry, priority: priority, upstream: group) }
    }

    /// What limits per upstream count the mirror under.
    private mutating func readGroup(_ upstream: String) -> String {
        if let found = text("upstream_group") { return found.value.lowercased() }
        origins["upstream_group"] = origins["upstream"]
        return UpstreamHost.of(upstream)
    }

    mutating func readUpstreamLimit() -> Located<Int>? {
        let found = section.integer("upstream_limit", in: 1...100_000)
        note("upstream_limit", found)
        return found
    }

    mutating func readInterval() -> Int {
        let found = section.integer("interval", in: 0...Self.maximumMinutes)
        if let found, found.value > 0 {
            note("interval", found)
            return found.value
        }
        if let standard = defaults.intervalMinutes, standard.value > 0 {
            note("interval", standard)
            return standard.value
        }
        let place = found?.place ?? leaf.table.place
        tell(
            .warning, at: place,
            "has no interval, so \(Self.standardIntervalMinutes) minutes are taken (tunasync would start again at once); "
                + "write interval, or schedule = \"manual\"")
        return Self.standardIntervalMinutes
    }

    private mutating func readRetry() -> RetryPolicy {
        var found = section.integer("retry", in: 0...1000)
        if found?.value == 0 { found = defaults.retry }
        note("retry", found)
        let attempts = found.map { $0.value == 0 ? Self.standardAttempts : $0.value } ?? Self.standardAttempts
        var policy = RetryPolicy(attempts: attempts)
        if let backoff = readBackoff("retry_backoff", longestSeconds: 3600) { policy.backoff = backoff }
        policy.afterFailedRun = readBackoff("failed_run_backoff", longestSeconds: 86_400)
        readAttemptsByClass(into: &policy)
        return policy
    }

    /// A wait that grows: a number of seconds, or `{ first = 30, max = 600 }`.
    ///
    /// - Returns: The waits; nil when there are none.
    private mutating func readBackoff(_ key: String, longestSeconds: Int) -> RetryPolicy.Backoff? {
        let range = 0...Self.maximumMinutes
        guard let value = section.take(key) else { return nil }
        origins[key] = [value.place]
        let first: Int
        var longest = longestSeconds
        if case .table = value.kind {
            guard let table = section.section(key) else { return nil }
            let start = table.requiredInteger("first", in: range)
            if let end = table.integer("max", in: range) {
                longest = end.value
                if let start, end.value < start.value {
                    table.tell(.error, at: end.place, "max is \(end.value), which is less than first, \(start.value)")
                }
            }
            table.finish(.warning)
            first = start?.value ?? 0
        } else {
            first = section.integer(key, in: range)?.value ?? 0
        }
        guard first > 0 else { return nil }
        return RetryPolicy.Backoff(
            firstMilliseconds: Int64(first) * 1000, maximumMilliseconds: Int64(max(first, longest)) * 1000)
    }

    private mutating func readAttemptsByClass(into policy: inout RetryPolicy) {
        guard let table = section.section("retry_by_class") else { return }
        for failure in FailureClass.allCases {
            guard let attempts = table.integer(failure.rawValue, in: 1...1000) else { continue }
            policy.attemptsByClass[failure] = attempts.value
            note("retry_by_class." + failure.rawValue, attempts)
        }
        table.finish(.warning)
    }
}
