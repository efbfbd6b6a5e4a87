// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Glibc
import LiveTestSupport
import MirrorConfig
import SyncJobs
import Testing

@testable import MirrorRun

@Suite("File systems with snapshots", .timeLimit(.minutes(5)))
struct FileSystemTests {
    /// A program in the place of btrfs that does with plain folders what is asked of subvolumes.
    private static let btrfs = """
        #!/bin/sh
        echo "$@" >> "$0.calls"
        test "$1" = subvolume || exit 9
        case "$2" in
        show) test -d "$3";;
        create) mkdir "$3";;
        snapshot) cp -a "$3" "$4";;
        delete) rm -r "$3";;
        esac

        """

    @Test func aSnapshotTakesThePlaceOfTheOldOneWithoutAGap() async throws {
        let folder = try TemporaryDirectory("bin")
        let program = try folder.write("btrfs", Self.btrfs, mode: 0o755)
        let fixture = try RunFixture(environment: ["PATH": "\(folder.path):/usr/bin:/bin"])
        var mirror = try fixture.mirror("sh -c 'echo $KUIPER_ATTEMPT $TEXT > f'")
        let snapshot = fixture.folder.file("snapshot")
        mirror.btrfs = BtrfsSettings(snapshotPath: snapshot)
        mirror.environment = ["TEXT": "one"]
        #expect(await fixture.run(mirror) == .done(size: nil))
        #expect(try fixture.text(snapshot + "/f") == "1 one\n")
        mirror.environment = ["TEXT": "two"]
        #expect(await fixture.run(mirror, number: 2) == .done(size: nil))
        #expect(try fixture.text(snapshot + "/f") == "1 two\n")
        mirror.command = "false"
        #expect(await fixture.run(mirror, number: 3) == .failed(.transient, message: "exit status 1"))
        #expect(try fixture.text(snapshot + "/f") == "1 two\n")
        #expect(
            try fixture.text(program + ".calls").split(separator: "\n").map(String.init) == [
                "subvolume create \(mirror.directory)",
                "subvolume snapshot \(mirror.directory) \(snapshot).kuiper-next",
                "subvolume show \(mirror.directory)",
                "subvolume snapshot \(mirror.directory) \(snapshot).kuiper-next",
                "subvolume delete \(snapshot).kuiper-next", "subvolume show \(mirror.directory)",
            ])
    }

    @Test func whatBtrfsRefusesIsTheFailure() async throws {
        let folder = try TemporaryDirectory("bin")
        try folder.write("btrfs", "#!/bin/sh\necho ERROR: not a btrfs filesystem\nexit 1\n", mode: 0o755)
        let fixture = try RunFixture(environment: ["PATH": "\(folder.path):/usr/bin:/bin"])
        var mirror = try fixture.mirror("true")
        mirror.btrfs = BtrfsSettings(snapshotPath: fixture.folder.file("snapshot"))
        guard case .failed(.configuration, let message) = await fixture.run(mirror) else {
            Issue.record("it did not fail")
            return
        }
        #expect(message.hasSuffix("exit status 1: ERROR: not a btrfs filesystem"))
    }

    @Test func aFolderThatIsNoMountPointIsRefusedWithTheRemedy() async throws {
        let fixture = try RunFixture()
        var mirror = try fixture.mirror("true")
        mirror.zfs = ZFSSettings(pool: "tank", keptSnapshots: 0)
        let place = mirror.directory
        #expect(
            await fixture.run(mirror)
                == .failed(
                    .configuration,
                    message: "\(place) is no mount point; make it one: zfs create -o mountpoint=\(place) tank/mirror"))
        mirror.directory = "/proc"
        try FileSystems.requireMountPoint(mirror)
    }

    @Test func onlyOurOldestSnapshotsGo() {
        let list = "tank/a@daily\ntank/a@kuiper-1\ntank/a@kuiper-2\ntank/a@kuiper-3\ntank/ab@kuiper-0\n"
        #expect(FileSystems.surplus(list, dataset: "tank/a", kept: 2) == ["tank/a@kuiper-1"])
        #expect(FileSystems.surplus(list, dataset: "tank/a", kept: 3) == [])
        #expect(FileSystems.surplus("", dataset: "tank/a", kept: 1) == [])
    }
}
