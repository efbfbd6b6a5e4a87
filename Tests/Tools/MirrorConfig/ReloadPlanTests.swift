// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import LiveTestSupport
import NodeSupport
import SyncJobs
import Testing

@testable import MirrorConfig

/// What a reload would do.
@Suite struct ReloadPlanTests {
    private func read(_ mirrors: String, base: String = ConfigFolder.base, folder: ConfigFolder? = nil) throws
        -> WorkerConfiguration
    {
        let outcome = try (folder ?? ConfigFolder()).worker(base + mirrors)
        return try #require(outcome.configuration, "\(outcome.told)")
    }

    private func mirror(_ name: String, _ more: String = "") -> String {
        "[[mirrors]]\nname = \"\(name)\"\nupstream = \"rsync://h/\(name)/\"\n\(more)\n"
    }

    /// tunasync wrote USER and RSYNC_PASSWORD into the configuration's own table, and then found it changed.
    @Test func aMirrorWithEnvAndUsernameAndPasswordIsNotModifiedOnEachReload() throws {
        let text = mirror("a", "username = \"u\"\npassword = \"p\"\nenv = { A = \"1\" }") + mirror("b")
        let plan = ReloadPlan(old: try read(text), new: try read(text))
        #expect(plan.isEmpty)
        #expect(plan.unchangedCount == 2)
        #expect(plan.text == "nothing changes: 2 mirrors stay as they are\n")
    }

    @Test func mirrorsThatOnlyMoveAreNotTouched() throws {
        let old = try read(mirror("a") + mirror("b"))
        let new = try read("# a remark\n" + mirror("b") + "\n\n" + mirror("a"))
        #expect(ReloadPlan(old: old, new: new).isEmpty)
    }

