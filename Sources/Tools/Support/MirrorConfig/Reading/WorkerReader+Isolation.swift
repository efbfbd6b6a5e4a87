// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import NodeSupport

extension WorkerReader {
    /// Reads `[cgroup]` and `[docker]`.
    mutating func readIsolation(_ root: ConfigSection) {
        if let section = root.section("cgroup") {
            let isEnabled = section.boolean("enable")
            let group = section.text("group")
            for key in ["base_path", "subsystem"] {
                if let value = section.take(key) {
                    section.tell(
                        .warning, at: value.place, "\(key) has no effect (nor has it with tunasync); remove it")
                }
            }
            section.finish(.warning)
            if isEnabled?.value == true {
                let place = group?.place ?? isEnabled?.place ?? section.place
                defaults.cgroup = Located(group?.value ?? "", at: place)
            }
        }
        guard let section = root.section("docker") else { return }
        let isEnabled = section.boolean("enable")
        let program = section.text("program")
        let volumes = section.texts("volumes")
        let options = section.texts("options")
        section.finish(.warning)
        guard isEnabled?.value == true else { return }
        if let program, program.value.isEmpty {
            section.tell(.error, at: program.place, "program is empty; write \"docker\", \"podman\" or a path")
        }
        defaults.docker = WorkerDefaults.Docker(
            program: program ?? Located("docker", at: section.place),
            volumes: volumes ?? Located([], at: section.place), options: options ?? Located([], at: section.place))
    }

    /// Reads `[zfs]` and `[btrfs_snapshot]`.
    mutating func readFileSystems(_ root: ConfigSection) {
        if let section = root.section("zfs") {
            let isEnabled = section.boolean("enable")
            let pool = section.text("zpool")
            let kept = section.integer("keep_snapshots", in: 0...100_000)
            section.finish(.warning)
            if isEnabled?.value == true {
                if pool?.value.isEmpty ?? true {
                    section.warning(section.line, "has no zpool, so hints on how to make a file system lack its name")
                }
                defaults.zfs = Located(
                    ZFSSettings(pool: pool?.value ?? "", keptSnapshots: kept?.value ?? 0),
                    at: pool?.place ?? section.place)
            }
        }
        guard let section = root.section("btrfs_snapshot") else { return }
        let isEnabled = section.boolean("enable")
        let path = section.text("snapshot_path")
        section.finish(.warning)
        guard isEnabled?.value == true else { return }
        defaults.btrfs = path ?? Located("", at: section.place)
    }

    /// Reads `[stage_profiles.NAME]`.
    mutating func readStageProfiles(_ root: ConfigSection) {
        for (name, section) in root.sections("stage_profiles") {
            let includes = section.texts("include")
            let excludes = section.texts("exclude")
            section.finish(.warning)
            if StageProfile.builtIn[name] != nil {
                section.tell(.note, at: section.place, "takes the place of the profile of that name that is built in")
            }
            if excludes?.value.isEmpty ?? true {
                section.warning(
                    section.line, "excludes nothing, so the first stage brings everything; write exclude = [...]")
            }
            defaults.stageProfiles[name] = Located(
                StageProfile(name: name, includes: includes?.value ?? [], excludes: excludes?.value ?? []),
                at: section.place)
        }
    }
}
