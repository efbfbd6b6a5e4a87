// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import LiveTestSupport
internal import Testing

/// `pluto demo --regions N`: the whole cluster on one machine.
@Suite(.serialized, .timeLimit(.minutes(10))) struct DemoClusterTests {
    private let folder: TemporaryDirectory

    init() throws { folder = try TemporaryDirectory("demo") }

    private func status(_ demo: DemoProcess, _ options: [String] = []) throws -> (
        ending: ChildProcess.Ending, output: String
    ) {
        try ChildProcess.run([PlutoServer.executable, "status", "--config", try demo.fact("config")] + options)
    }

    @Test func mailOfOneRegionIsSeenInTheOthersAndOutlivesItsWorker() throws {
        let demo = try DemoProcess(directory: folder.file("mail"), regions: 3)
        let addresses = try (1...3).map { try demo.fact("distributor-\($0).imaps") }
        let authority = try demo.fact("ca")
        do {
            _ = try PythonClient.run(
                """
                clients = [connect(a, 'alice', 'wonderland') for a in sys.argv[2:5]]
                clients[0].append('INBOX', None, None, message('from-1'))
                for client in clients: wait_for(client, 'from-1')
                clients[2].append('INBOX', None, None, message('from-3'))
                for client in clients: wait_for(client, 'from-3')
                clients[1].create('Trip')
                clients[1].append('Trip', None, None, message('from-2'))
                for client in clients: wait_for(client, 'from-2', 'Trip')
                """, authority: authority, addresses)
            try demo.kill("worker-1")
            _ = try PythonClient.run(
                """
                one, two = [connect(a, 'alice', 'wonderland') for a in sys.argv[2:4]]
                wait_for(one, 'from-1')
                one.append('INBOX', None, None, message('while-down'))
                wait_for(two, 'while-down')
                """, authority: authority, addresses)
            let report = try status(demo)
            #expect(report.ending == .exited(1), "\(report.output)")
            #expect(report.output.contains("worker-1") && report.output.contains("UNREACHABLE"), "\(report.output)")
        } catch {
            Issue.record("\(error)\n\(demo.logTail)")
        }
        try demo.stop()
    }

    @Test func statusSaysThatAllIsWellAndMailOutlivesARestart() throws {
        var demo = try DemoProcess(directory: folder.file("mail"), regions: 2)
        _ = try PythonClient.run(
            """
            one, two = [connect(a, 'bob', 'builder') for a in sys.argv[2:4]]
            one.append('INBOX', None, None, message('kept'))
            wait_for(two, 'kept')
            """, authority: try demo.fact("ca"),
            [try demo.fact("distributor-1.imaps"), try demo.fact("distributor-2.imaps")])
        var report = try status(demo)
        let deadline = Deadline(.seconds(30))
        while report.ending != .exited(0), !deadline.isOver { report = try status(demo) }
        #expect(report.ending == .exited(0), "\(report.output)\n\(demo.logTail)")
        #expect(report.output.contains("all is well"), "\(report.output)")
        let json = try status(demo, ["--json"])
        #expect(json.output.contains("\"isWell\" : true"), "\(json.output)")
        let members = try ChildProcess.run([
            PlutoServer.executable, "member", "list", "--config", try demo.fact("config"), "--node", "storage",
        ])
        #expect(members.ending == .exited(0), "\(members.output)")
        for name in ["worker-1", "worker-2", "storage (asked)"] {
            #expect(members.output.contains(name), "\(members.output)")
        }
        try demo.stop()

        demo = try DemoProcess(directory: folder.file("mail"), regions: 2)
        _ = try PythonClient.run(
            "wait_for(connect(sys.argv[2], 'bob', 'builder'), 'kept')", authority: try demo.fact("ca"),
            [try demo.fact("distributor-2.imaps")])
        try demo.stop()
    }

    @Test func nodesEndWithTheDemoHoweverItEnds() throws {
        let demo = try DemoProcess(directory: folder.file("mail"), regions: 1)
        let pids = try ["distributor-1", "worker-1", "storage"].map { try demo.fact("\($0).pid") }
        demo.process.signal(9)
        try demo.process.wait()
        let deadline = Deadline(.seconds(30))
        // A process that has ended is gone from /proc, or a zombie without an executable until it is reaped.
        while pids.contains(where: { isRunning($0) }) {
            try #require(!deadline.isOver, "\(pids.filter { isRunning($0) }) still run")
        }
    }

    private func isRunning(_ pid: String) -> Bool {
        // There is no such file when the process is gone.
        guard let line = try? Files.read("/proc/\(pid)/stat") else { return false }
        let state = String(decoding: line, as: UTF8.self).split(separator: ")").last?.split(separator: " ").first
        return state != "Z" && state != "X"
    }
}
