// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Glibc
import LiveTestSupport
import MirrorConfig
import SyncJobs
import Testing

@testable import MirrorRun

@Suite("Containers", .timeLimit(.minutes(5)))
struct ContainerTests {
    private func mirror(_ fixture: RunFixture, _ program: String = "docker") throws -> MirrorSettings {
        var mirror = try fixture.rsync("rsync://up.example/m/", name: "m")
        mirror.container = ContainerSettings(
            program: program, image: "rsync:latest", volumes: ["/etc/pki:/etc/pki:ro"], options: ["--network", "host"])
        return mirror
    }

    @Test func theCommandLineIsTunasyncsButForSecrets() throws {
        let fixture = try RunFixture()
        var mirror = try mirror(fixture)
        mirror.rsync.username = "me"
        mirror.rsync.password = Secret("s3cret-word")
        mirror.rsync.excludeFile = "/etc/exclude"
        mirror.environment = ["API_TOKEN": "t0ken-word"]
        mirror.limits.memoryBytes = 268_435_456
        let container = try #require(mirror.container)
        var facts = RunContext.Facts()
        facts.attempt = 2
        let plan = ContainerCommand.plan(
            ["rsync", "-a", "x", "y"], environment: RunEnvironment.command(mirror, facts, log: "/var/log/m.log"),
            mirror: mirror, container: container, workFolder: "/srv/m", log: "/var/log/m.log",
            inherited: ["PATH": "/bin"])
        #expect(
            plan.arguments == [
                "docker", "run", "--rm", "-a", "STDOUT", "-a", "STDERR", "--name", "tunasync-job-m", "-w", "/srv/m",
                "-u",
                "\(getuid()):\(getgid())", "-v", "/etc/pki:/etc/pki:ro", "-v", "/etc/exclude:/etc/exclude:ro", "-v",
                "\(mirror.logDirectory):\(mirror.logDirectory)", "-v", "/var/log/m.log:/var/log/m.log", "-v",
                "/srv/m:/srv/m", "-e", "API_TOKEN", "-e", "KUIPER_ATTEMPT=2", "-e", "RSYNC_PASSWORD", "-e",
                "TUNASYNC_LOG_DIR=\(mirror.logDirectory)", "-e", "TUNASYNC_LOG_FILE=/var/log/m.log", "-e",
                "TUNASYNC_MIRROR_NAME=m", "-e", "TUNASYNC_UPSTREAM_URL=rsync://up.example/m/", "-e",
                "TUNASYNC_WORKING_DIR=\(mirror.directory)", "-e", "USER=me", "-m", "268435456b", "--network", "host",
                "rsync:latest", "rsync", "-a", "x", "y",
            ])
        #expect(plan.environment == ["PATH": "/bin", "API_TOKEN": "t0ken-word", "RSYNC_PASSWORD": "s3cret-word"])
    }

    @Test func limitsAreOptionsOfTheContainer() throws {
        let fixture = try RunFixture()
        var mirror = try mirror(fixture, "podman")
        mirror.limits.cpuMillis = 1_050
        mirror.limits.ioWeight = 5_000
        mirror.limits.maximumProcesses = 64
        let container = try #require(mirror.container)
        let plan = ContainerCommand.plan(
            ["true"], environment: [:], mirror: mirror, container: container, workFolder: "/d", log: "/l",
            inherited: [:])
        let text = plan.arguments.joined(separator: " ")
        #expect(text.contains(" --cpus 1.050 --pids-limit 64 --blkio-weight 1000 --network host rsync:latest true"))
    }

    /// A program in docker's place that writes down how it is called, and holds on until it is stopped.
    private static let recorder = """
        #!/bin/sh
        echo "$@" >> "$0.calls"
        case "$1" in
        run) echo "password $RSYNC_PASSWORD"; : > "$0.up"; if test -e "$0.hold"; then echo $$ > "$0.pid"; sleep 1000; fi; rm -f "$0.up";;
        stop) test -e "$0.deaf" || rm -f "$0.up";;
        rm) rm -f "$0.up";;
        ps) test -e "$0.up" && echo tunasync-job-m; exit 0;;
        esac

        """

    @Test func aRunGoesThroughTheClient() async throws {
        let fixture = try RunFixture()
        let program = try fixture.folder.write("docker", Self.recorder, mode: 0o755)
        var mirror = try mirror(fixture, program)
        mirror.provider = .command
        mirror.command = "mirror-tool --fast"
        mirror.environment = ["RSYNC_PASSWORD": "s3cret-word"]
        #expect(await fixture.run(mirror) == .done(size: nil))
        #expect(try fixture.log(mirror) == "password s3cret-word\n")
        let calls = try fixture.text(program + ".calls")
        #expect(calls.hasPrefix("run --rm ") && calls.hasSuffix(" rsync:latest mirror-tool --fast\n"))
        #expect(!calls.contains("s3cret-word"))
    }

    @Test(arguments: [false, true])
    func aStopReachesTheContainer(isDeaf: Bool) async throws {
        let fixture = try RunFixture { $0.ending.grace = .milliseconds(50) }
        let program = try fixture.folder.write("docker", Self.recorder, mode: 0o755)
        try fixture.folder.write("docker.hold", "")
        if isDeaf { try fixture.folder.write("docker.deaf", "") }
        var mirror = try mirror(fixture, program)
        mirror.provider = .command
        mirror.command = "mirror-tool"
        async let result = fixture.run(mirror)
        _ = try await pid(in: program + ".pid")
        await fixture.supervisor.stop(mirror.name, run: RunNumber(1))
        #expect(await result == .stopped)
        let calls = try fixture.text(program + ".calls").split(separator: "\n").dropFirst()
        #expect(calls.first == "stop -t 2 tunasync-job-m")
        #expect(calls.contains("rm -f tunasync-job-m") == isDeaf)
        #expect(access(program + ".up", F_OK) != 0)
    }

    @Test func aContainerThatAWorkerLeftIsRemoved() async throws {
        let fixture = try RunFixture()
        let program = try fixture.folder.write("docker", Self.recorder, mode: 0o755)
        try fixture.folder.write("docker.up", "")
        try fixture.supervisor.journal.write(
            RunJournal.Entry(
                run: RunNumber(3), name: try #require(JobName("m")), mark: RunMark(), boot: ProcessTable.bootID(),
                container: RunJournal.Container(program: program, name: "tunasync-job-m")))
        #expect(await fixture.supervisor.recover().map(\.run) == [RunNumber(3)])
        #expect(try fixture.text(program + ".calls") == "rm -f tunasync-job-m\n")
        #expect(access(program + ".up", F_OK) != 0)
    }
}
