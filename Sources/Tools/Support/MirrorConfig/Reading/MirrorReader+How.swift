// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import NodeSupport
internal import SyncJobs

/// How a mirror is brought: hooks, exit codes, options of rsync.
extension MirrorReader {
    mutating func readHooks() -> HookSettings {
        var hooks = HookSettings()
        hooks.beforeJob = texts("exec_before_job")
        hooks.beforeAttempt = texts("exec_before")
        hooks.afterAttempt = texts("exec_after")
        hooks.onSuccess = texts("exec_on_success") + extra("exec_on_success")
        hooks.onFailure = texts("exec_on_failure") + extra("exec_on_failure")
        hooks.timeoutSeconds = integer("hook_timeout", in: 0...Self.maximumMinutes) ?? 0
        return hooks
    }

    private mutating func extra(_ key: String) -> [String] {
        let found = section.texts(key + "_extra")
        noteAlso(key, found)
        return found?.value ?? []
    }

    mutating func readExitCodes(_ provider: MirrorSettings.Provider) -> Set<Int32> {
        let range = Int(Int32.min)...Int(Int32.max)
        let own = section.integers("success_exit_codes", in: range)
        let rsync = section.integers("rsync_success_exit_codes", in: range)
        var lists = [defaults.successExitCodes, own]
        if provider == .command {
            if let rsync, leaf.own.contains("rsync_success_exit_codes") {
                tell(
                    .warning, at: rsync.place,
                    "rsync_success_exit_codes has no effect with provider \"command\"; write "
                        + "success_exit_codes")
            }
        } else {
            lists += [defaults.rsyncSuccessExitCodes, rsync]
        }
        var codes: Set<Int32> = []
        for list in lists {
            noteAlso("success_exit_codes", list)
            if let list, let code = list.value.first(where: { !(0...255).contains($0) }) {
                report.add(.warning, at: list.place, "no program ends with the exit code \(code); remove it")
            }
            codes.formUnion(list?.value.map(Int32.init) ?? [])
        }
        return codes
    }

    mutating func readRsync(_ provider: MirrorSettings.Provider) -> RsyncSettings {
        var rsync = RsyncSettings()
        rsync.username = text("username").flatMap { $0.value.isEmpty ? nil : $0.value }
        let password = SecretFile(report: report).read("password", in: section)
        note("password", password)
        rsync.password = password?.value
        rsync.excludeFile = readExcludeFile()
        rsync.family = readFamily()
        rsync.ioTimeoutSeconds = readIOTimeout()
        rsync.options = texts("rsync_options")
        rsync.override = texts("rsync_override")
        let only = flag("rsync_override_only")
        rsync.isOverrideOnly = only?.value ?? false
        rsync.stage1 = readStage(provider)
        if provider == .rsync, let options = defaults.rsyncOptions {
            rsync.globalOptions = options.value
            note("global.rsync_options", options)
        }
        if let only, only.value, rsync.override.isEmpty, provider == .rsync {
            tell(
                .error, at: only.place,
                "rsync_override_only is true, but there is no rsync_override; write the options there")
        }
        checkUnused(provider)
        return rsync
    }

    /// Keys of rsync at a mirror that has another provider.
    private func checkUnused(_ provider: MirrorSettings.Provider) {
        let rsyncKeys = [
            "username", "password", "password_file", "exclude_file", "use_ipv4", "use_ipv6", "rsync_no_timeout",
            "rsync_timeout", "rsync_options",
        ]
        switch provider {
        case .rsync: break
        case .twoStageRsync:
            for key in ["rsync_override", "rsync_override_only"] where leaf.own.contains(key) { unused(key, provider) }
        case .command:
            for key in rsyncKeys + ["rsync_override", "rsync_override_only"] where leaf.own.contains(key) {
                unused(key, provider)
            }
        }
    }

    private mutating func readExcludeFile() -> String? {
        guard let found = text("exclude_file"), !found.value.isEmpty else { return nil }
        let path = ConfigPaths(file: found.file).resolve(found.value)
        if let reason = FileLook.unreadable(path) {
            report.add(.warning, at: found.place, "exclude_file: \(reason)")
        }
        return path
    }

    private mutating func readFamily() -> RsyncSettings.Family {
        let six = flag("use_ipv6")
        let four = flag("use_ipv4")
        if let six, let four, six.value, four.value {
            tell(.warning, at: four.place, "use_ipv4 is not used, because use_ipv6 is true too; keep one of them")
        }
        if six?.value == true { return .version6 }
        return four?.value == true ? .version4 : .any
    }

    private mutating func readIOTimeout() -> Int? {
        let none = flag("rsync_no_timeout")
        let seconds = section.integer("rsync_timeout", in: 0...Self.maximumMinutes)
        note("rsync_timeout", seconds)
        if let none, none.value {
            if let seconds, seconds.value > 0 {
                tell(.warning, at: seconds.place, "rsync_timeout is not used, because rsync_no_timeout is true")
            }
            origins["rsync_timeout"] = [none.place]
            return nil
        }
        guard let seconds, seconds.value > 0 else { return RsyncSettings().ioTimeoutSeconds }
        return seconds.value
    }

    private mutating func readStage(_ provider: MirrorSettings.Provider) -> StageProfile? {
        let found = text("stage1_profile")
        guard provider == .twoStageRsync else {
            if leaf.own.contains("stage1_profile") { unused("stage1_profile", provider) }
            return nil
        }
        let names = Set(StageProfile.builtIn.keys).union(defaults.stageProfiles.keys).sorted()
        let list = names.map { "\"\($0)\"" }.joined(separator: ", ")
        guard let found, !found.value.isEmpty else {
            tell(.error, at: found?.place ?? leaf.table.place, "needs stage1_profile, one of \(list)")
            return nil
        }
        if let profile = defaults.stageProfiles[found.value] {
            noteAlso("stage1_profile", profile)
            for part in ["include", "exclude"] { note("stage_profiles.\(found.value).\(part)", profile) }
            return profile.value
        }
        if let profile = StageProfile.builtIn[found.value] { return profile }
        let meant = NearMiss.suggestion(for: found.value, among: names).map { "did you mean \"\($0)\"?" }
        tell(
            .error, at: found.place,
            "stage1_profile is \"\(Shown.short(found.value))\", which is not there; " + (meant ?? "there are \(list)"))
        return nil
    }
}
