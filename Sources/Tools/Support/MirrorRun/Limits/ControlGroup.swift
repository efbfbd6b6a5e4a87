// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import Logging
internal import MirrorConfig
internal import SyncJobs

/// A cgroup (version 2) of one run: limits for all its processes together, and one switch that ends them all.
///
/// The parent group must exist, be writable for the worker, and have no process of its own; systemd's `Delegate=yes` or an
/// administrator sees to that. There is no other way to limit a run: rlimits bind each process alone, so a run that asks for
/// limits where no cgroup is writable fails and says why.
struct ControlGroup: Sendable {
    /// The folder of the group.
    let path: String

    /// How often an emptied group is tried to be removed: the kernel lets go of its processes a moment after they end.
    static let removals = 200

    /// Makes a group for a run and sets its limits.
    ///
    /// - Parameters:
    ///   - limits: the limits, with the parent group.
    ///   - parent: the parent group: a path, or a name below the place where version 2 is mounted.
    ///   - name: what the group is called.
    /// - Throws: ``RunFailure`` of class `configuration` when the parent is not there, not writable, or lacks a controller.
    init(_ limits: LimitSettings, parent: String, name: String) throws(RunFailure) {
        let root = try Self.folder(of: parent)
        let wanted = Self.values(limits)
        try Self.enable(Set(wanted.map(\.controller)), in: root)
        path = "\(root)/\(name)"
        if mkdir(path, 0o755) != 0, errno != EEXIST {
            throw RunFailure(.configuration, "cannot make the cgroup \(path): \(SystemText.error(errno))")
        }
        do throws(RunFailure) {
            for value in wanted { try Self.set("\(path)/\(value.file)", value.text) }
        } catch {
            _ = rmdir(path)
            throw error
        }
    }

    /// A plan whose program is in the group from its first instruction on: a shell that goes there becomes the program.
    ///
    /// - Parameter plan: what to start.
    /// - Returns: the plan to start in its place.
    /// - Throws: ``RunFailure`` when there is no such program.
    func enclosing(_ plan: LaunchPlan) throws(RunFailure) -> LaunchPlan {
        var arguments = plan.arguments
        arguments[0] = try Spawn.find(arguments.first ?? "", plan)
        let script = "echo 0 >\"$1\" || exit 125; shift; exec \"$@\""
        var enclosed = plan
        enclosed.arguments = ["/bin/sh", "-c", script, "sh", "\(path)/cgroup.procs"] + arguments
        return enclosed
    }

    /// What is written to which file of a group (Documentation/admin-guide/cgroup-v2.rst).
    static func values(_ limits: LimitSettings) -> [(controller: String, file: String, text: String)] {
        var values: [(controller: String, file: String, text: String)] = []
        if let bytes = limits.memoryBytes { values.append(("memory", "memory.max", String(bytes))) }
        if let millis = limits.cpuMillis { values.append(("cpu", "cpu.max", "\(millis * 100) 100000")) }
        if let weight = limits.ioWeight { values.append(("io", "io.weight", "default \(weight)")) }
        if let count = limits.maximumProcesses { values.append(("pids", "pids.max", String(count))) }
        return values
    }

    /// Ends all processes of a group, also of groups inside it, and removes it.
    ///
    /// - Returns: whether it is gone.
    @discardableResult
    static func remove(_ path: String) -> Bool {
        for attempt in 0..<removals {
            if access(path, F_OK) != 0 { return true }
            // Kernels before 5.14 have no switch; what is left there is found by its mark.
            if let descriptor = opened("\(path)/cgroup.kill") {
                _ = Descriptors.write(Array("1".utf8), to: descriptor)
                close(descriptor)
            }
            for name in SmallFile.names(in: path) where access("\(path)/\(name)/cgroup.procs", F_OK) == 0 {
                _ = rmdir("\(path)/\(name)")
            }
            if rmdir(path) == 0 || errno == ENOENT { return true }
            usleep(attempt < 50 ? 1_000 : 10_000)
        }
        return false
    }

