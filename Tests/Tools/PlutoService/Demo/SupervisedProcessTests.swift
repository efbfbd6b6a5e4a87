// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Glibc
import NodeSupport
@testable import PlutoService
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(10))) struct SupervisedProcessTests {
    /// Follows a shell's output to its end.
    private func follow(_ script: String, _ act: (SupervisedProcess) -> Void = { _ in }) throws -> (
        lines: [String], ending: SupervisedProcess.Ending
    ) {
        let process = try SupervisedProcess(executable: "/bin/sh", arguments: ["-c", script])
        act(process)
        var lines: [String] = []
        let ending = process.follow { lines.append($0) }
        return (lines, ending)
    }

    @Test func readsLinesAndTheEnd() throws {
        let run = try follow("echo one; echo two; printf half; exit 3")
        #expect(run.lines == ["one", "two"])
        #expect(run.ending == .exited(3))
    }

    @Test func aSignalIsSeenAndReachesOnlyALivingProcess() throws {
        let run = try follow("exec sleep 600") { $0.signal(SIGKILL) }
        #expect(run.ending == .signalled(SIGKILL))
        let process = try SupervisedProcess(executable: "/bin/sh", arguments: ["-c", "exit 0"])
        #expect(process.follow { _ in } == .exited(0))
        process.signal(SIGKILL)
    }

    @Test func itsInputEndsWhenItIsReleased() throws {
        let run = try follow("cat; exit 7") { $0.release() }
        #expect(run.ending == .exited(7))
    }

    @Test func longLinesAreCut() throws {
        let run = try follow("head -c 200000 /dev/zero | tr '\\0' x; echo; echo next")
        #expect(run.lines.map(\.count) == [SupervisedProcess.maximumLineBytes, 4])
    }

    @Test func aProgramThatIsNotThereIsAnError() {
        let error = #expect(throws: NodeError.self) { try SupervisedProcess(executable: "/nonexistent", arguments: []) }
        #expect(error?.code == .processUnstartable)
    }

    @Test func freePortsDiffer() throws {
        let ports = try FreePorts.find(30)
        #expect(Set(ports).count == 30 && !ports.contains(0))
    }
}
