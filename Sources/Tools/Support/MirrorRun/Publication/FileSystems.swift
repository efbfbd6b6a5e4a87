// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import MirrorConfig
internal import SyncJobs

/// The commands of file systems that have snapshots, and what is asked of folders on them.
enum FileSystems {
    /// What begins the names of the snapshots that we make, and may therefore remove.
    static let mark = "kuiper-"

    /// Refuses a mirror on zfs whose folder is not a data set of its own, and says how to make it one.
    ///
    /// - Parameter mirror: the mirror.
    /// - Throws: ``RunFailure`` of class `configuration`.
    static func requireMountPoint(_ mirror: MirrorSettings) throws(RunFailure) {
        guard let zfs = mirror.zfs else { return }
        var (own, above) = (stat(), stat())
        let isMountPoint =
            stat(mirror.directory, &own) == 0 && stat(mirror.directory + "/..", &above) == 0
            && (own.st_dev != above.st_dev || own.st_ino == above.st_ino)
        guard !isMountPoint else { return }
        let dataset = dataset(mirror, zfs)
        throw RunFailure(
            .configuration,
            "\(mirror.directory) is no mount point; make it one: zfs create -o mountpoint=\(mirror.directory) \(dataset)"
        )
    }

    /// The data set of a mirror.
    static func dataset(_ mirror: MirrorSettings, _ zfs: ZFSSettings) -> String { "\(zfs.pool)/\(mirror.name)" }

    static func snapshot(dataset: String, id: String) -> [String] { ["zfs", "snapshot", "\(dataset)@\(mark)\(id)"] }

    static func listSnapshots(_ dataset: String) -> [String] {
        ["zfs", "list", "-H", "-t", "snapshot", "-o", "name", "-s", "creation", "-d", "1", dataset]
    }

    static func destroySnapshot(_ name: String) -> [String] { ["zfs", "destroy", name] }

    /// Of the snapshots that a list names, the oldest first, those that are too many; others' are never among them.
    static func surplus(_ list: String, dataset: String, kept: Int) -> [String] {
        let ours = list.split(separator: "\n").filter { $0.hasPrefix("\(dataset)@\(mark)") }.map(String.init)
        return Array(ours.dropLast(max(1, kept)))
    }

    static func showSubvolume(_ path: String) -> [String] { ["btrfs", "subvolume", "show", path] }

    static func createSubvolume(_ path: String) -> [String] { ["btrfs", "subvolume", "create", path] }

    static func deleteSubvolume(_ path: String) -> [String] { ["btrfs", "subvolume", "delete", path] }

    static func snapshot(_ source: String, _ target: String) -> [String] {
        ["btrfs", "subvolume", "snapshot", source, target]
    }
}