    /// Ends and removes the group of a run that is over.
    static func clear(_ path: String, logger: Logger) async {
        let result = await OwnThread.result { () throws(RunFailure) in remove(path) }
        if case .success(true) = result { return }
        logger.error("a cgroup cannot be removed", metadata: ["cgroup": "\(path)"])
    }

    /// Where version 2 is mounted and writable for us (proc_mounts(5)).
    static func mountPoint() -> String? {
        guard let bytes = SmallFile.read("/proc/self/mounts", limit: 1 << 20) else { return nil }
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let fields = line.split(separator: " ")
            if fields.count > 2, fields[2] == "cgroup2" { return String(fields[1]) }
        }
        return nil
    }

    private static func folder(of parent: String) throws(RunFailure) -> String {
        guard let mount = mountPoint() else {
            throw RunFailure(.configuration, "limits need cgroup version 2, which this host has not mounted")
        }
        if parent.isEmpty { return try own(mount) }
        let path = (parent + "/").hasPrefix(mount + "/") ? parent : "\(mount)/\(parent.drop { $0 == "/" })"
        guard !parent.split(separator: "/").contains(".."), access("\(path)/cgroup.procs", W_OK) == 0 else {
            throw RunFailure(
                .configuration,
                "limits need a cgroup that the worker may write to; \(path) is not one: \(SystemText.error(errno))")
        }
        return path
    }

    /// The worker's own group, which must be empty to have limited groups inside: the worker moves into one of them.
    private static func own(_ mount: String) throws(RunFailure) -> String {
        let bytes = SmallFile.read("/proc/self/cgroup", limit: 1 << 16) ?? []
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        guard let line = lines.first(where: { $0.hasPrefix("0::/") }) else {
            throw RunFailure(.configuration, "limits need cgroup version 2, and the worker is in no such group")
        }
        var path = mount + String(line.dropFirst(3))
        while path.hasSuffix("/") { path.removeLast() }
        // A process in the topmost group does no harm; elsewhere it keeps controllers from the groups inside.
        if path == mount { return path }
        let inner = "/__worker"
        if path.hasSuffix(inner) { return String(path.dropLast(inner.utf8.count)) }
        if mkdir(path + inner, 0o755) != 0, errno != EEXIST {
            throw RunFailure(.configuration, "cannot make the cgroup \(path)\(inner): \(SystemText.error(errno))")
        }
        for pid in words(SmallFile.read("\(path)/cgroup.procs", limit: 1 << 20) ?? []) {
            // One that has just ended needs no move.
            if pid_t(pid).map({ kill($0, 0) }) == 0 { try set("\(path)\(inner)/cgroup.procs", pid) }
        }
        return path
    }

    private static func enable(_ controllers: Set<String>, in root: String) throws(RunFailure) {
        let control = "\(root)/cgroup.subtree_control"
        let enabled = words(SmallFile.read(control, limit: 4096) ?? [])
        for controller in controllers.subtracting(enabled).sorted() { try set(control, "+\(controller)") }
    }

    private static func words(_ bytes: [UInt8]) -> [String] {
        bytes.split { $0 == 0x20 || $0 == 0x0a }.map { String(decoding: $0, as: UTF8.self) }
    }

    private static func set(_ file: String, _ text: String) throws(RunFailure) {
        guard let descriptor = opened(file) else {
            throw RunFailure(.configuration, "cannot set the limit \(file): \(SystemText.error(errno))")
        }
        defer { close(descriptor) }
        let code = Descriptors.write(Array(text.utf8), to: descriptor)
        if code != 0 {
            throw RunFailure(.configuration, "cannot set \(file) to \(text): \(SystemText.error(code))")
        }
    }

    private static func opened(_ file: String) -> Int32? {
        let descriptor = open(file, O_WRONLY | O_CLOEXEC)
        return descriptor >= 0 ? descriptor : nil
    }
}
