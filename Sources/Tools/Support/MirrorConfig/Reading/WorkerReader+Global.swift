// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import NodeSupport
internal import SyncJobs

extension WorkerReader {
    /// Remembers where a value was written.
    mutating func note<Value>(_ name: String, _ found: Located<Value>?) {
        if let found { origins[name] = [found.place] }
    }

    /// Remembers where logging and tokens are written.
    mutating func noteShared(_ root: ConfigSection) {
        if let log = root.section("log") {
            for key in ["format", "level"] { note("log." + key, log.text(key)) }
        }
        for section in root.tables("tokens") {
            guard let name = section.text("name")?.value else { continue }
            note("tokens.\(name).token", section.text("token") ?? section.text("token_file"))
            note("tokens.\(name).role", section.text("role"))
            note("tokens.\(name).scope", section.texts("scope"))
        }
    }

    /// Reads what `[global]` gives to the mirrors.
    ///
    /// - Returns: The keys that all mirrors inherit.
    mutating func readGlobal(_ section: ConfigSection?) -> [String: ConfigValue] {
        guard let section else { return [:] }
        defaults.mirrorDirectory = section.text("mirror_dir")
        defaults.rsyncOptions = section.texts("rsync_options")
        let codes = Int(Int32.min)...Int(Int32.max)
        defaults.successExitCodes = section.integers("dangerous_global_success_exit_codes", in: codes)
        defaults.rsyncSuccessExitCodes = section.integers("dangerous_global_rsync_success_exit_codes", in: codes)
        defaults.retry = section.integer("retry", in: 0...1000)
        defaults.logDirectory = section.text("log_dir")
        if case .integer? = section.take("interval")?.kind {
            defaults.intervalMinutes = section.integer("interval", in: 0...MirrorReader.maximumMinutes)
        }
        var base: [String: ConfigValue] = [:]
        for key in WorkerDefaults.inheritedKeys {
            if let value = section.take(key) { base[key] = value }
        }
        return base
    }

    /// The worker's name, which managers put into paths of addresses.
    func readName(_ section: ConfigSection) -> Located<String>? {
        guard let name = section.requiredText("name") else { return nil }
        guard JobName(name.value) != nil else {
            section.tell(
                .error, at: name.place,
                "name is \"\(Shown.short(name.value))\" and cannot be: managers put it into paths, so it has 1 to 255 "
                    + "bytes, no / and no control character, does not begin with - and is neither . nor ..")
            return nil
        }
        return name
    }

    /// How many runs there may be at one time.
    mutating func readConcurrent(_ section: ConfigSection) -> Int {
        let found = section.integer("concurrent", in: 0...100_000)
        note("concurrent", found)
        guard let found else {
            if !section.has("concurrent") {
                section.tell(
                    .note, at: section.place,
                    "has no concurrent, so \(WorkerSettings.standardConcurrent) mirrors run at one time (with tunasync none would)"
                )
            }
            return WorkerSettings.standardConcurrent
        }
        guard found.value > 0 else {
            section.tell(
                .warning, at: found.place,
                "concurrent is 0, which would let nothing run; \(WorkerSettings.standardConcurrent) is taken; disable mirrors to "
                    + "stop them")
            return WorkerSettings.standardConcurrent
        }
        return found.value
    }

    /// Where what must outlive the worker is kept.
    mutating func readStateDirectory(_ section: ConfigSection, name: String) -> String {
        let found = section.text("state_dir")
        note("state_dir", found)
        guard let found, !found.value.isEmpty else { return Self.standardStateDirectory + "/" + name }
        return ConfigPaths(file: found.file).resolve(found.value)
    }

    /// Limits per upstream: `[limits] upstream = { host = 2 }` and `upstream_default`.
    mutating func readLimits(_ section: ConfigSection?) -> (byHost: [String: Int], standard: Int?) {
        guard let section else { return ([:], nil) }
        var byHost: [String: Int] = [:]
        if let table = section.section("upstream") {
            for key in table.keys {
                guard let limit = table.integer(key, in: 1...100_000) else { continue }
                byHost[key.lowercased()] = limit.value
                note("limits.upstream." + key.lowercased(), limit)
            }
        }
        let standard = section.integer("upstream_default", in: 1...100_000)
        note("limits.upstream_default", standard)
        section.finish(.warning)
        return (byHost, standard?.value)
    }
}
