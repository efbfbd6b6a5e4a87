// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CMirrorRun
internal import Glibc
internal import MirrorConfig
internal import SyncJobs

extension RunSupervisor {
    /// Makes the folder that the mirror is in, or checks it where a file system has a say.
    func prepareFolder(_ mirror: MirrorSettings) async throws(RunFailure) {
        if mirror.zfs != nil {
            try FileSystems.requireMountPoint(mirror)
        } else if mirror.btrfs != nil {
            try await prepareSubvolume(mirror)
        } else {
            try Folders.make(mirror.directory, mode: 0o755)
        }
    }

    /// Makes the tree that the command works on, when people do not read that very tree.
    func prepareResult(_ mirror: MirrorSettings, _ context: RunContext) async throws(RunFailure) {
        guard mirror.publication == .atomic else { return }
        let publication = try AtomicPublication(mirror.directory)
        let isSharing = mirror.provider != .command && !RsyncArguments.writesInPlace(mirror)
        let isReady = try await OwnThread.run { () throws(RunFailure) in
            try publication.prepare(isSharing ? .share : .separate) { context.isStopWanted }
        }
        guard isReady else { throw RunFailure(.interrupted, "stopped while the tree was copied") }
        context.note { $0.workFolder = publication.next }
    }

    /// Throws away a result that must not be published.
    func discardResult(_ mirror: MirrorSettings) async throws(RunFailure) {
        guard mirror.publication == .atomic else { return }
        let publication = try AtomicPublication(mirror.directory)
        try await OwnThread.run { () throws(RunFailure) in try publication.discard() }
    }

    /// Makes the result visible, and remembers how much it was.
    func publish(_ mirror: MirrorSettings, _ context: RunContext) async throws(RunFailure) {
        if mirror.publication == .atomic {
            let publication = try AtomicPublication(mirror.directory)
            try await OwnThread.run { () throws(RunFailure) in try publication.publish() }
            context.note { $0.workFolder = nil }
        }
        if let btrfs = mirror.btrfs { try await publishSnapshot(mirror, btrfs) }
        if let zfs = mirror.zfs, zfs.keptSnapshots > 0 { try await keepSnapshot(mirror, zfs, context) }
        let facts = context.facts
        if let count = facts.count { try PublishedResult(directory).write(count, mirror.name) }
    }

    // MARK: - File systems

    private func prepareSubvolume(_ mirror: MirrorSettings) async throws(RunFailure) {
        if access(mirror.directory, F_OK) == 0 {
            try await administer(FileSystems.showSubvolume(mirror.directory), .configuration)
            return
        }
        let parent = mirror.directory.lastIndex(of: "/").map { String(mirror.directory[..<$0]) } ?? "."
        if !parent.isEmpty { try Folders.make(parent, mode: 0o755) }
        try await administer(FileSystems.createSubvolume(mirror.directory), .configuration)
    }

    /// Puts a new snapshot in the place of the old one; at no time is there none.
    private func publishSnapshot(_ mirror: MirrorSettings, _ btrfs: BtrfsSettings) async throws(RunFailure) {
        let place = btrfs.snapshotPath
        let fresh = "\(place).kuiper-next"
        if access(fresh, F_OK) == 0 { try await administer(FileSystems.deleteSubvolume(fresh), .permanent) }
        try await administer(FileSystems.snapshot(mirror.directory, fresh), .permanent)
        guard access(place, F_OK) == 0 else {
            if rename(fresh, place) == 0 { return }
            throw RunFailure.system("rename \(fresh)", errno)
        }
        guard kuiper_rename_exchange(fresh, place) == 0 else {
            throw RunFailure.system("let \(fresh) take the place of \(place)", errno)
        }
        try await administer(FileSystems.deleteSubvolume(fresh), .permanent)
    }

    /// Makes a snapshot and removes the oldest of those that we made.
    private func keepSnapshot(
        _ mirror: MirrorSettings, _ zfs: ZFSSettings, _ context: RunContext
    ) async throws(RunFailure) {
        let dataset = FileSystems.dataset(mirror, zfs)
        let id = LogName.id(seconds: Int64(time(nil)), number: 0)
        try await administer(FileSystems.snapshot(dataset: dataset, id: "\(id)-\(context.run.number)"), .permanent)
        let listed = try await administer(FileSystems.listSnapshots(dataset), .permanent)
        for name in FileSystems.surplus(listed, dataset: dataset, kept: zfs.keptSnapshots) {
            try await administer(FileSystems.destroySnapshot(name), .permanent)
        }
    }

    @discardableResult
    private func administer(_ arguments: [String], _ failure: FailureClass) async throws(RunFailure) -> String {
        let (status, output) = try await ShortCommand.run(arguments, environment: settings.environment)
        guard status == .exited(0) else {
            let text = output.split(separator: "\n").joined(separator: "; ")
            throw RunFailure(failure, "\(arguments.joined(separator: " ")): \(status.text): \(text)")
        }
        return output
    }
}
