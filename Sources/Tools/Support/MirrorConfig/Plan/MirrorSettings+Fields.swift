// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import SyncJobs

extension MirrorSettings {
    /// All settings by the names that they have in configuration files; what is not set is left out.
    ///
    /// Two mirrors are equal when their fields are.
    package var fields: [SettingField] {
        [
            SettingField("name", name.text), SettingField("provider", provider.rawValue),
            SettingField("upstream", upstream),
        ] + timingFields + [
            SettingField("timeout", timeoutSeconds), SettingField("mirror_dir", directory),
            SettingField("log_dir", logDirectory), SettingField("role", isMaster ? "master" : "slave"),
            SettingField("publish", publication.rawValue),
            SettingField("size_from", sizeSource.rawValue),
        ]
            + environment.sorted { $0.key < $1.key }.map {
                SettingField("env." + $0.key, Self.isSecret($0.key) ? .secret(Secret($0.value)) : .text($0.value))
            }
            + hookFields + commandFields + rsyncFields + boundFields + guardFields
    }

    /// Whether a variable is one that people keep secrets in.
    private static func isSecret(_ variable: String) -> Bool {
        let name = variable.uppercased()
        return name.hasSuffix("KEY") || ["PASS", "PWD", "TOKEN", "SECRET", "CREDENTIAL"].contains { name.contains($0) }
    }

    private var timingFields: [SettingField] {
        var fields: [SettingField] = []
        switch job.timing.trigger {
        case .interval(let milliseconds): fields.append(SettingField("interval", Int(milliseconds / 60_000)))
        case .cron(let expression): fields.append(SettingField("schedule", expression.text))
        case .manual: fields.append(SettingField("schedule", "manual"))
        }
        fields += [
            SettingField("timezone", job.timing.zone.name), SettingField("windows", job.timing.windows.map(\.text)),
            SettingField("jitter", Int(job.timing.jitterMilliseconds / 60_000)),
            SettingField("retry", job.retry.attempts),
            SettingField("retry_backoff", Self.seconds(job.retry.backoff)),
        ]
        if let backoff = job.retry.afterFailedRun {
            fields.append(SettingField("failed_run_backoff", Self.seconds(backoff)))
        }
        fields += job.retry.attemptsByClass.sorted { $0.key.rawValue < $1.key.rawValue }.map {
            SettingField("retry_by_class." + $0.key.rawValue, $0.value)
        }
        return fields + [SettingField("priority", job.priority), SettingField("upstream_group", job.upstream)]
    }

    /// The first and the longest wait in seconds.
    private static func seconds(_ backoff: RetryPolicy.Backoff) -> SettingValue {
        .numbers([backoff.firstMilliseconds / 1000, backoff.maximumMilliseconds / 1000])
    }

    private var hookFields: [SettingField] {
        [
            SettingField("exec_before_job", hooks.beforeJob), SettingField("exec_before", hooks.beforeAttempt),
            SettingField("exec_after", hooks.afterAttempt), SettingField("exec_on_success", hooks.onSuccess),
            SettingField("exec_on_failure", hooks.onFailure), SettingField("hook_timeout", hooks.timeoutSeconds),
        ]
    }

    private var commandFields: [SettingField] {
        var fields = [
            SettingField("success_exit_codes", .numbers(successExitCodes.sorted().map(Int64.init))),
            SettingField("command", command),
        ]
        if let failOnMatch { fields.append(SettingField("fail_on_match", failOnMatch)) }
        if let sizePattern { fields.append(SettingField("size_pattern", sizePattern)) }
        return fields
    }

    private var rsyncFields: [SettingField] {
        var fields: [SettingField] = []
        if let username = rsync.username { fields.append(SettingField("username", username)) }
        if let password = rsync.password { fields.append(SettingField("password", .secret(password))) }
        if let file = rsync.excludeFile { fields.append(SettingField("exclude_file", file)) }
        fields += [
            SettingField("use_ipv4", rsync.family == .version4), SettingField("use_ipv6", rsync.family == .version6),
            SettingField("rsync_no_timeout", rsync.ioTimeoutSeconds == nil),
            SettingField("rsync_timeout", rsync.ioTimeoutSeconds ?? 0),
            SettingField("global.rsync_options", rsync.globalOptions), SettingField("rsync_options", rsync.options),
            SettingField("rsync_override", rsync.override),
            SettingField("rsync_override_only", rsync.isOverrideOnly),
        ]
        if let stage = rsync.stage1 {
            fields += [
                SettingField("stage1_profile", stage.name),
                SettingField("stage_profiles.\(stage.name).include", stage.includes),
                SettingField("stage_profiles.\(stage.name).exclude", stage.excludes),
            ]
        }
        return fields
    }

    private var boundFields: [SettingField] {
        var fields: [SettingField] = []
        if let bytes = limits.memoryBytes { fields.append(SettingField("memory_limit", ByteCount.text(bytes))) }
        if let millis = limits.cpuMillis { fields.append(SettingField("cpu_limit", Self.thousandths(millis))) }
        if let weight = limits.ioWeight { fields.append(SettingField("io_weight", weight)) }
        if let count = limits.maximumProcesses { fields.append(SettingField("pids_limit", count)) }
        if let group = limits.cgroup { fields.append(SettingField("cgroup.group", group)) }
        if let container {
            fields += [
                SettingField("docker_image", container.image), SettingField("docker.program", container.program),
                SettingField("docker_volumes", container.volumes), SettingField("docker_options", container.options),
            ]
        }
        if let zfs {
            fields += [
                SettingField("zfs.zpool", zfs.pool), SettingField("zfs.keep_snapshots", zfs.keptSnapshots),
            ]
        }
        if let btrfs { fields.append(SettingField("snapshot_path", btrfs.snapshotPath)) }
        return fields
    }

    private var guardFields: [SettingField] {
        var fields: [SettingField] = []
        if let count = guards.minimumFiles { fields.append(SettingField("guard.min_files", count)) }
        if let percent = guards.maximumShrinkPercent {
            fields.append(SettingField("guard.max_shrink_percent", percent))
        }
        if let percent = guards.maximumDeletePercent {
            fields.append(SettingField("guard.max_delete_percent", percent))
        }
        fields.append(SettingField("log_keep.count", logs.maximumCount))
        if let days = logs.maximumAgeDays { fields.append(SettingField("log_keep.age_days", days)) }
        if let bytes = logs.maximumTotalBytes {
            fields.append(SettingField("log_keep.total_size", ByteCount.text(bytes)))
        }
        fields.append(SettingField("log_keep.plain", logs.plainCount))
        return fields
    }

    private static func thousandths(_ millis: Int) -> String {
        let (whole, rest) = millis.quotientAndRemainder(dividingBy: 1000)
        if rest == 0 { return String(whole) }
        var digits = String(rest + 1000).dropFirst()
        while digits.last == "0" { digits = digits.dropLast() }
        return "\(whole).\(digits)"
    }
}
