// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import NodeSupport
import SyncJobs
import Testing

@testable import MirrorConfig

/// What is told of mirrors that are wrong or doubtful.
@Suite struct MirrorProblemTests {
    /// Lines of the mirror `m` begin on line 15.
    @Test(arguments: [
        (
            "interval = \"6\"",
            "15: error: [[mirrors]] interval must be a whole number, not a text; write it without quotes"
        ),
        ("intervall = 6", "15: warning: [[mirrors]] has no key intervall; did you mean interval?"),
        ("zzz = 6", "15: warning: [[mirrors]] has no key zzz; docs/mirror-configuration.md lists the keys"),
        ("Interval = 6", "15: warning: [[mirrors]] Interval is taken for interval; write interval"),
        ("provider = \"rsnyc\"", "15: error: [[mirrors]] provider is \"rsnyc\"; did you mean \"rsync\"?"),
        (
            "provider = \"svn\"",
            "15: error: [[mirrors]] provider is \"svn\"; it may be \"rsync\", \"two-stage-rsync\", \"command\""
        ),
        ("provider = \"command\"", "12: error: mirror m: needs command, because its provider is command"),
        (
            "provider = \"command\"\ncommand = \"a 'b\"",
            "16: error: mirror m: command: a quote is not closed, or a backslash ends it"
        ),
        (
            "use_ipv4 = true\nuse_ipv6 = true",
            "15: warning: mirror m: use_ipv4 is not used, because use_ipv6 is true too; keep one of them"
        ),
        (
            "rsync_override_only = true",
            "15: error: mirror m: rsync_override_only is true, but there is no rsync_override; write the options there"
        ),
        (
            "provider = \"command\"\ncommand = \"x\"\nsize_pattern = \"size [0-9]+ (?:x)[(]\"",
            "17: error: mirror m: size_pattern has no group, so it is not known which part is the size; put ( ) around it"
        ),
        (
            "provider = \"command\"\ncommand = \"x\"\nfail_on_match = \"(\"",
            "17: error: mirror m: fail_on_match is no regular expression: "
        ),
        (
            "provider = \"two-stage-rsync\"",
            "12: error: mirror m: needs stage1_profile, one of \"debian\", \"debian-oldstyle\""
        ),
        (
            "provider = \"two-stage-rsync\"\nstage1_profile = \"debain\"",
            "16: error: mirror m: stage1_profile is \"debain\", which is not there; did you mean \"debian\"?"
        ),
        (
            "stage1_profile = \"debian\"",
            "15: warning: mirror m: stage1_profile has no effect with provider \"rsync\"; remove it"
        ),
        (
            "size_pattern = \"(x)\"",
            "15: warning: mirror m: size_pattern has no effect with provider \"rsync\"; remove it"
        ),
        (
            "provider = \"two-stage-rsync\"\nstage1_profile = \"debian\"\nrsync_override = [\"-a\"]",
            "17: warning: mirror m: rsync_override has no effect with provider \"two-stage-rsync\"; remove it"
        ),
        (
            "provider = \"command\"\ncommand = \"x\"\npassword = \"x\"",
            "17: warning: mirror m: password has no effect with provider \"command\"; remove it"
        ),
        (
            "provider = \"command\"\ncommand = \"x\"\nrsync_success_exit_codes = [1]",
            "17: warning: mirror m: rsync_success_exit_codes has no effect with provider \"command\"; write success_exit_codes"
        ),
        (
            "role = \"boss\"",
            "15: warning: mirror m: role is \"boss\", which counts as \"master\"; write \"master\" or \"slave\""
        ),
        ("exclude_file = \"/nonexistent/x\"", "15: warning: exclude_file: /nonexistent/x cannot be read: No such file"),
        ("exclude_file = \"/\"", "15: warning: exclude_file: / is not a regular file; give the path of a file"),
        (
            "memory_limit = \"256Q\"",
            "15: error: [[mirrors]] memory_limit must be a number of bytes, such as \"256M\" or \"1.5GiB\""
        ),
        (
            "memory_limit = \"256M\"",
            "15: warning: memory_limit has no effect without enable = true in [cgroup], or a container"
        ),
        (
            "docker_image = \"x\"",
            "15: warning: docker_image has no effect, because [docker] does not say enable = true: the command runs on this machine"
        ),
        (
            "snapshot_path = \"/s\"",
            "15: warning: mirror m: snapshot_path has no effect without enable = true in [btrfs_snapshot]"
        ),
        ("mirror_dir = \"rel\"", "15: warning: mirror_dir is relative; it begins in the directory of this file"),
        (
            "mirror_subdir = \"a/../..\"",
            "15: error: mirror m: mirror_subdir leads out of mirror_dir with ..; write mirror_dir instead"
        ),
        (
            "mirror_dir = \"/a\"\nmirror_subdir = \"b\"",
            "16: warning: mirror m: mirror_subdir is not used, because mirror_dir is there too; remove it"
        ),
        (
            "log_dir = \"/l/{{.Nmae}}\"",
            "15: error: mirror m: log_dir: mirrors have no field {{.Nmae}}; write {{.Name}}"
        ),
        ("log_dir = \"/l/{{.Name\"", "15: error: mirror m: log_dir: {{ is not closed; write {{.Name}}"),
        (
            "log_dir = \"/l/{{if .Name}}x{{end}}\"",
            "15: error: mirror m: log_dir: {{if .Name}} is not understood; only fields are, such as {{.Name}}"
        ),
        (
            "rsync_timeout = 5\nrsync_no_timeout = true",
            "15: warning: mirror m: rsync_timeout is not used, because rsync_no_timeout is true"
        ),
        ("guard = { min_fiels = 1 }", "15: warning: [guard] has no key min_fiels; did you mean min_files?"),
        (
            "guard = { max_shrink_percent = 101 }",
            "15: error: [guard] max_shrink_percent is 101 and must be from 0 to 100"
        ),
        ("log_keep = { count = 0 }", "15: error: [log_keep] count is 0 and must be from 1 to 1000000"),
        ("publish = \"atomc\"", "15: error: [[mirrors]] publish is \"atomc\"; did you mean \"atomic\"?"),
        (
            "success_exit_codes = [256]",
            "15: warning: no program ends with the exit code 256; remove it"
        ),
        ("env = { \"A=B\" = \"x\" }", "15: error: [env] \"A=B\" cannot be a variable: it is empty or holds = or NUL"),
        ("env = { A = 1 }", "15: error: [env] A must be a text, not a whole number; write it in quotes"),
        (
            "password = \"a\"\npassword_file = \"b\"",
            "16: error: [[mirrors]] has both password and password_file; keep one of them"
        ),
        ("mirrors = []", "15: warning: mirrors is empty, so nothing here becomes a mirror; remove it"),
        ("mirrors = 5", "15: error: mirrors must be a list of tables; write [[mirrors.mirrors]] above each"),
        ("io_weight = 10001", "15: error: [[mirrors]] io_weight is 10001 and must be from 0 to 10000"),
        ("retry_backoff = { first = 9, max = 8 }", "15: error: [retry_backoff] max is 8, which is less than first, 9"),
        ("retry_backoff = \"x\"", "15: error: [[mirrors]] retry_backoff must be a whole number, not a text"),
        (
            "retry_by_class = { transeint = 2 }",
            "15: warning: [retry_by_class] has no key transeint; did you mean transient?"
        ),
        (
            "schedule = \"manual\"\ninterval = 5",
            "15: error: mirror m: has both schedule and interval; keep one of them"
        ),
        ("upstream_limit = 0", "15: error: [[mirrors]] upstream_limit is 0 and must be from 1 to 100000"),
    ]) func isToldWithItsLineAndARemedy(lines: String, expected: String) throws {
        let outcome = try ConfigFolder().mirror(lines)
        #expect(outcome.told.contains { $0.hasPrefix("worker.conf:" + expected) }, "\(outcome.told)")
        let isError = expected.contains(": error: ")
        #expect((outcome.configuration == nil) == isError, "\(outcome.told)")
    }

