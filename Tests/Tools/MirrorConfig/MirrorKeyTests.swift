// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import NodeSupport
@testable import MirrorConfig
import SyncJobs
import Testing

/// Every key of a mirror: what is written, and what holds.
@Suite struct MirrorKeyTests {
    @Test(arguments: [
        ("", "name", #""m""#), ("", "provider", #""rsync""#), ("provider = \"rsync\"", "provider", #""rsync""#),
        ("provider = \"\"", "provider", #""rsync""#),
        ("provider = \"command\"\ncommand = \"x\"", "provider", #""command""#),
        ("provider = \"two-stage-rsync\"\nstage1_profile = \"debian\"", "provider", #""two-stage-rsync""#),
        ("", "upstream", #""rsync://h/m/""#), ("", "interval", "60"), ("interval = 5", "interval", "5"),
        ("interval = 0", "interval", "60"), ("", "retry", "2"), ("retry = 7", "retry", "7"),
        ("retry = 0", "retry", "2"), ("", "timeout", "0"), ("timeout = 3600", "timeout", "3600"),
        ("", "mirror_dir", #""/data/m""#), ("mirror_dir = \"/x/y\"", "mirror_dir", #""/x/y""#),
        ("mirror_dir = \"/x//y/./\"", "mirror_dir", #""/x/y""#), ("mirror_dir = \"\"", "mirror_dir", #""/data/m""#),
        ("mirror_subdir = \"sub/dir\"", "mirror_dir", #""/data/sub/dir/m""#),
        ("mirror_subdir = \"/sub/\"", "mirror_dir", #""/data/sub/m""#),
        ("", "log_dir", #""/log/m""#), ("log_dir = \"/l/{{ .Name }}/x\"", "log_dir", #""/l/m/x""#),
        ("log_dir = \"\"", "log_dir", #""/log/m""#),
        ("log_dir = \"/l/{{.Role}}\"\nrole = \"slave\"", "log_dir", #""/l/slave""#),
        ("log_dir = \"/l/{{.Env.A}}\"\nenv = { A = \"b\" }", "log_dir", #""/l/b""#),
        ("[mirrors.env]\nA = \"1\"\nB = \"\"", "env.A", #""1""#),
        ("[mirrors.env]\nA = \"1\"\nB = \"\"", "env.B", #""""#),
        ("", "role", #""master""#), ("role = \"slave\"", "role", #""slave""#),
        ("role = \"master\"", "role", #""master""#),
        ("", "publish", #""direct""#), ("publish = \"atomic\"", "publish", #""atomic""#),
        ("exec_on_success = [\"a\", \"b c\"]", "exec_on_success", #"["a", "b c"]"#),
        ("exec_on_success = [\"a\"]\nexec_on_success_extra = [\"b\"]", "exec_on_success", #"["a", "b"]"#),
        ("exec_on_failure = [\"a\"]\nexec_on_failure_extra = [\"b\"]", "exec_on_failure", #"["a", "b"]"#),
        ("exec_before_job = [\"a\"]", "exec_before_job", #"["a"]"#),
        ("exec_before = [\"a\"]", "exec_before", #"["a"]"#),
        ("exec_after = [\"a\"]", "exec_after", #"["a"]"#), ("hook_timeout = 9", "hook_timeout", "9"),
        ("success_exit_codes = [3, 1, 3]", "success_exit_codes", "[1, 3]"),
        ("success_exit_codes = [3]\nrsync_success_exit_codes = [24, 3]", "success_exit_codes", "[3, 24]"),
        ("", "command", #""""#), ("command = \"/opt/rsync\"", "command", #""/opt/rsync""#),
        ("username = \"u\"", "username", #""u""#), ("password = \"p\"", "password", "(secret)"),
        ("use_ipv4 = true", "use_ipv4", "true"), ("use_ipv6 = true", "use_ipv6", "true"), ("", "use_ipv4", "false"),
        ("", "rsync_timeout", "120"), ("rsync_timeout = 7", "rsync_timeout", "7"),
        ("rsync_timeout = 0", "rsync_timeout", "120"),
        ("rsync_no_timeout = true", "rsync_no_timeout", "true"), ("rsync_no_timeout = false", "rsync_timeout", "120"),
        ("rsync_options = [\"-z\"]", "rsync_options", #"["-z"]"#),
        ("rsync_override = [\"-a\"]", "rsync_override", #"["-a"]"#),
        ("rsync_override = [\"-a\"]\nrsync_override_only = true", "rsync_override_only", "true"),
        ("upstream_group = \"Tier1\"", "upstream_group", #""tier1""#), ("", "upstream_group", #""h""#),
        ("priority = -3", "priority", "-3"), ("guard = { min_files = 9 }", "guard.min_files", "9"),
        ("guard = { max_shrink_percent = 9, max_delete_percent = 8 }", "guard.max_shrink_percent", "9"),
        ("guard = { max_shrink_percent = 9, max_delete_percent = 8 }", "guard.max_delete_percent", "8"),
        ("log_keep = { count = 4 }", "log_keep.count", "4"), ("log_keep = { age_days = 4 }", "log_keep.age_days", "4"),
        ("log_keep = { total_size = \"1.5G\" }", "log_keep.total_size", #""1536M""#),
        ("log_keep = { total_size = 1000 }", "log_keep.total_size", #""1000""#),
        ("log_keep = { plain = 0 }", "log_keep.plain", "0"), ("", "log_keep.count", "10"),
    ]) func isReadAsItIsMeant(lines: String, key: String, expected: String) throws {
        let outcome = try ConfigFolder().mirror(lines)
        #expect(try outcome.field(key) == expected, "\(outcome.told)")
        #expect(outcome.problems.allSatisfy { $0.severity != .error })
    }

    @Test(arguments: [
        "guard = { min_files = 0, max_shrink_percent = 100, max_delete_percent = 100 }",
        "log_keep = { age_days = 0, total_size = 0 }", "username = \"\"\npassword = \"\"", "exclude_file = \"\"",
        "memory_limit = 0\ncpu_limit = 0\nio_weight = 0\npids_limit = 0", "memory_limit = \"\"", "docker_image = \"\"",
        "fail_on_match = \"\"", "snapshot_path = \"\"", "success_exit_codes = []", "rsync_options = []",
        "use_ipv4 = false\nuse_ipv6 = false", "rsync_override_only = false", "stage1_profile = \"\"",
    ]) func emptyValuesAreLikeNoneAtAll(lines: String) throws {
        let folder = try ConfigFolder()
        let plain = try folder.mirror("").mirror()
        let outcome = try folder.mirror(lines)
        #expect(try outcome.mirror() == plain)
        #expect(outcome.problems.allSatisfy { $0.message.contains("no effect") }, "\(outcome.told)")
    }

    @Test func patternsAndSizesOfCommands() throws {
        let outcome = try ConfigFolder().mirror(
            """
            provider = "command"
            command = "/bin/x 'a b' --c"
            fail_on_match = 'ERROR: (.*)'
            size_pattern = 'Total size is ([0-9.]+[KMGTP]?)'
            """)
        let mirror = try outcome.mirror()
        #expect(mirror.failOnMatch == "ERROR: (.*)")
        #expect(mirror.sizePattern == "Total size is ([0-9.]+[KMGTP]?)")
        #expect(CommandWords.split(mirror.command) == ["/bin/x", "a b", "--c"])
        #expect(outcome.told.isEmpty)
    }

    @Test func stageProfilesAreBuiltInOrOnesOwn() throws {
        let outcome = try ConfigFolder().mirrors(
            """
            [stage_profiles.mine]
            include = ["a/"]
            exclude = ["b", "c"]
            [[mirrors]]
            provider = "two-stage-rsync"
            [[mirrors.mirrors]]
            name = "new"
            upstream = "rsync://h/a/"
            stage1_profile = "debian"
            [[mirrors.mirrors]]
            name = "old"
            upstream = "rsync://h/b/"
            stage1_profile = "debian-oldstyle"
            [[mirrors.mirrors]]
            name = "own"
            upstream = "rsync://h/c/"
            stage1_profile = "mine"
            """)
        #expect(outcome.told.isEmpty)
        #expect(try outcome.mirror("new").rsync.stage1 == .debian)
        #expect(try outcome.mirror("old").rsync.stage1 == .debianOldStyle)
        #expect(try outcome.mirror("own").rsync.stage1?.excludes == ["b", "c"])
        #expect(try outcome.mirror("own").rsync.stage1?.includes == ["a/"])
        #expect(try outcome.origin("stage1_profile", of: "own") == ["worker.conf:28", "worker.conf:12"])
    }

    @Test(
        arguments: [
            ("\"256M\"", 268_435_456), ("\"1GiB\"", 1_073_741_824), ("\"1g\"", 1_073_741_824), ("\"512 kb\"", 524_288),
            ("\"1.5G\"", 1_610_612_736), ("4096", 4096), ("\"4096\"", 4096), ("\"2TB\"", 2_199_023_255_552),
        ] as [(String, Int64)]) func memoryIsCountedInBinaryUnits(text: String, bytes: Int64) throws
    {
        let outcome = try ConfigFolder().mirrors(
            "[cgroup]\nenable = true\n[[mirrors]]\nname = \"m\"\nupstream = \"rsync://h/m/\"\nmemory_limit = \(text)\n")
        #expect(try outcome.mirror().limits.memoryBytes == bytes)
        #expect(try outcome.mirror().limits.cgroup == "")
        #expect(outcome.told.isEmpty)
    }

    @Test func limitsBelongToACgroup() throws {
        let outcome = try ConfigFolder().mirrors(
            """
            [cgroup]
            enable = true
            group = "tunasync"
            [[mirrors]]
            name = "m"
            upstream = "rsync://h/m/"
            cpu_limit = 1.5
            io_weight = 10
            pids_limit = 64
            """)
        let limits = try outcome.mirror().limits
        #expect(limits.cgroup == "tunasync")
        #expect(limits.cpuMillis == 1500)
        #expect(limits.ioWeight == 10)
        #expect(limits.maximumProcesses == 64)
        #expect(try outcome.field("cpu_limit") == "\"1.5\"")
        #expect(outcome.told.isEmpty)
    }

    @Test func containersHaveTheVolumesOfAllAndTheirOwn() throws {
        let outcome = try ConfigFolder().mirrors(
            """
            [docker]
            enable = true
            program = "podman"
            volumes = ["/a:/a"]
            options = ["-x"]
            [[mirrors]]
            name = "m"
            upstream = "rsync://h/m/"
            docker_image = "i:1"
            docker_volumes = ["/b:/b"]
            docker_options = ["-y"]
            [[mirrors]]
            name = "n"
            upstream = "rsync://h/n/"
            """)
        let container = try #require(try outcome.mirror().container)
        #expect(
            container
                == ContainerSettings(
                    program: "podman", image: "i:1", volumes: ["/a:/a", "/b:/b"], options: ["-x", "-y"]))
        #expect(try outcome.mirror("n").container == nil)
        #expect(try outcome.origin("docker_volumes") == ["worker.conf:15", "worker.conf:21"])
        #expect(outcome.told.isEmpty)
    }

    @Test func fileSystemsWithSnapshots() throws {
        let outcome = try ConfigFolder().mirrors(
            """
            [zfs]
            enable = true
            zpool = "tank"
            keep_snapshots = 7
            [btrfs_snapshot]
            enable = true
            snapshot_path = "/snap"
            [[mirrors]]
            name = "m"
            upstream = "rsync://h/m/"
            [[mirrors]]
            name = "n"
            upstream = "rsync://h/n/"
            snapshot_path = "/own/n"
            """)
        #expect(try outcome.mirror().zfs == ZFSSettings(pool: "tank", keptSnapshots: 7))
        #expect(try outcome.mirror().btrfs == BtrfsSettings(snapshotPath: "/snap/m"))
        #expect(try outcome.mirror("n").btrfs == BtrfsSettings(snapshotPath: "/own/n"))
        #expect(outcome.told.isEmpty)
    }

    @Test func exitCodesOfFourListsAreJoined() throws {
        let text = ConfigFolder.base.replacing(
            "concurrent = 2",
            with: "concurrent = 2\ndangerous_global_success_exit_codes = [1, 2]\n"
                + "dangerous_global_rsync_success_exit_codes = [2, 23]")
        let outcome = try ConfigFolder().worker(
            text + """
                [[mirrors]]
                name = "m"
                upstream = "rsync://h/m/"
                success_exit_codes = [3]
                rsync_success_exit_codes = [24]
                [[mirrors]]
                name = "c"
                provider = "command"
                command = "x"
                upstream = "u"
                success_exit_codes = [3]
                """)
        #expect(try outcome.mirror().successExitCodes == [1, 2, 3, 23, 24])
        #expect(try outcome.mirror("c").successExitCodes == [1, 2, 3])
        #expect(try outcome.origin("success_exit_codes").count == 4)
    }

    @Test func optionsOfAllComeBeforeOnesOwnForRsyncOnly() throws {
        let text = ConfigFolder.base.replacing(
            "concurrent = 2", with: "concurrent = 2\nrsync_options = [\"--a\"]")
        let outcome = try ConfigFolder().worker(
            text + """
                [[mirrors]]
                name = "m"
                upstream = "rsync://h/m/"
                rsync_options = ["--b"]
                [[mirrors]]
                name = "t"
                provider = "two-stage-rsync"
                stage1_profile = "debian"
                upstream = "rsync://h/t/"
                rsync_options = ["--b"]
                """)
        #expect(try outcome.mirror().rsync.globalOptions == ["--a"])
        #expect(try outcome.mirror().rsync.options == ["--b"])
        #expect(try outcome.mirror("t").rsync.globalOptions.isEmpty)
    }

    @Test func hooksOfAllAreForMirrorsWithoutTheirOwn() throws {
        let text = ConfigFolder.base.replacing(
            "concurrent = 2", with: "concurrent = 2\nexec_on_success = [\"g1\", \"g2\"]\nexec_on_failure = [\"f\"]")
        let outcome = try ConfigFolder().worker(
            text + """
                [[mirrors]]
                name = "m"
                upstream = "rsync://h/m/"
                exec_on_success_extra = ["x"]
                [[mirrors]]
                name = "n"
                upstream = "rsync://h/n/"
                exec_on_success = []
                """)
        // In the order in which they are written: tunasync ran the last one first.
        #expect(try outcome.mirror().hooks.onSuccess == ["g1", "g2", "x"])
        #expect(try outcome.mirror().hooks.onFailure == ["f"])
        #expect(try outcome.mirror("n").hooks.onSuccess.isEmpty)
    }
}
