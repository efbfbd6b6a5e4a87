// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import NodeSupport

/// What the worker's sections give to each mirror.
struct WorkerDefaults {
    /// The keys of `[global]` that a mirror has when it does not write its own.
    static let inheritedKeys: Set<String> = [
        "interval", "retry", "timeout", "exec_on_success", "exec_on_failure", "log_dir",
        "schedule", "timezone", "windows", "jitter", "priority", "retry_backoff", "failed_run_backoff",
        "retry_by_class", "publish", "size_from",
        "guard",
        "log_keep", "exec_before_job", "exec_before", "exec_after", "hook_timeout", "memory_limit", "cpu_limit",
        "io_weight", "pids_limit",
    ]

    /// The base of directories.
    var mirrorDirectory: Located<String>?
    var logDirectory: Located<String>?
    var intervalMinutes: Located<Int>?
    var retry: Located<Int>?
    var rsyncOptions: Located<[String]>?
    var successExitCodes: Located<[Int]>?
    var rsyncSuccessExitCodes: Located<[Int]>?
    var docker: Docker?
    /// The parent cgroup; nil when cgroups are not used.
    var cgroup: Located<String>?
    var zfs: Located<ZFSSettings>?
    /// Where snapshots of btrfs go.
    var btrfs: Located<String>?
    /// The machine's time zones.
    let zones = ZoneCache()
    var stageProfiles: [String: Located<StageProfile>] = [:]

    /// `[docker]` when it is enabled.
    struct Docker {
        var program: Located<String>
        var volumes: Located<[String]>
        var options: Located<[String]>
    }
}
