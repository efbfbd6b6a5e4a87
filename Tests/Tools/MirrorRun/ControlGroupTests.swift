// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Glibc
import LiveTestSupport
import MirrorConfig
import SyncJobs
import Testing

@testable import MirrorRun

@Suite("Cgroups", .timeLimit(.minutes(5)))
struct ControlGroupTests {
    /// A group that tests may make groups in; hosts that have mounted no version 2, or do not let us write, have none.
    static let parent: String? = ControlGroup.mountPoint().flatMap {
        access($0 + "/cgroup.procs", W_OK) == 0 ? $0 : nil
    }

    @Test func limitsAreWrittenAsTheKernelReadsThem() {
        var limits = LimitSettings()
        limits.memoryBytes = 1 << 30
        limits.cpuMillis = 1_500
        limits.ioWeight = 50
        limits.maximumProcesses = 100
        let values = ControlGroup.values(limits).map { "\($0.controller) \($0.file) \($0.text)" }
        #expect(
            values == [
                "memory memory.max 1073741824", "cpu cpu.max 150000 100000", "io io.weight default 50",
                "pids pids.max 100",
            ])
    }

    @Test(arguments: ["no-such-group", "../../etc", "a/../b"])
    func aGroupThatIsNotThereIsAMistakeOfTheConfiguration(group: String) async throws {
        let fixture = try RunFixture()
        var mirror = try fixture.mirror("true")
        mirror.limits.cgroup = group
        guard case .failed(.configuration, let message) = await fixture.run(mirror) else {
            Issue.record("it ran")
            return
        }
        #expect(message.contains("cgroup"))
    }

    @Test("end what has left session, parents and environment", .enabled(if: parent != nil))
    func endWhatHasLeftEverything() async throws {
        let fixture = try RunFixture { $0.ending.grace = .milliseconds(100) }
        let hidden = "env -i setsid -f sh -c \"echo \\$\\$ > pid; sleep 1000; :\""
        var mirror = try fixture.mirror("sh -c '\(hidden); sleep 1000'")
        mirror.limits.cgroup = Self.parent ?? ""
        async let result = fixture.run(mirror)
        let grandchild = try await pid(in: mirror.directory + "/pid")
        let line = try fixture.text("/proc/\(grandchild)/cgroup").split(separator: "\n").first {
            $0.hasPrefix("0::/kuiper-")
        }
        let group = try #require(line).dropFirst(4)
        await fixture.supervisor.stop(mirror.name, run: RunNumber(1))
        #expect(await result == .stopped)
        #expect(!isAlive(grandchild))
        #expect(!Files.names(in: Self.parent ?? "/").contains(String(group)))
    }

    @Test("tell a program's own exit code", .enabled(if: parent != nil))
    func tellAProgramsOwnExitCode() async throws {
        let fixture = try RunFixture()
        var mirror = try fixture.mirror("sh -c 'exit 4'")
        mirror.limits.cgroup = Self.parent ?? ""
        #expect(await fixture.run(mirror) == .failed(.transient, message: "exit status 4"))
        mirror.command = "no-such-program-anywhere"
        guard case .failed(.configuration, _) = await fixture.run(mirror, number: 2) else {
            Issue.record("it did not fail")
            return
        }
    }
}
