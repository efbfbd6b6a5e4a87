// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import LiveTestSupport
internal import MirrorWire
internal import SyncJobs
internal import Testing

extension Live {
    /// Mirrors of a real rsync daemon.
    @Suite("Sync") struct Sync {
        private let folder: TemporaryDirectory

        init() throws { folder = try TemporaryDirectory("mirror") }

        @Test func followsAnUpstreamOfThousandsOfFilesThroughChangesAndDeletions() async throws {
            let upstream = try await RsyncServer(in: folder, modules: ["many"])
            try SampleTree.fill(upstream, "many", files: 4_000)
            try upstream.write("many", "large.bin", SampleTree.noise(3_000_000, seed: 1))
            let site = try MirrorSite(
                in: folder,
                mirrors: ["name = \"many\"\nprovider = \"rsync\"\nupstream = \"\(upstream.address("many"))\""])
            try await site.start()

            let first = try await site.waitForRuns(1, of: "many")
            #expect(first.state == .success, "\(first) \(site.report)")
            #expect(try SampleTree.differences(upstream.folder("many"), site.content("many")) == [])
            let row = try #require(await site.row("many"))
            #expect(MirrorStatus.isKnown(size: row.web.size), "\(row)")
            #expect(row.web.lastUpdate.isSameInstant(as: row.web.lastEnded))
            #expect(!row.web.nextSchedule.isNever)

            // One file changes, one comes, a folder of a hundred goes.
            try upstream.write("many", "pool/7/file-701.txt", Array("changed\n".utf8))
            try upstream.write("many", "pool/new/one.txt", Array("new\n".utf8))
            for number in 1_200..<1_300 { try Files.delete(upstream.folder("many") + "/pool/12/file-\(number).txt") }
            try await site.command(.start, "many")
            let second = try await site.waitForRuns(2, of: "many")
            #expect(second.state == .success, "\(second)")
            #expect(second.run > first.run)
            #expect(try SampleTree.differences(upstream.folder("many"), site.content("many")) == [])
            #expect(!Files.names(in: site.content("many") + "/pool/new").isEmpty)
            try site.stop()
        }

        @Test func aFailedRunSaysWhyAndTheNextOneSucceeds() async throws {
            let upstream = try await RsyncServer(in: folder, modules: ["here"])
            try SampleTree.fill(upstream, "here", files: 10)
            let missing = "name = \"m\"\nprovider = \"rsync\"\nupstream = \"\(upstream.address("nowhere"))\""
            let site = try MirrorSite(in: folder, mirrors: [missing])
            try await site.start()
            let failed = try await site.waitForRuns(1, of: "m")
            #expect(failed.state == .failed)
            let row = try await site.wait(for: "m", "is failed") { $0.web.status == .failed }
            // rsync's code 5 with its meaning, which tunasync wrote into the log only.
            #expect(row.errorMessage.contains("5"), "\(row.errorMessage)")
            #expect(row.errorMessage.lowercased().contains("client-server protocol"), "\(row.errorMessage)")
            #expect(row.web.lastUpdate.isNever)

            try site.configure(["name = \"m\"\nprovider = \"rsync\"\nupstream = \"\(upstream.address("here"))\""])
            try await site.command(.reload, "")
            let good = try await Patience.wait(for: "a success after the reload", details: { site.report }) {
                try await site.history("m").first { $0.state == .success }
            }
            #expect(good.message.isEmpty)
            #expect(try SampleTree.differences(upstream.folder("here"), site.content("m")) == [])
            try site.stop()
        }

        @Test func anAttemptThatTakesTooLongIsEndedAndReported() async throws {
            let site = try MirrorSite(
                in: folder,
                mirrors: [
                    "name = \"slow\"\nprovider = \"command\"\ntimeout = 1\nupstream = \"https://example.org/\"\ncommand = \"sleep 600\""
                ])
            try await site.start()
            let run = try await site.waitForRuns(1, of: "slow")
            #expect(run.state == .failed)
            #expect(run.message.contains("timeout"), "\(run)")
            try site.stop()
        }

        @Test func aStoppedRunPausesTheMirrorAndAStartFinishesTheWork() async throws {
            let upstream = try await RsyncServer(in: folder, modules: ["big"])
            for number in 0..<40 {
                try upstream.write("big", "part-\(number).bin", SampleTree.noise(200_000, seed: UInt64(number + 1)))
            }
            let site = try MirrorSite(in: folder, mirrors: [Self.big(upstream, limit: 400)])
            try await site.start()
            try await site.wait(for: "big", "makes progress") { $0.web.status == .syncing && $0.progress != nil }
            try await site.command(.stop, "big")
            let paused = try await site.wait(for: "big", "is paused") { $0.web.status == .paused }
            #expect(paused.progress == nil)
            // Nothing of the run is left over.
            let content = site.content("big")
            #expect(try ProcessTable.commands(mentioning: content).isEmpty)

            try site.configure([Self.big(upstream, limit: nil)])
            try await site.command(.reload, "")
            try await site.command(.start, "big")
            _ = try await site.wait(for: "big", "has succeeded") { $0.web.status == .success }
            #expect(try SampleTree.differences(upstream.folder("big"), content) == [])
            try site.stop()
        }

        @Test func theLogOfARunIsReadWhileItGrows() async throws {
            let script = try folder.write(
                "talk", "#!/bin/sh\nfor n in 1 2 3 4 5 6; do echo line $n; sleep 0.3; done\n", mode: 0o755)
            let site = try MirrorSite(
                in: folder,
                mirrors: [
                    "name = \"talk\"\nprovider = \"command\"\nupstream = \"https://example.org/\"\ncommand = \"\(script)\""
                ])
            try await site.start()
            try await site.wait(for: "talk", "is syncing") { $0.web.status == .syncing }
            let followed = try MirrorProgram.run(
                "ctl", "log", "talk", "--follow", "--manager", site.address)
            #expect(followed.status == 0, "\(followed.output)")
            #expect(followed.output.contains("line 6"), "\(followed.output)")
            #expect(followed.output.contains("line 1"), "\(followed.output)")
            try site.stop()
        }

        private static func big(_ upstream: RsyncServer, limit: Int?) -> String {
            let options = limit.map { "\nrsync_options = [\"--bwlimit=\($0)\", \"--info=progress2\"]" } ?? ""
            return "name = \"big\"\nprovider = \"rsync\"\nupstream = \"\(upstream.address("big"))\"\(options)"
        }
    }
}

/// What runs on this machine.
enum ProcessTable {
    /// The command lines that contain a text, with their process ids; not this process's own.
    static func commands(mentioning text: String) throws -> [(pid: Int32, command: String)] {
        Files.names(in: "/proc").compactMap { name -> (pid: Int32, command: String)? in
            guard let pid = Int32(name), pid != getpid() else { return nil }
            // A process may end while it is looked at; a zombie has no command line.
            guard let bytes = try? Files.read("/proc/\(pid)/cmdline"), !bytes.isEmpty else { return nil }
            let command = String(decoding: bytes.map { $0 == 0 ? 0x20 : $0 }, as: UTF8.self)
            return command.contains(text) ? (pid, command) : nil
        }
    }
}
