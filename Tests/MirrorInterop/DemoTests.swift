// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import LiveTestSupport
internal import MirrorWire
internal import SyncJobs
internal import Testing

extension Live {
    /// `mirror demo`, the first thing that people run.
    @Suite("Demo") struct Demo {
        private let folder: TemporaryDirectory

        init() throws { folder = try TemporaryDirectory("demo") }

        @Test func servesThePageOfMirrorsThatAreSyncedAndEndsCleanly() async throws {
            let (demo, page) = try start()
            let requests = ManagerRequests(address: page, token: nil)
            #expect(try await requests.send("GET", "").text.contains("<title>Mirrors</title>"))
            _ = try await Patience.wait(for: "the first successes") { () -> Bool? in
                let rows = try [MirrorRow](json: try await requests.send("GET", "api/v1/mirrors").body)
                let good = Set(rows.filter { $0.web.status == .success }.map(\.web.name))
                // What waits for its window is known too.
                guard good.isSuperset(of: ["debian", "docs"]) else { return nil }
                return rows.contains { $0.web.name == "night-only" } ? true : nil
            }
            #expect(Files.names(in: folder.file("site/mirrors/docs")).contains("index.html"))
            demo.signal(SIGINT)
            #expect(try demo.wait(within: .seconds(120)) == .exited(0))
            #expect(try demo.readToEnd() == "")
            #expect(try ProcessTable.commands(mentioning: folder.path).isEmpty)
        }

        @Test func startsAKilledWorkerAgainAndLeavesNothingWhenItIsKilledItself() async throws {
            let (demo, page) = try start()
            let requests = ManagerRequests(address: page, token: nil)
            let worker = try #require(
                try ProcessTable.commands(mentioning: folder.file("site/worker.conf")).first {
                    $0.command.contains(" worker ")
                })
            kill(worker.pid, SIGKILL)
            _ = try await Patience.wait(for: "another worker") { () -> Bool? in
                let all = try ProcessTable.commands(mentioning: self.folder.file("site/worker.conf"))
                return all.contains { $0.pid != worker.pid && $0.command.contains(" worker ") } ? true : nil
            }
            _ = try await Patience.wait(for: "the manager") {
                try await requests.send("GET", "ping").status == 200 ? true : nil
            }
            demo.signal(SIGKILL)
            try demo.wait()
            _ = try await Patience.wait(for: "the end of all its processes") {
                try ProcessTable.commands(mentioning: self.folder.path).isEmpty ? true : nil
            }
        }

        /// Starts a demo and waits for its ready line.
        ///
        /// - Returns: the process, and the address of the page without a slash at its end.
        private func start() throws -> (ChildProcess, String) {
            let demo = try ChildProcess([
                MirrorProgram.path, "demo", "--directory", folder.file("site"), "--port", "\(try FreePort.find(1)[0])",
            ])
            var said: [String] = []
            while let line = try demo.readLine() {
                said.append(line)
                guard line.hasPrefix("ready ") else { continue }
                let page = line.split(separator: " ").first { $0.hasPrefix("page=") }?.dropFirst(5) ?? ""
                return (demo, String(page.dropLast()))
            }
            throw LiveFailure("the demo is not ready; it said \(said)")
        }
    }
}