    @Test(arguments: [
        "", ".", "..", "a/b", "/etc", "-rf", "a\\nb", "a\\u007fb",
    ]) func namesThatWouldLeadElsewhereAreRefused(name: String) throws {
        let outcome = try ConfigFolder().mirrors("[[mirrors]]\nname = \"\(name)\"\nupstream = \"rsync://h/m/\"\n")
        #expect(outcome.configuration == nil)
        #expect(outcome.problems.contains { $0.line == 13 && $0.severity == .error && $0.message.contains("name") })
    }

    @Test func namesOf256BytesAreRefused() throws {
        let long = String(repeating: "x", count: 256)
        let outcome = try ConfigFolder().mirrors("[[mirrors]]\nname = \"\(long)\"\nupstream = \"rsync://h/m/\"\n")
        #expect(outcome.configuration == nil)
    }

    @Test(arguments: [
        ("upstream = \"rsync://h/m\"", "error: mirror m: upstream must end in / for rsync, else rsync makes a folder"),
        ("", "error: mirror m: needs upstream, such as rsync://HOST/MODULE/"),
        (
            "provider = \"command\"\ncommand = \"x\"",
            "warning: mirror m: has no upstream, so lists cannot say where its content comes from"
        ),
        (
            "upstream = \"https://u:p@h/\"\nprovider = \"command\"\ncommand = \"x\"",
            "warning: mirror m: upstream holds a password, and lists of mirrors show it to everybody"
        ),
        ("upstream = \"-e sh/\"", "error: mirror m: upstream begins with -, which rsync takes for an option"),
    ]) func upstreamsMustBeUsable(lines: String, expected: String) throws {
        let outcome = try ConfigFolder().mirrors("[[mirrors]]\nname = \"m\"\n\(lines)\n")
        #expect(outcome.told.contains { $0.contains(expected) }, "\(outcome.told)")
    }

