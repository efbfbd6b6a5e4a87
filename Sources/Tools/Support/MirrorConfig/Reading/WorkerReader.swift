// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import NodeSupport
internal import SyncJobs

/// Reads a worker's sections.
struct WorkerReader {
    /// The port when `listen_port` is not written.
    static let standardPort = 6000
    /// Where state is kept when `state_dir` is not written; the worker's name is a folder in it.
    static let standardStateDirectory = "/var/lib/kuiper/mirror"

    let report: ConfigReport
    var origins: [String: [ConfigPlace]] = [:]
    var defaults = WorkerDefaults()
    var reading: ServerReading { ServerReading(report: report) }

    init(report: ConfigReport) { self.report = report }

    /// Reads everything.
    ///
    /// - Returns: The configuration; nil when an error that was reported leaves a hole.
    mutating func read(
        _ root: ConfigSection, mirrors: [ConfigValue], files: [String]
    ) -> WorkerConfiguration? {
        let global = root.section("global")
        if global == nil { root.missing("[global]") }
        let base = readGlobal(global)
        let managers = readManagers(root.section("manager"), root: root)
        let server = readServer(root.section("server"))
        readIsolation(root)
        readFileSystems(root)
        readStageProfiles(root)
        let limits = readLimits(root.section("limits"))
        let tokens = reading.tokens(root)
        let log = reading.log(root)
        noteShared(root)
        root.finish(.warning)
        checkAccess(tokens: tokens, server: server, root: root)

        let tree = MirrorTree(mirrors, base: base, report: report)
        if tree.leaves.isEmpty, mirrors.isEmpty {
            report.add(.warning, at: root.place, "there are no [[mirrors]], so there is nothing to do")
        }
        var read: [ReadMirror] = []
        for leaf in tree.leaves {
            var reader = MirrorReader(leaf: leaf, defaults: defaults, report: report)
            if let mirror = reader.read() { read.append(mirror) }
        }
        let checks = MirrorChecks(mirrors: read, report: report)
        checks.run()
        var upstreamLimits = limits.byHost
        checks.collectUpstreamLimits(into: &upstreamLimits)
        guard let global, let name = readName(global) else {
            global?.finish(.warning)
            return nil
        }
        note("name", name)
        var settings = WorkerSettings(
            name: name.value, stateDirectory: readStateDirectory(global, name: name.value), server: server.listen,
            managers: managers, mirrors: read.map(\.settings))
        settings.concurrent = readConcurrent(global)
        settings.upstreamLimits = upstreamLimits
        settings.upstreamDefault = limits.standard
        settings.advertisedURL = server.advertisedURL
        settings.hostname = server.hostname
        settings.log = log
        settings.allowsLegacy = server.allowsLegacy
        settings.tokens = tokens
        global.finish(.warning)
        guard !report.hasErrors else { return nil }
        return WorkerConfiguration(
            settings: settings, files: files, origins: origins,
            mirrorOrigins: Dictionary(read.map { ($0.settings.name, $0.origins) }) { first, _ in first })
    }
}
