// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import MirrorConfig
internal import SyncJobs

/// The environment of a mirror's commands: the names that scripts for tunasync know, and a few more.
enum RunEnvironment {
    /// What a mirror's command gets on top of what it inherits.
    ///
    /// - Parameters:
    ///   - mirror: the mirror.
    ///   - facts: what is known of the run.
    ///   - log: the path of the run's log.
    /// - Returns: names and values.
    static func command(_ mirror: MirrorSettings, _ facts: RunContext.Facts, log: String) -> [String: String] {
        var variables = shared(mirror, facts, log: log)
        if mirror.provider != .command {
            if let username = mirror.rsync.username { variables["USER"] = username }
            if let password = mirror.rsync.password { variables["RSYNC_PASSWORD"] = password.value }
        }
        return variables.merging(mirror.environment) { $1 }
    }

    /// What a hook gets on top of what it inherits; not the mirror's own environment.
    static func hook(
        _ mirror: MirrorSettings, _ facts: RunContext.Facts, log: String, isFailed: Bool
    ) -> [String: String] {
        var variables = shared(mirror, facts, log: log)
        variables["TUNASYNC_JOB_EXIT_STATUS"] = isFailed ? "failure" : "success"
        variables["KUIPER_ERROR"] = facts.error
        variables["KUIPER_SIZE"] = facts.size ?? ""
        variables["KUIPER_EXIT_CODE"] = facts.exit.map { String($0.shellCode) } ?? ""
        return variables
    }

    private static func shared(
        _ mirror: MirrorSettings, _ facts: RunContext.Facts, log: String
    ) -> [String: String] {
        [
            "TUNASYNC_MIRROR_NAME": mirror.name.text,
            "TUNASYNC_WORKING_DIR": facts.workFolder ?? mirror.directory,
            "TUNASYNC_UPSTREAM_URL": mirror.upstream,
            "TUNASYNC_LOG_DIR": mirror.logDirectory,
            "TUNASYNC_LOG_FILE": log,
            "KUIPER_ATTEMPT": String(facts.attempt),
        ]
    }
}