    @Test func aMirrorNeedsAName() throws {
        let outcome = try ConfigFolder().mirrors("\n[[mirrors]]\nupstream = \"rsync://h/m/\"\n")
        #expect(outcome.told == ["worker.conf:13: error: [[mirrors]] needs name"])
    }

    @Test func namesAreThereOnce() throws {
        let outcome = try ConfigFolder().mirrors(
            """
            [[mirrors]]
            name = "a"
            upstream = "rsync://h/1/"
            mirror_dir = "/1"
            [[mirrors]]
            name = "a"
            upstream = "rsync://h/2/"
            mirror_dir = "/2"
            """)
        #expect(
            outcome.told == [
                "worker.conf:17: error: mirror a: this name is taken already at \(outcome.prefix)worker.conf:13; "
                    .replacing(outcome.prefix, with: "") + "give each mirror its own"
            ])
    }

    @Test func directoriesThatMeetAreDoubtful() throws {
        let outcome = try ConfigFolder().mirrors(
            """
            [[mirrors]]
            name = "a"
            upstream = "rsync://h/1/"
            [[mirrors]]
            name = "b"
            upstream = "rsync://h/2/"
            mirror_dir = "/data/a/"
            [[mirrors]]
            name = "c"
            upstream = "rsync://h/3/"
            mirror_dir = "/data/a/x/y"
            [[mirrors]]
            name = "ab"
            upstream = "rsync://h/4/"
            """)
        #expect(outcome.configuration != nil)
        #expect(
            outcome.told == [
                "worker.conf:18: warning: mirror b: its directory /data/a is that of mirror a too (worker.conf:4); each "
                    + "would delete what the other brings",
                "worker.conf:22: warning: mirror c: its directory /data/a/x/y is inside that of mirror a "
                    + "(worker.conf:4), whose runs may delete it; move one of them or exclude it there",
            ])
    }

    @Test func nothingCanBeInsideWhatIsReplacedAsAWhole() throws {
        let outcome = try ConfigFolder().mirrors(
            """
            [[mirrors]]
            name = "a"
            upstream = "rsync://h/1/"
            publish = "atomic"
            [[mirrors]]
            name = "b"
            upstream = "rsync://h/2/"
            mirror_subdir = "a"
            """)
        #expect(outcome.configuration == nil)
        #expect(outcome.told.contains { $0.contains("error: mirror b: its directory /data/a/b is inside") })
    }

    @Test func aProblemOfAParentIsToldOnce() throws {
        let outcome = try ConfigFolder().mirrors(
            """
            [[mirrors]]
            upstream = "rsync://h/1/"
            bogus = 1
            timeout = "x"
            [[mirrors.mirrors]]
            name = "a"
            [[mirrors.mirrors]]
            name = "b"
            """)
        #expect(outcome.told.count { $0.contains(":14: warning") } == 1)
        #expect(outcome.told.count { $0.contains(":15: error") } == 1)
    }

    @Test func anIntervalThatIsNowhereIsToldAndDoesNotHammer() throws {
        let text = ConfigFolder.base.replacing("interval = 60\n", with: "")
        let outcome = try ConfigFolder().worker(text + "[[mirrors]]\nname = \"m\"\nupstream = \"rsync://h/m/\"\n")
        #expect(try outcome.field("interval") == "120")
        #expect(
            outcome.told == [
                "worker.conf:11: warning: mirror m: has no interval, so 120 minutes are taken (tunasync would start again "
                    + "at once); write interval, or schedule = \"manual\""
            ])
    }

    @Test func htmlLettersInLogDirectoriesStayAsTheyAre() throws {
        let outcome = try ConfigFolder().mirrors("[[mirrors]]\nname = \"c++\"\nupstream = \"rsync://h/m/\"\n")
        #expect(try outcome.mirror("c++").logDirectory == "/log/c++")
        #expect(outcome.problems.map(\.severity) == [.note])
    }

    @Test func theLowestLimitOfAnUpstreamCounts() throws {
        let outcome = try ConfigFolder().mirrors(
            """
            [limits]
            upstream_default = 9
            [limits.upstream]
            "H" = 4
            [[mirrors]]
            name = "a"
            upstream = "rsync://h/1/"
            upstream_limit = 3
            [[mirrors]]
            name = "b"
            upstream = "rsync://h/2/"
            upstream_limit = 2
            """)
        #expect(outcome.configuration?.settings.upstreamLimits == ["h": 2])
        #expect(outcome.configuration?.settings.upstreamDefault == 9)
        #expect(outcome.problems.count == 1)
    }
}
