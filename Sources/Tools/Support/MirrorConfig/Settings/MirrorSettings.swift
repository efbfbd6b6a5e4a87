// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import SyncJobs

/// One mirror as the worker runs it: everything inherited, expanded and checked.
package struct MirrorSettings: Hashable, Sendable {
    /// What brings the content.
    package enum Provider: String, Hashable, Sendable, CaseIterable {
        case rsync
        case twoStageRsync = "two-stage-rsync"
        case command
    }

    /// How the result becomes visible.
    package enum Publication: String, Hashable, Sendable, CaseIterable {
        /// The command writes where people read, as tunasync does.
        case direct
        /// The command writes into a copy that takes the place of what people read after success, in one atomic switch.
        case atomic
    }

    /// What tells a mirror's size.
    package enum SizeSource: String, Hashable, Sendable, CaseIterable {
        /// What the command printed: `size_pattern`, or rsync's statistics.
        case output
        /// The files, counted after each run.
        case files
    }

    package var name: JobName
    package var provider: Provider
    package var upstream: String
    /// Due times, retries, priority, and the upstream that limits count.
    package var job: JobSpec
    /// The longest time of an attempt in seconds; 0 is none.
    package var timeoutSeconds: Int
    /// Where the content is.
    package var directory: String
    package var logDirectory: String
    package var environment: [String: String]
    package var isMaster: Bool
    /// Shell commands in the order in which they run.
    package var hooks: HookSettings
    package var successExitCodes: Set<Int32>
    /// The command line of the provider `command`, or the program of the rsync kinds, which is `rsync` when this is empty.
    package var command: String
    package var failOnMatch: String?
    package var sizePattern: String?
    package var rsync: RsyncSettings
    package var limits: LimitSettings
    /// Nothing when the mirror runs outside of containers.
    package var container: ContainerSettings?
    package var zfs: ZFSSettings?
    package var btrfs: BtrfsSettings?
    package var publication: Publication
    package var guards: GuardSettings
    package var logs: LogRetention
    /// What tells the mirror's size.
    package var sizeSource = SizeSource.output

    /// Describes a mirror that has the standard values but for what is given.
    ///
    /// - Parameters:
    ///   - name: its name.
    ///   - provider: what brings the content.
    ///   - upstream: where from.
    ///   - directory: where to.
    ///   - logDirectory: where its logs go.
    ///   - job: when it runs; every two hours when nothing is given.
    ///   - command: the command line.
    package init(
        name: JobName, provider: Provider, upstream: String, directory: String, logDirectory: String,
        job: JobSpec? = nil, command: String = ""
    ) {
        self.init(
            name: name, provider: provider, upstream: upstream,
            job: job ?? JobSpec(name: name, timing: JobTiming(trigger: .interval(milliseconds: 7_200_000))),
            timeoutSeconds: 0, directory: directory, logDirectory: logDirectory, environment: [:], isMaster: true,
            hooks: HookSettings(), successExitCodes: [], command: command, failOnMatch: nil, sizePattern: nil,
            rsync: RsyncSettings(), limits: LimitSettings(), container: nil, zfs: nil, btrfs: nil, publication: .direct,
            guards: GuardSettings(), logs: LogRetention())
    }

    init(
        name: JobName, provider: Provider, upstream: String, job: JobSpec, timeoutSeconds: Int, directory: String,
        logDirectory: String, environment: [String: String], isMaster: Bool, hooks: HookSettings,
        successExitCodes: Set<Int32>, command: String, failOnMatch: String?, sizePattern: String?,
        rsync: RsyncSettings, limits: LimitSettings, container: ContainerSettings?, zfs: ZFSSettings?,
        btrfs: BtrfsSettings?, publication: Publication, guards: GuardSettings, logs: LogRetention
    ) {
        self.name = name
        self.provider = provider
        self.upstream = upstream
        self.job = job
        self.timeoutSeconds = timeoutSeconds
        self.directory = directory
        self.logDirectory = logDirectory
        self.environment = environment
        self.isMaster = isMaster
        self.hooks = hooks
        self.successExitCodes = successExitCodes
        self.command = command
        self.failOnMatch = failOnMatch
        self.sizePattern = sizePattern
        self.rsync = rsync
        self.limits = limits
        self.container = container
        self.zfs = zfs
        self.btrfs = btrfs
        self.publication = publication
        self.guards = guards
        self.logs = logs
    }
}
