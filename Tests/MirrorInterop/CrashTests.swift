// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import LiveTestSupport
internal import MirrorWire
internal import SyncJobs
internal import Testing

extension Live {
    /// What a kill -9 leaves behind: nothing that runs, and no status that is lost.
    @Suite("Crashes") struct Crashes {
        private let folder: TemporaryDirectory

        init() throws { folder = try TemporaryDirectory("mirror") }

        @Test func noGrandchildOutlivesAKilledWorkersRestartAndItsRunIsReportedOnce() async throws {
            // A job whose grandchildren leave the process group, as badly behaved scripts do.
            let mark = "kuiper-grandchild-\(getpid())-\(UInt32.random(in: 0 ... .max))"
            let runs = folder.file("runs")
            let script = try folder.write(
                "job",
                """
                #!/bin/bash
                echo started >> \(runs)
                [ "$(wc -l < \(runs))" -gt 1 ] && exit 0
                setsid bash -c 'exec -a \(mark)-a sleep 600' &
                (bash -c 'exec -a \(mark)-b sleep 600' &)
                exec -a \(mark)-c sleep 600
                """, mode: 0o755)
            let site = try MirrorSite(
                in: folder,
                mirrors: [
                    "name = \"job\"\nprovider = \"command\"\nupstream = \"https://example.org/\"\ncommand = \"\(script)\""
                ])
            try await site.start()
            let running = try await site.wait(for: "job", "is syncing") { $0.web.status == .syncing }
            _ = try await Patience.wait(for: "three processes of the job") {
                try ProcessTable.commands(mentioning: mark).count { $0.command.hasPrefix(mark) } == 3 ? true : nil
            }
            try site.killWorker()
            // They have lost their worker and go on: that is the state that the next worker finds.
            #expect(try ProcessTable.commands(mentioning: mark).count >= 3)

            try site.startWorker()
            try await site.waitForWorker()
            let interrupted = try await Patience.wait(
                for: "the report of the interrupted run", details: { site.report }
            ) {
                try await site.history("job").first { $0.run == running.run }
            }
            #expect(interrupted.state == .failed, "\(interrupted)")
            _ = try await Patience.wait(for: "the end of all grandchildren") {
                try ProcessTable.commands(mentioning: mark).isEmpty ? true : nil
            }
            // It runs again, as another run, and each is known once.
            _ = try await site.wait(for: "job", "has succeeded", { $0.web.status == .success })
            let history = try await site.history("job")
            #expect(Set(history.map(\.run)).count == history.count, "\(history)")
            #expect(history.count { $0.run == running.run } == 1)
            #expect(try Files.read(runs).count { $0 == 0x0A } == 2)
            try site.stop()
        }

        @Test func noStatusIsLostWhenTheManagerIsKilled() async throws {
            let script = try folder.write("job", "#!/bin/sh\nsleep 1\n", mode: 0o755)
            let site = try MirrorSite(
                in: folder,
                mirrors: (1...6).map {
                    "name = \"m\($0)\"\nprovider = \"command\"\nupstream = \"https://example.org/\"\ncommand = \"\(script)\""
                })
            try await site.start()
            for number in 1...6 { try await site.waitForRuns(1, of: "m\(number)") }
            // The second runs begin with a manager and end without one.
            for number in 1...4 { try await site.command(.start, "m\(number)") }
            try await site.wait(for: "m1", "is syncing") { $0.web.status == .syncing }
            try site.killManager()
            // Long enough for all of them to end while nobody hears it: the worker says so in its log.
            _ = try await Patience.wait(for: "the end of the runs") {
                try ProcessTable.commands(mentioning: script).isEmpty ? true : nil
            }
            try await site.startManager()
            for number in 1...4 {
                let run = try await site.waitForRuns(2, of: "m\(number)")
                #expect(run.state == .success, "m\(number): \(run)")
            }
            for number in 5...6 {
                let history = try await site.history("m\(number)")
                #expect(history.count == 1 && history[0].state == .success, "m\(number): \(history)")
            }
            try site.stop()
        }

        @Test func aWorkerThatStartsBeforeItsManagerIsHeardWhenTheManagerComes() async throws {
            let site = try MirrorSite(
                in: folder,
                mirrors: [
                    "name = \"early\"\nprovider = \"command\"\nupstream = \"https://example.org/\"\ncommand = \"true\""
                ])
            try site.startWorker()
            // The run must not wait for the manager.
            _ = try await Patience.wait(for: "a log of the run", details: { site.report }) {
                Files.names(in: self.folder.file("logs/early")).isEmpty ? nil : true
            }
            try await site.startManager()
            try await site.waitForWorker()
            let run = try await site.waitForRuns(1, of: "early")
            #expect(run.state == .success)
            #expect(try await site.history("early").count == 1)
            try site.stop()
        }

        @Test func aStoppedWorkerReportsTheRunsThatItEnded() async throws {
            let site = try MirrorSite(
                in: folder,
                mirrors: (1...3).map {
                    "name = \"long\($0)\"\nprovider = \"command\"\nupstream = \"https://example.org/\"\ncommand = \"sleep 600\""
                })
            try await site.start()
            for number in 1...3 {
                try await site.wait(for: "long\(number)", "is syncing") { $0.web.status == .syncing }
            }
            try site.stopWorker()
            for number in 1...3 {
                let row = try #require(await site.row("long\(number)"))
                #expect(row.web.status == .failed, "\(row)")
            }
            try site.stopManager()
        }
    }
}
