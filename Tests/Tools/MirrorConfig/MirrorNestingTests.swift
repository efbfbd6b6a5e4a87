// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

@testable import MirrorConfig
import NodeSupport
import SyncJobs
import Testing

/// Mirrors in mirrors.
@Suite struct MirrorNestingTests {
    @Test func onlyTheInnermostAreMirrorsAndInheritAtAnyDepth() throws {
        var text = ""
        var header = "mirrors"
        for depth in 0..<20 {
            text += "[[\(header)]]\nname = \"d\(depth)\"\ninterval = \(depth + 1)\n"
            if depth == 0 { text += "upstream = \"rsync://h/u/\"\nenv = { A = \"0\" }\n" }
            header += ".mirrors"
        }
        let outcome = try ConfigFolder().mirrors(text)
        #expect(outcome.told.isEmpty)
        #expect(outcome.configuration?.settings.mirrors.map(\.name.text) == ["d19"])
        #expect(try outcome.field("interval", of: "d19") == "20")
        #expect(try outcome.mirror("d19").environment == ["A": "0"])
        #expect(try outcome.origin("upstream", of: "d19") == ["worker.conf:15"])
    }

    @Test func aChildCanChooseRsyncUnderAnotherParent() throws {
        let outcome = try ConfigFolder().mirrors(
            """
            [[mirrors]]
            provider = "command"
            command = "/bin/parent"
            upstream = "https://h/"
            [[mirrors.mirrors]]
            name = "c"
            [[mirrors.mirrors]]
            name = "r"
            provider = "rsync"
            command = ""
            upstream = "rsync://h/r/"
            """)
        #expect(try outcome.mirror("c").provider == .command)
        #expect(try outcome.mirror("r").provider == .rsync)
        #expect(try outcome.mirror("r").command.isEmpty)
        #expect(outcome.told.isEmpty)
    }

    @Test func aChildCanSetValuesBackToFalseZeroAndEmpty() throws {
        let outcome = try ConfigFolder().mirrors(
            """
            [cgroup]
            enable = true
            [[mirrors]]
            name = "parent"
            upstream = "rsync://h/p/"
            timeout = 100
            use_ipv6 = true
            rsync_no_timeout = true
            exec_on_success = ["x"]
            memory_limit = "1G"
            rsync_options = ["-z"]
            username = "u"
            role = "slave"
            retry = 9
            interval = 7
            mirror_dir = "/elsewhere"
            guard = { min_files = 5, max_shrink_percent = 5 }
            env = { A = "1", B = "2" }
            [[mirrors.mirrors]]
            name = "same"
            [[mirrors.mirrors]]
            name = "back"
            timeout = 0
            use_ipv6 = false
            rsync_no_timeout = false
            exec_on_success = []
            memory_limit = ""
            rsync_options = []
            username = ""
            role = ""
            retry = 0
            interval = 0
            mirror_dir = ""
            guard = { min_files = 0 }
            env = { A = "", C = "3" }
            """)
        let same = try outcome.mirror("same")
        #expect(same.timeoutSeconds == 100 && same.rsync.family == .version6 && same.rsync.ioTimeoutSeconds == nil)
        #expect(same.hooks.onSuccess == ["x"] && same.limits.memoryBytes == 1 << 30 && !same.isMaster)
        #expect(same.job.retry.attempts == 9 && same.directory == "/elsewhere" && same.rsync.username == "u")
        let back = try outcome.mirror("back")
        #expect(back.timeoutSeconds == 0 && back.rsync.family == .any && back.rsync.ioTimeoutSeconds == 120)
        #expect(back.hooks.onSuccess.isEmpty && back.limits.memoryBytes == nil && back.isMaster)
        #expect(back.job.retry.attempts == 2 && back.directory == "/data/back" && back.rsync.username == nil)
        #expect(back.job.timing.trigger == .interval(milliseconds: 3_600_000))
        #expect(back.rsync.options.isEmpty)
        #expect(back.guards.minimumFiles == nil && back.guards.maximumShrinkPercent == 5)
        #expect(back.environment == ["A": "", "B": "2", "C": "3"])
        #expect(same.environment == ["A": "1", "B": "2"], "a child's variables are its own")
    }

    @Test func theAddressFamilyIsOneChoice() throws {
        let outcome = try ConfigFolder().mirrors(
            """
            [[mirrors]]
            upstream = "rsync://h/p/"
            use_ipv4 = true
            [[mirrors.mirrors]]
            name = "four"
            [[mirrors.mirrors]]
            name = "six"
            use_ipv6 = true
            """)
        #expect(try outcome.mirror("four").rsync.family == .version4)
        #expect(try outcome.mirror("six").rsync.family == .version6)
        #expect(outcome.told.isEmpty)
    }

    @Test func aLonelyChildMayHaveTheNameOfItsParent() throws {
        let outcome = try ConfigFolder().mirrors(
            "[[mirrors]]\nname = \"p\"\n[[mirrors.mirrors]]\nupstream = \"rsync://h/p/\"\n")
        #expect(try outcome.mirror("p").upstream == "rsync://h/p/")
        let two = try ConfigFolder().mirrors(
            "[[mirrors]]\nname = \"p\"\nupstream = \"rsync://h/p/\"\n[[mirrors.mirrors]]\ninterval = 1\n[[mirrors.mirrors]]\ninterval = 2\n"
        )
        #expect(two.configuration == nil)
        #expect(
            two.told.contains { $0.contains("mirror p: this name is taken already at worker.conf:13") }, "\(two.told)")
    }

    @Test func nestingIsBounded() throws {
        var text = ""
        var header = "mirrors"
        for _ in 0..<70 {
            text += "[[\(header)]]\n"
            header += ".mirrors"
        }
        let outcome = try ConfigFolder().mirrors(text)
        #expect(outcome.told.contains { $0.contains("mirrors are nested more than 64 deep") })
    }

    @Test func inlineTablesAreMirrorsToo() throws {
        let text =
            "mirrors = [{ name = \"a\", upstream = \"rsync://h/a/\" },\n"
            + " { upstream = \"rsync://h/b/\", mirrors = [{ name = \"b\", interval = 3 }] }]\n" + ConfigFolder.base
        let outcome = try ConfigFolder().worker(text)
        #expect(outcome.configuration?.settings.mirrors.map(\.name.text) == ["a", "b"])
        #expect(try outcome.origin("interval", of: "b") == ["worker.conf:2"])
    }

    @Test func everyValueKnowsItsLine() throws {
        let outcome = try ConfigFolder().mirrors(
            """
            [[mirrors]]
            upstream = "rsync://h/p/"
            env = { A = "1" }
            exec_on_success = ["x"]
            [[mirrors.mirrors]]
            name = "c"
            retry = 4
            mirror_subdir = "sub"
            exec_on_success_extra = ["y"]
            [mirrors.mirrors.env]
            B = "2"
            """)
        for (key, expected) in [
            ("name", ["17"]), ("upstream", ["13"]), ("env.A", ["14"]), ("env.B", ["22"]), ("retry", ["18"]),
            ("interval", ["6"]), ("log_dir", ["3"]), ("mirror_dir", ["4", "19"]), ("exec_on_success", ["15", "20"]),
            ("timeout", []),
        ] {
            #expect(try outcome.origin(key, of: "c") == expected.map { "worker.conf:" + $0 }, "\(key)")
        }
        let configuration = try #require(outcome.configuration)
        let settings = configuration.effectiveSettings(of: try outcome.mirror("c"))
        #expect(settings.first { $0.key == "timeout" }?.description == "timeout = 0  # standard")
    }
}
