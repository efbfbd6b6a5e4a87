// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import MirrorConfig
import SyncJobs
import Testing

@testable import MirrorRun

@Suite("Arguments of rsync")
struct RsyncArgumentTests {
    static let base = [
        "-aHvh", "--no-o", "--no-g", "--stats", "--filter", "risk .~tmp~/", "--exclude", ".~tmp~/", "--delete",
        "--delete-after", "--delay-updates", "--safe-links",
    ]

    private func mirror(_ change: (inout MirrorSettings) -> Void = { _ in }) throws -> MirrorSettings {
        var mirror = MirrorSettings(
            name: try #require(JobName("m")), provider: .rsync, upstream: "rsync://up.example/m/", directory: "/srv/m",
            logDirectory: "/var/log/m")
        change(&mirror)
        return mirror
    }

    @Test func areTunasyncs() throws {
        #expect(
            try RsyncArguments.single(mirror(), destination: "/srv/m")
                == ["rsync"] + Self.base + ["--timeout=120", "rsync://up.example/m/", "/srv/m"])
    }

    @Test func optionsComeInTunasyncsOrder() throws {
        let mirror = try mirror {
            $0.command = "/opt/rsync"
            $0.rsync.family = .version6
            $0.rsync.ioTimeoutSeconds = 7
            $0.rsync.excludeFile = "/etc/exclude"
            $0.rsync.globalOptions = ["--global"]
            $0.rsync.options = ["--own", "--more"]
        }
        #expect(
            try RsyncArguments.single(mirror, destination: "/d")
                == ["/opt/rsync"] + Self.base + [
                    "--timeout=7", "-6", "--exclude-from", "/etc/exclude", "--global", "--own", "--more",
                    "rsync://up.example/m/", "/d",
                ])
    }

    @Test func noTimeoutLeavesTheOptionOut() throws {
        let mirror = try mirror {
            $0.rsync.ioTimeoutSeconds = nil
            $0.rsync.family = .version4
        }
        #expect(
            try RsyncArguments.single(mirror, destination: "/d")
                == ["rsync"] + Self.base + ["-4", "rsync://up.example/m/", "/d"])
    }

    @Test func anOverrideTakesThePlaceOfTheBase() throws {
        var mirror = try mirror {
            $0.rsync.override = ["-a", "--delete"]
            $0.rsync.options = ["--own"]
        }
        #expect(
            try RsyncArguments.single(mirror, destination: "/d")
                == ["rsync", "-a", "--delete", "--timeout=120", "--own", "rsync://up.example/m/", "/d"])
        mirror.rsync.isOverrideOnly = true
        #expect(
            try RsyncArguments.single(mirror, destination: "/d")
                == ["rsync", "-a", "--delete", "rsync://up.example/m/", "/d"])
    }

    @Test func theFirstStageLeavesIndicesAndDeletesNothing() throws {
        let mirror = try mirror {
            $0.provider = .twoStageRsync
            $0.rsync.stage1 = StageProfile(name: "p", includes: ["*.diff/"], excludes: ["Packages*", "Release*"])
            $0.rsync.options = ["--own"]
            $0.rsync.excludeFile = "/etc/exclude"
        }
        let stages = try RsyncArguments.stages(mirror, destination: "/d")
        let ends = ["--timeout=120", "--exclude-from", "/etc/exclude", "rsync://up.example/m/", "/d"]
        let undeleting = Self.base.filter { !["--delete", "--delete-after", "--delay-updates"].contains($0) }
        #expect(
            stages == [
                ["rsync"] + undeleting + ["--include", "*.diff/", "--exclude", "Packages*", "--exclude", "Release*"]
                    + ends,
                ["rsync"] + Self.base + ["--own"] + ends,
            ])
    }

    @Test func twoStagesNeedAProfile() throws {
        let mirror = try mirror { $0.provider = .twoStageRsync }
        let failure = #expect(throws: RunFailure.self) { try RsyncArguments.stages(mirror, destination: "/d") }
        #expect(failure?.failure == .configuration)
    }

    @Test func anUpstreamWithoutASlashIsRefused() throws {
        let mirror = try mirror { $0.upstream = "rsync://up.example/m" }
        let failure = #expect(throws: RunFailure.self) { try RsyncArguments.single(mirror, destination: "/d") }
        #expect(failure?.failure == .configuration)
    }

    /// In tunasync a child of a nested mirror could not choose rsync, the zero value, under another parent provider. Here
    /// what the configuration chose is what runs, whatever else is set.
    @Test func theProviderThatWasChosenRuns() throws {
        let mirror = try mirror { $0.command = "some-parents-command --with arguments" }
        #expect(try CommandSteps.all(mirror, destination: "/d").first?.first == "some-parents-command --with arguments")
        var command = mirror
        command.provider = .command
        #expect(try CommandSteps.all(command, destination: "/d") == [["some-parents-command", "--with", "arguments"]])
    }

    @Test func aRehearsalIsTheLastStageWithoutItsEffect() throws {
        let mirror = try mirror()
        let arguments = try #require(try CommandSteps.rehearsal(mirror, destination: "/d"))
        #expect(Array(arguments.suffix(4)) == ["--dry-run", "--stats", "rsync://up.example/m/", "/d"])
        var command = mirror
        command.provider = .command
        command.command = "true"
        #expect(try CommandSteps.rehearsal(command, destination: "/d") == nil)
    }
}
