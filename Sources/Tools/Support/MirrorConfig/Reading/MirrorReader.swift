// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import NodeSupport
internal import SyncJobs

/// A mirror that was read, with what the checks across mirrors need.
struct ReadMirror {
    let settings: MirrorSettings
    let origins: [String: [ConfigPlace]]
    /// Where it begins.
    let place: ConfigPlace
    /// Its `upstream_limit`.
    let upstreamLimit: Located<Int>?
}

/// Reads one mirror with all that it inherits.
struct MirrorReader {
    /// Minutes between runs when no `interval` is written anywhere.
    static let standardIntervalMinutes = 120
    /// The most minutes of an interval: ten years.
    static let maximumMinutes = 10 * 366 * 24 * 60
    /// Attempts when no `retry` is written anywhere.
    static let standardAttempts = 2
    /// Where logs go when no `log_dir` is written anywhere.
    static let standardLogDirectory = "/var/log/tunasync/{{.Name}}"

    let leaf: MirrorTree.Leaf
    let defaults: WorkerDefaults
    let report: ConfigReport
    let section: ConfigSection
    var origins: [String: [ConfigPlace]] = [:]
    /// For messages: which of the mirrors it is.
    var label = ""

    init(leaf: MirrorTree.Leaf, defaults: WorkerDefaults, report: ConfigReport) {
        self.leaf = leaf
        self.defaults = defaults
        self.report = report
        // The same words for every mirror that inherits a value, so that each problem is told once.
        section = ConfigSection(root: leaf.table, report: report, title: "[[mirrors]]", manual: MirrorManual.page)
    }

    /// Reads it.
    ///
    /// - Returns: The mirror; nil when it has no usable name or an error leaves a hole, which is reported.
    mutating func read() -> ReadMirror? {
        let name = readName()
        let provider = readProvider()
        let upstream = readUpstream(provider)
        let environment = readEnvironment()
        let limit = readUpstreamLimit()
        let job = readJob(name, upstream: upstream)
        let timeout = integer("timeout", in: 0...MirrorReader.maximumMinutes)
        let directory = readDirectory(name)
        let isMaster = readRole()
        let hooks = readHooks()
        let codes = readExitCodes(provider)
        let command = readCommand(provider)
        let patterns = readPatterns(provider)
        let rsync = readRsync(provider)
        let container = readContainer()
        let limits = readLimits(isContained: container != nil)
        let btrfs = readSnapshots(name)
        let publication = readPublication()
        let sizeSource = readSizeSource()
        let guards = readGuards()
        let retention = readRetention()
        let logDirectory = readLogDirectory(
            name, upstream: upstream, provider: provider, directory: directory, environment: environment)
        section.finish(.warning, inherited: leaf.inherited)
        guard let name, let job, let directory, let logDirectory else { return nil }
        var settings = MirrorSettings(
            name: name, provider: provider, upstream: upstream, job: job, timeoutSeconds: timeout ?? 0,
            directory: directory, logDirectory: logDirectory, environment: environment, isMaster: isMaster,
            hooks: hooks, successExitCodes: codes, command: command, failOnMatch: patterns.fail,
            sizePattern: patterns.size, rsync: rsync, limits: limits, container: container,
            zfs: defaults.zfs?.value, btrfs: btrfs, publication: publication, guards: guards, logs: retention)
        settings.sizeSource = sizeSource
        return ReadMirror(
            settings: settings, origins: origins, place: leaf.table.place, upstreamLimit: limit)
    }

    // MARK: Taking values

    mutating func note<Value>(_ key: String, _ found: Located<Value>?) {
        if let found { origins[key] = [found.place] }
    }

    /// Adds a further place to those that a value is made of.
    mutating func noteAlso<Value>(_ key: String, _ found: Located<Value>?) {
        if let found { origins[key, default: []].append(found.place) }
    }

    mutating func text(_ key: String) -> Located<String>? {
        let found = section.text(key)
        note(key, found)
        return found
    }

    mutating func texts(_ key: String) -> [String] {
        let found = section.texts(key)
        note(key, found)
        return found?.value ?? []
    }

    mutating func integer(_ key: String, in range: ClosedRange<Int>) -> Int? {
        let found = section.integer(key, in: range)
        note(key, found)
        return found?.value
    }

    mutating func flag(_ key: String) -> Located<Bool>? {
        let found = section.boolean(key)
        note(key, found)
        return found
    }

    /// Tells of something, with the mirror's name.
    func tell(_ severity: ConfigProblem.Severity, at place: ConfigPlace, _ message: String) {
        report.add(severity, at: place, label.isEmpty ? "[[mirrors]] \(message)" : "mirror \(label): \(message)")
    }
}
