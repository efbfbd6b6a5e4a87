// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The hooks of a mirror, each a list of commands in the order in which they run.
package struct HookSettings: Hashable, Sendable {
    package var beforeJob: [String] = []
    package var beforeAttempt: [String] = []
    package var afterAttempt: [String] = []
    package var onSuccess: [String] = []
    package var onFailure: [String] = []
    /// The longest time of one hook in seconds; 0 is none.
    package var timeoutSeconds = 0

    package init() {}
}

/// What only the rsync providers need.
package struct RsyncSettings: Hashable, Sendable {
    package enum Family: Hashable, Sendable { case any, version4, version6 }

    package var username: String?
    package var password: Secret?
    package var excludeFile: String?
    package var family: Family = .any
    /// The value of `--timeout`; nothing leaves the option out.
    package var ioTimeoutSeconds: Int? = 120
    /// The worker's options, then the mirror's own.
    package var globalOptions: [String] = []
    package var options: [String] = []
    /// Takes the place of the base options when it is not empty.
    package var override: [String] = []
    /// Whether nothing but ``override`` is given.
    package var isOverrideOnly = false
    /// Of a two-stage mirror: the rules of the first stage.
    package var stage1: StageProfile?

    package init() {}
}

/// What the first stage of a two-stage mirror leaves for the second.
package struct StageProfile: Hashable, Sendable {
    package var name: String
    package var includes: [String]
    package var excludes: [String]

    package init(name: String, includes: [String], excludes: [String]) {
        self.name = name
        self.includes = includes
        self.excludes = excludes
    }
}

/// What a run may use at most; nothing is no limit.
package struct LimitSettings: Hashable, Sendable {
    package var memoryBytes: Int64?
    /// Thousandths of one processor.
    package var cpuMillis: Int?
    /// The weight of its I/O, 1 to 10,000; 100 is usual.
    package var ioWeight: Int?
    package var maximumProcesses: Int?
    /// The parent cgroup of all runs; nothing runs without cgroups.
    package var cgroup: String?

    package init() {}
}

/// A container that the command runs in.
package struct ContainerSettings: Hashable, Sendable {
    /// `docker` or `podman`, or a path.
    package var program: String
    package var image: String
    package var volumes: [String]
    package var options: [String]

    package init(program: String, image: String, volumes: [String], options: [String]) {
        self.program = program
        self.image = image
        self.volumes = volumes
        self.options = options
    }
}

/// The mirror's folder must be a mount point of zfs.
package struct ZFSSettings: Hashable, Sendable {
    package var pool: String
    /// Whether a snapshot is made after success, and how many are kept.
    package var keptSnapshots: Int

    package init(pool: String, keptSnapshots: Int) {
        self.pool = pool
        self.keptSnapshots = keptSnapshots
    }
}

/// The mirror's folder is a subvolume of btrfs; after success a snapshot of it is at `snapshotPath`.
package struct BtrfsSettings: Hashable, Sendable {
    package var snapshotPath: String

    package init(snapshotPath: String) { self.snapshotPath = snapshotPath }
}

/// What is checked before a result is published; nothing is not checked.
package struct GuardSettings: Hashable, Sendable {
    /// The least number of files.
    package var minimumFiles: Int?
    /// By how much the number of files, or the bytes, may shrink, in percent of the last published result.
    package var maximumShrinkPercent: Int?
    /// How many files a run may delete, in percent of the last published result.
    package var maximumDeletePercent: Int?

    package init() {}
}

/// How long logs of runs are kept.
package struct LogRetention: Hashable, Sendable {
    package var maximumCount = 10
    package var maximumAgeDays: Int?
    package var maximumTotalBytes: Int64?
    /// Logs older than the newest so many are compressed.
    package var plainCount = 3

    package init() {}
}

/// A text that no log and no description shows.
package struct Secret: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible {
    /// What nobody may see.
    package let value: String

    package init(_ value: String) { self.value = value }

    package var description: String { "(secret)" }
    package var debugDescription: String { "(secret)" }
}
