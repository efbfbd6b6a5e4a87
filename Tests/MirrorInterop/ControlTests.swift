// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import LiveTestSupport
internal import MirrorWire
internal import SyncJobs
internal import Testing

extension Live {
    /// The control client with our manager, and what it has that tunasynctl has not.
    @Suite("Control client") struct Control {
        private let folder: TemporaryDirectory

        init() throws { folder = try TemporaryDirectory("mirror") }

        @Test func givesEveryCommandAndTellsTheRealAnswer() async throws {
            let site = try MirrorSite(in: folder, mirrors: [Self.mirror("a", "sleep 600"), Self.mirror("b", "true")])
            try await site.start()
            try await site.wait(for: "a", "is syncing") { $0.web.status == .syncing }
            try await site.waitForRuns(1, of: "b")

            // No worker is named: there is one only.
            #expect(try ctl(site, "stop", "a").output == "Successfully send the command\n")
            try await site.wait(for: "a", "is paused") { $0.web.status == .paused }
            #expect(try ctl(site, "explain", "a").output.contains("paused"))
            #expect(try ctl(site, "enable", "a").status == 0)
            try await site.wait(for: "a", "is enabled") { $0.web.status != .paused }
            #expect(try ctl(site, "start", "a", "-w", MirrorSite.workerName, "--force").status == 0)
            let first = try await site.wait(for: "a", "is syncing again") { $0.web.status == .syncing }
            #expect(try ctl(site, "restart", "a").status == 0)
            try await site.wait(for: "a", "is another run") { $0.web.status == .syncing && $0.run > first.run }
            #expect(try ctl(site, "disable", "a").status == 0)
            try await site.wait(for: "a", "is disabled") { $0.web.status == .disabled }
            // A ping leaves the schedule alone: tunasync's takes the mirror out of it.
            let before = try await site.row("b")?.web.nextSchedule
            #expect(try ctl(site, "ping", "b").status == 0)
            #expect(try await site.row("b")?.web.nextSchedule == before)

            // tunasynctl says "Successfully" for mirrors that do not exist.
            for arguments in [
                ["start", "nothing"], ["start", "nothing", "-w", MirrorSite.workerName], ["reload", "-w", "nobody"],
            ] {
                let refused = try ctl(site, arguments)
                #expect(refused.status == 1, "\(refused.output)")
                #expect(refused.output.contains("no"), "\(refused.output)")
                #expect(!refused.output.contains("Successfully"))
            }
            #expect(
                try ctl(site, "set-size", "-w", MirrorSite.workerName, "b", "1.5T").output
                    == "Successfully updated mirror size to 1.5T\n")
            #expect(try await site.row("b")?.web.size == "1.5T")
            let list = try ctl(
                site, "list", "--all", "--format", "{{.Name}}={{.Status}}/{{.Size}}", "--status", "success")
            #expect(list.output == "b=success/1.5T\n")
            #expect(try ctl(site, "list", MirrorSite.workerName, "--table").output.contains("disabled"))
            #expect(try ctl(site, "workers", "--table").output.contains("online"))