    @Test func addedRemovedAndChangedAreTold() throws {
        let folder = try ConfigFolder()
        let old = try read(mirror("a") + mirror("b", "timeout = 5") + mirror("c") + mirror("d"), folder: folder)
        let new = try read(
            mirror("e") + mirror("a", "retry = 3") + mirror("b", "rsync_options = [\"-z\"]") + mirror("d"),
            folder: folder)
        let plan = ReloadPlan(old: old, new: new)
        #expect(plan.added.map(\.name) == ["e"])
        #expect(plan.removed == ["c"])
        #expect(plan.changed.map(\.name) == ["a", "b"])
        #expect(plan.changed.map(\.restartsRun) == [false, true])
        #expect(plan.unchangedCount == 1)
        #expect(
            plan.text.replacing(folder.path + "/", with: "") == """
                1 added, 1 removed, 2 changed, 1 unchanged
                + e
                    upstream = "rsync://h/e/"  # worker.conf:14
                    interval = 60  # worker.conf:6
                    upstream_group = "h"  # worker.conf:14
                    mirror_dir = "/data/e"  # worker.conf:4
                    log_dir = "/log/e"  # worker.conf:3
                - c
                ~ a
                    retry: 2 (standard) -> 3 (worker.conf:19)
                ~ b  [a run under way begins again]
                    timeout: 5 (worker.conf:19) -> 0 (standard)
                    rsync_options: [] (standard) -> ["-z"] (worker.conf:23)

                """)
    }

    @Test func secretsAreComparedAndNotShown() throws {
        let old = try read(mirror("a", "password = \"old-secret\""))
        let new = try read(mirror("a", "password = \"new-secret\""))
        let plan = ReloadPlan(old: old, new: new)
        #expect(plan.changed.first?.changes.map(\.key) == ["password"])
        #expect(plan.changed.first?.restartsRun == true)
        #expect(!plan.text.contains("-secret"))
        #expect(plan.text.contains("password: (secret)"))
    }

    @Test func variablesThatAreSecretsAreNotShown() throws {
        let plan = ReloadPlan(
            old: try read(mirror("a")),
            new: try read(
                mirror("a", "env = { API_TOKEN = \"hush1\", AWS_SECRET_ACCESS_KEY = \"hush2\", LANG = \"C\" }")))
        #expect(plan.changed.first?.changes.count == 3)
        #expect(!plan.text.contains("hush") && plan.text.contains("env.LANG: (not set) -> \"C\""))
        #expect(!(try JSONText.of(plan)).contains("hush"))
    }

    @Test func aSecretThatChangesInItsFileIsAChange() throws {
        let folder = try ConfigFolder()
        try folder.write("pw", "one\n", mode: 0o600)
        let text = mirror("a", "password_file = \"pw\"")
        let old = try read(text, folder: folder)
        try folder.write("pw", "two\n", mode: 0o600)
        #expect(ReloadPlan(old: old, new: try read(text, folder: folder)).changed.map(\.name) == ["a"])
    }

    @Test func aValueOfAllChangesTheMirrorsThatHaveIt() throws {
        let text = mirror("a") + mirror("b", "interval = 9")
        let old = try read(text)
        let new = try read(text, base: ConfigFolder.base.replacing("interval = 60", with: "interval = 61"))
        let plan = ReloadPlan(old: old, new: new)
        #expect(plan.changed.map(\.name) == ["a"])
        #expect(plan.changed.first?.restartsRun == false)
        #expect(plan.worker.isEmpty)
    }

    @Test(arguments: [
        ("concurrent = 2", "concurrent = 3", "concurrent", false),
        ("[global]", "[limits]\nupstream_default = 1\n[global]", "limits.upstream_default", false),
        ("[global]", "[limits]\nupstream = { h = 1 }\n[global]", "limits.upstream.h", false),
        ("[global]", "[log]\nlevel = \"debug\"\n[global]", "log.level", false),
        ("[global]", "[log]\nformat = \"json\"\n[global]", "log.format", true),
        ("name = \"w\"", "name = \"v\"", "name", true), ("allow_legacy = true", "", "server.allow_legacy", false),
        ("[server]", "[server]\nlisten_port = 1", "server.listen_port", true),
        ("127.0.0.1:14242", "127.0.0.1:14243", "manager.api_base_list", true),
        ("[manager]", "[manager]\ntoken = \"x\"", "manager.token", true),
        ("[global]", "[global]\nstate_dir = \"/x\"", "state_dir", true),
    ]) func changesOfTheWorkerSayWhetherTheyNeedARestart(old: String, new: String, key: String, needs: Bool) throws {
        let plan = ReloadPlan(
            old: try read(mirror("a")), new: try read(mirror("a"), base: ConfigFolder.base.replacing(old, with: new)))
        let change = try #require(plan.worker.first { $0.change.key == key }, "\(plan.text)")
        #expect(change.needsRestart == needs)
        #expect(plan.changed.isEmpty)
        #expect(plan.text.contains("[needs a restart]") == plan.worker.contains { $0.needsRestart })
    }

    /// No difference of settings may hide from the plan.
    @Test func everySettingOfAMirrorHasAField() throws {
        let name = try #require(JobName("m"))
        let plain = MirrorSettings(
            name: name, provider: .rsync, upstream: "u", directory: "/d", logDirectory: "/l")
        let changes: [(inout MirrorSettings) -> Void] = [
            { $0.provider = .command }, { $0.upstream = "v" }, { $0.timeoutSeconds = 1 }, { $0.directory = "/e" },
            { $0.logDirectory = "/m" }, { $0.environment["A"] = "1" }, { $0.isMaster = false },
            { $0.hooks.beforeJob = ["x"] }, { $0.hooks.beforeAttempt = ["x"] }, { $0.hooks.afterAttempt = ["x"] },
            { $0.hooks.onSuccess = ["x"] }, { $0.hooks.onFailure = ["x"] }, { $0.hooks.timeoutSeconds = 1 },
            { $0.successExitCodes = [1] }, { $0.command = "x" }, { $0.failOnMatch = "x" }, { $0.sizePattern = "(x)" },
            { $0.rsync.username = "u" }, { $0.rsync.password = Secret("p") }, { $0.rsync.excludeFile = "/x" },
            { $0.rsync.family = .version4 }, { $0.rsync.family = .version6 }, { $0.rsync.ioTimeoutSeconds = nil },
            { $0.rsync.ioTimeoutSeconds = 1 }, { $0.rsync.globalOptions = ["x"] }, { $0.rsync.options = ["x"] },
            { $0.rsync.override = ["x"] }, { $0.rsync.isOverrideOnly = true }, { $0.rsync.stage1 = .debian },
            { $0.limits.memoryBytes = 1 }, { $0.limits.cpuMillis = 1 }, { $0.limits.ioWeight = 1 },
            { $0.limits.maximumProcesses = 1 }, { $0.limits.cgroup = "" },
            { $0.container = ContainerSettings(program: "p", image: "i", volumes: [], options: []) },
            { $0.zfs = ZFSSettings(pool: "p", keptSnapshots: 0) }, { $0.btrfs = BtrfsSettings(snapshotPath: "/s") },
            { $0.publication = .atomic }, { $0.sizeSource = .files }, { $0.guards.minimumFiles = 1 },
            { $0.guards.maximumShrinkPercent = 1 },
            { $0.guards.maximumDeletePercent = 1 }, { $0.logs.maximumCount = 1 }, { $0.logs.maximumAgeDays = 1 },
            { $0.logs.maximumTotalBytes = 1 }, { $0.logs.plainCount = 1 }, { $0.job.priority = 1 },
            { $0.job.upstream = "x" }, { $0.job.retry.attempts = 1 },
            { $0.job.retry.backoff = .init(firstMilliseconds: 1, maximumMilliseconds: 1000) },
            { $0.job.retry.afterFailedRun = .init(firstMilliseconds: 1000, maximumMilliseconds: 2000) },
            { $0.job.retry.attemptsByClass[.transient] = 5 }, { $0.job.timing.trigger = .manual },
            { $0.job.timing.trigger = .interval(milliseconds: 60_000) }, { $0.job.timing.jitterMilliseconds = 60_000 },
        ]
        for (number, change) in changes.enumerated() {
            var other = plain
            change(&other)
            #expect(other != plain && other.fields != plain.fields, "change \(number)")
        }
    }

    @Test func plansAndProblemsAreJSONToo() throws {
        let plan = ReloadPlan(
            old: try read(mirror("a")), new: try read(mirror("a", "password = \"hush\"\ntimeout = 5") + mirror("b")))
        let json = try JSONText.of(plan)
        #expect(json.contains("\"key\":\"timeout\"") && json.contains("\"new\":5") && json.contains("\"old\":0"))
        #expect(json.contains("(secret)") && !json.contains("hush"))
        let problems = [ConfigProblem(file: "f", line: 3, severity: .warning, message: "x")]
        let result = LintResult(problems)
        #expect(
            try JSONText.of(result)
                == #"{"errorCount":0,"problems":[{"file":"f","line":3,"message":"x","severity":"warning"}],"warningCount":1}"#
        )
        #expect(result.text == "f:3: warning: x\nthe configuration can be used: 0 errors, 1 warning\n")
        #expect(result.isUsable)
    }
}
