// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import NodeSupport
internal import SyncJobs

/// What a mirror may use and how its result is published.
extension MirrorReader {
    mutating func readContainer() -> ContainerSettings? {
        let image = text("docker_image")
        let volumes = section.texts("docker_volumes")
        let options = section.texts("docker_options")
        guard let image, !image.value.isEmpty else { return nil }
        guard let docker = defaults.docker else {
            report.add(
                .warning, at: image.place,
                "docker_image has no effect, because [docker] does not say enable = true: the command runs on this machine"
            )
            return nil
        }
        origins["docker.program"] = [docker.program.place]
        origins["docker_volumes"] = docker.volumes.value.isEmpty ? [] : [docker.volumes.place]
        origins["docker_options"] = docker.options.value.isEmpty ? [] : [docker.options.place]
        noteAlso("docker_volumes", volumes)
        noteAlso("docker_options", options)
        return ContainerSettings(
            program: docker.program.value, image: image.value, volumes: docker.volumes.value + (volumes?.value ?? []),
            options: docker.options.value + (options?.value ?? []))
    }

    mutating func readLimits(isContained: Bool) -> LimitSettings {
        var limits = LimitSettings()
        let memory = readMemory()
        let cpu = section.number("cpu_limit", in: 0...100_000)
        let weight = section.integer("io_weight", in: 0...10_000)
        let pids = section.integer("pids_limit", in: 0...4_194_304)
        note("memory_limit", memory)
        note("cpu_limit", cpu)
        note("io_weight", weight)
        note("pids_limit", pids)
        note("cgroup.group", defaults.cgroup)
        // 0 is no limit, so that a child can take back what its parent has.
        limits.memoryBytes = memory.flatMap { $0.value > 0 ? $0.value : nil }
        limits.cpuMillis = cpu.flatMap { $0.value > 0 ? max(1, Int(($0.value * 1000).rounded())) : nil }
        limits.ioWeight = weight.flatMap { $0.value > 0 ? $0.value : nil }
        limits.maximumProcesses = pids.flatMap { $0.value > 0 ? $0.value : nil }
        limits.cgroup = defaults.cgroup?.value
        if limits.cgroup == nil, !isContained {
            for (key, place, isSet) in [
                ("memory_limit", memory?.place, limits.memoryBytes != nil),
                ("cpu_limit", cpu?.place, limits.cpuMillis != nil),
                ("io_weight", weight?.place, limits.ioWeight != nil),
                ("pids_limit", pids?.place, limits.maximumProcesses != nil),
            ] {
                guard isSet, let place else { continue }
                report.add(
                    .warning, at: place,
                    "\(key) has no effect without enable = true in [cgroup], or a container")
            }
        }
        return limits
    }

    private func readMemory() -> Located<Int64>? {
        bytes("memory_limit", in: section)
    }

    /// A number of bytes, with or without a unit.
    func bytes(_ key: String, in section: ConfigSection) -> Located<Int64>? {
        guard let value = section.take(key) else { return nil }
        let found: Int64?
        switch value.kind {
        case .text(let text): found = text.isEmpty ? 0 : ByteCount.parse(text)
        case .integer(let number): found = number >= 0 ? Int64(number) : nil
        case .boolean, .list, .table, .fraction, .other: found = nil
        }
        guard let found else {
            section.tell(.error, at: value.place, "\(key) must be a number of bytes, such as \"256M\" or \"1.5GiB\"")
            return nil
        }
        return Located(found, at: value.place)
    }

    mutating func readSnapshots(_ name: JobName?) -> BtrfsSettings? {
        let own = text("snapshot_path")
        note("zfs.zpool", defaults.zfs)
        note("zfs.keep_snapshots", defaults.zfs)
        guard let base = defaults.btrfs else {
            if let own, !own.value.isEmpty, leaf.own.contains("snapshot_path") {
                tell(.warning, at: own.place, "snapshot_path has no effect without enable = true in [btrfs_snapshot]")
            }
            return nil
        }
        if let own, !own.value.isEmpty {
            return BtrfsSettings(snapshotPath: ConfigPaths(file: own.file).resolve(own.value))
        }
        guard let name else { return nil }
        guard !base.value.isEmpty else {
            report.add(
                .error, at: base.place, "[btrfs_snapshot] is enabled and needs snapshot_path, the folder of snapshots")
            return nil
        }
        note("snapshot_path", base)
        return BtrfsSettings(snapshotPath: ConfigPaths(file: base.file).resolve(base.value + "/" + name.text))
    }

    mutating func readPublication() -> MirrorSettings.Publication {
        note("publish", section.text("publish"))
        return ServerReading(report: report).choice("publish", in: section) ?? .direct
    }

    mutating func readSizeSource() -> MirrorSettings.SizeSource {
        note("size_from", section.text("size_from"))
        return ServerReading(report: report).choice("size_from", in: section) ?? .output
    }

    mutating func readGuards() -> GuardSettings {
        var guards = GuardSettings()
        guard let table = section.section("guard") else { return guards }
        let files = table.integer("min_files", in: 0...Int(Int32.max))
        let shrink = table.integer("max_shrink_percent", in: 0...100)
        let delete = table.integer("max_delete_percent", in: 0...100)
        note("guard.min_files", files)
        note("guard.max_shrink_percent", shrink)
        note("guard.max_delete_percent", delete)
        table.finish(.warning)
        guards.minimumFiles = files.flatMap { $0.value > 0 ? $0.value : nil }
        // 100 % lets everything go, which is no guard.
        guards.maximumShrinkPercent = shrink.flatMap { $0.value < 100 ? $0.value : nil }
        guards.maximumDeletePercent = delete.flatMap { $0.value < 100 ? $0.value : nil }
        return guards
    }

    mutating func readRetention() -> LogRetention {
        var logs = LogRetention()
        guard let table = section.section("log_keep") else { return logs }
        let count = table.integer("count", in: 1...1_000_000)
        let age = table.integer("age_days", in: 0...100_000)
        let size = bytes("total_size", in: table)
        let plain = table.integer("plain", in: 0...1_000_000)
        note("log_keep.count", count)
        note("log_keep.age_days", age)
        note("log_keep.total_size", size)
        note("log_keep.plain", plain)
        table.finish(.warning)
        if let count { logs.maximumCount = count.value }
        logs.maximumAgeDays = age.flatMap { $0.value > 0 ? $0.value : nil }
        logs.maximumTotalBytes = size.flatMap { $0.value > 0 ? $0.value : nil }
        if let plain { logs.plainCount = plain.value }
        return logs
    }
}