            #expect(try ctl(site, "flush").output == "Successfully flushed disabled jobs\n")
            try site.stopWorker()
            #expect(
                try ctl(site, "rm-worker", "-w", MirrorSite.workerName).output == "Successfully removed the worker\n")
            try site.stopManager()
        }

        @Test func showsHistoryAndLogsAndFollowsEvents() async throws {
            let script = try folder.write(
                "job", "#!/bin/sh\necho hello from $TUNASYNC_MIRROR_NAME\nexit $(cat \(folder.file("code")))\n",
                mode: 0o755)
            try folder.write("code", "0")
            let site = try MirrorSite(in: folder, mirrors: [Self.mirror("job", script)])
            try await site.start()
            try await site.waitForRuns(1, of: "job")
            let watch = try ChildProcess([MirrorProgram.path, "ctl", "watch", "-m", site.address])
            try folder.write("code", "3")
            // The watch may begin after a run: another one is started until it says something.
            var runs = 1
            let heard = try await Patience.wait(for: "a failure on the watch", details: { site.report }) {
                () -> String? in
                try await site.command(.start, "job")
                runs += 1
                try await site.waitForRuns(runs, of: "job")
                while let line = try? watch.readLine(within: .milliseconds(500)) {
                    if line.contains(" failed") { return line }
                }
                return nil
            }
            #expect(heard.contains("\(MirrorSite.workerName)/job failed"), "\(heard)")
            watch.signal(SIGTERM)
            try watch.wait()

            let history = try ctl(site, "history", "job", "-n", "2")
            #expect(history.output.contains("failed") && history.output.contains("exit status 3"), "\(history.output)")
            #expect(try ctl(site, "history", "job", "--json").output.contains("\"state\": \"success\""))
            #expect(try ctl(site, "log", "job").output.contains("hello from job"))
            let logs = try ctl(site, "log", "job", "--list")
            #expect(logs.output.contains("failed"), "\(logs.output)")
            let oldest = try #require(await site.history("job").last)
            #expect(try ctl(site, "log", "job", "--run", "\(oldest.run)").output.contains("hello"))
            #expect(try ctl(site, "log", "job", "--run", "987654").status == 1)
            try site.stop()
        }

        @Test func theProcessNumberIsReallyWritten() async throws {
            let site = try MirrorSite(in: folder, mirrors: [])
            let file = folder.file("manager.pid")
            let manager = try ChildProcess([
                MirrorProgram.path, "m", "-c", folder.file("manager.conf"), "--pidfile", file, "--with-systemd", "-v",
            ])
            _ = try await Patience.wait(for: "the manager") { try await site.get("ping").status == 200 ? true : nil }
            #expect(String(decoding: try Files.read(file), as: UTF8.self) == "\(manager.pid)\n")
            let second = try MirrorProgram.run("manager", "-c", folder.file("manager.conf"), "--pidfile", file)
            #expect(second.status == 73 && second.output.contains("\(manager.pid)"), "\(second.output)")
            let third = try MirrorProgram.run("manager", "-c", folder.file("manager.conf"), "--port", "0")
            #expect(third.status == 75, "\(third.output)")
            manager.signal(SIGTERM)
            #expect(try manager.wait() == .exited(0))
            #expect(access(file, F_OK) != 0)
            let log = try manager.readToEnd()
            #expect(log.hasPrefix("[INFO]") || log.hasPrefix("[NOTICE]"), "\(log)")
        }

        @Test func recordsOfARunningManagerAreTakenOver() async throws {
            let old = try MirrorSite(in: folder, mirrors: [Self.mirror("kept", "true"), Self.mirror("held", "true")])
            try await old.start()
            for name in ["kept", "held"] { try await old.waitForRuns(1, of: name) }
            try await old.command(.stop, "held")
            try await old.wait(for: "held", "is paused") { $0.web.status == .paused }
            try old.stopWorker()
            let row = try #require(await old.row("kept"))
            let other = try TemporaryDirectory("mirror")
            let new = try MirrorSite(in: other, mirrors: [])
            let copied = try MirrorProgram.run("import", "--from", old.address, "--config", other.file("manager.conf"))
            #expect(
                copied.status == 0 && copied.output.contains("took over 2 mirrors of 1 workers"), "\(copied.output)")
            try old.stopManager()
            try await new.startManager()
            let taken = try #require(await new.row("kept"))
            #expect(taken.web.lastUpdate == row.web.lastUpdate)
            #expect(try await new.row("held")?.web.status == .paused)
            try new.stopManager()
        }

        private static func mirror(_ name: String, _ command: String) -> String {
            "name = \"\(name)\"\nprovider = \"command\"\nupstream = \"https://example.org/\"\ncommand = \"\(command)\""
        }

        private func ctl(_ site: MirrorSite, _ arguments: String...) throws -> (status: Int32?, output: String) {
            try ctl(site, arguments)
        }

        private func ctl(_ site: MirrorSite, _ arguments: [String]) throws -> (status: Int32?, output: String) {
            let (ending, output) = try ChildProcess.run(
                [MirrorProgram.path, "ctl"] + arguments + ["--manager", site.address],
                environment: ["HOME": "/nonexistent"])
            guard case .exited(let status) = ending else { return (nil, output) }
            return (status, output)
        }
    }
}
