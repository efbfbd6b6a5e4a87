// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import LiveTestSupport
import NIOPosix
import NodeSupport
@testable import PlutoService
import Testing

@Suite(.timeLimit(.minutes(10))) struct StatusTests {
    private static func peer(
        _ name: String, isReachable: Bool = true, isWritable: Bool = true, outgoing: String = "up",
        seconds: Double = 0
    ) -> PeerReport {
        PeerReport(
            name: name, replica: "1.1", isReachable: isReachable, isWritable: isWritable, outgoing: outgoing,
            incoming: "up",
            silentSeconds: 0.1, behind: LagReport(operations: 3, bytes: nil, seconds: seconds),
            ahead: LagReport(operations: 0, bytes: 0, seconds: 0), clockLeadSeconds: 0, refusals: 0, lastRefusal: nil)
    }

    private static func report(_ node: String, peers: [PeerReport], backends: [BackendReport] = []) -> NodeReport {
        let group = GroupReport(
            group: "users", replica: "2.1", peers: peers, operations: 12, stableOperations: 10, missingBodies: 1,
            isImporting: false, exports: 0, divergences: 0, repairs: 0,
            uids: UIDReport(epochs: ["takeOver": 2], greatestEpoch: 3, reissues: 4, conflicts: 5))
        return NodeReport(
            node: node, role: "worker", version: "1", uptimeSeconds: 61, sessions: 7,
            groups: peers.isEmpty ? [] : [group], backends: backends)
    }

    /// The columns for epochs, conflicts and re-issued UIDs held a dash at every node.
    @Test func tellsWhatTheStoreCounts() {
        let row = ClusterReport(entries: [
            .init(
                node: "worker-1", address: HostPort(host: "127.0.0.1", port: 1),
                answer: .success(Self.report("worker-1", peers: [Self.peer("worker-2")])))
        ]).table().split(separator: "\n").first { $0.hasPrefix("worker-1  users  12") }
        #expect(row?.split(separator: " ").suffix(5) == ["takeOver", "2", "5", "4", "0"], "\(row ?? "no row")")
    }

    @Test func asksEveryNodeAndMarksThoseThatDoNotAnswer() async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        let anywhere = try HostPort(parsing: "127.0.0.1:0")
        let expected = Self.report("worker-1", peers: [Self.peer("worker-2")])
        let one = try await MetricsServer.bind(
            anywhere, registry: MetricsRegistry(), pages: [StatusJSON.page { expected }], group: group)
        let other = try await MetricsServer.bind(anywhere, registry: MetricsRegistry(), group: group)
        let gone = try await MetricsServer.bind(anywhere, registry: MetricsRegistry(), group: group)
        await gone.close()
        let report = await StatusClient.ask([
            ("worker-1", one.address), ("other", other.address), ("gone", gone.address),
        ])
        #expect(report.entries.map(\.node) == ["worker-1", "other", "gone"])
        #expect(try report.entries[0].answer.get() == expected)
        for (entry, reason) in zip(report.entries.dropFirst(), ["404", "no answer"]) {
            guard case .failure(let error) = entry.answer else {
                Issue.record("\(entry.node) answered")
                continue
            }
            #expect(error.code == .statusUnusable && error.message.contains(reason), "\(error)")
        }
        #expect(report.worries.count == 2)
        #expect(report.table().contains("UNREACHABLE"))
        #expect(try report.json().contains("\"isWell\" : false"))
        await one.close()
        await other.close()
    }

    @Test func aNodeThatSaysNothingIsGivenUpInTime() async throws {
        let (descriptor, port) = try SilentPort.open()
        defer { SilentPort.close(descriptor) }
        var limits = StatusClient.Limits()
        limits.milliseconds = 200
        let address = HostPort(host: "127.0.0.1", port: port)
        let error = await #expect(throws: NodeError.self) { try await StatusClient.report(of: address, limits: limits) }
        #expect(error?.message.contains("in time") == true)
    }

    @Test func saysThatAllIsWell() {
        let report = ClusterReport(entries: [entry(Self.report("worker-1", peers: [Self.peer("worker-2")]))])
        #expect(report.worries.isEmpty)
        let table = report.table()
        for word in ["all is well", "worker-1", "1m1s", "takeOver 2", "3, ?, 0.0", "users"] {
            #expect(table.contains(word), "\(word) in\n\(table)")
        }
    }

    @Test(arguments: [
        (peer("worker-2", isReachable: false), "is not reachable"),
        (peer("worker-2", outgoing: "down"), "is not linked both ways"), (peer("worker-2", seconds: 31), "31 s and 3"),
        (peer("worker-2", seconds: 1e300), "s and 3 operations behind"),
        (peer("worker-2", isWritable: false), "worker-2 cannot write: its disk is full or fails"),
    ])
    func worriesAboutPeers(peer: PeerReport, words: String) {
        let report = ClusterReport(entries: [entry(Self.report("worker-1", peers: [peer]))])
        #expect(report.worries.count == 1)
        #expect(report.worries.first?.contains(words) == true, "\(report.worries)")
        #expect(report.table().contains("not well:"))
    }

    @Test func worriesAboutANodeThatCannotWrite() {
        var report = Self.report("worker-1", peers: [Self.peer("worker-2")])
        report.groups[0].isWritable = false
        #expect(
            ClusterReport(entries: [entry(report)]).worries == [
                "worker-1: group users: cannot write: its disk is full or fails"
            ])
    }

    @Test func worriesAboutNodesThatADistributorCannotReach() {
        let backends = [
            BackendReport(name: "worker-1", address: "127.0.0.1:1", isUp: true),
            BackendReport(name: "storage", address: "127.0.0.1:2", isUp: false),
        ]
        let report = ClusterReport(entries: [entry(Self.report("d", peers: [], backends: backends))])
        #expect(report.worries == ["d: storage does not answer at 127.0.0.1:2"])
        #expect(report.table().contains("DOWN"))
    }

    private func entry(_ report: NodeReport) -> ClusterReport.Entry {
        ClusterReport.Entry(
            node: report.node, address: HostPort(host: "127.0.0.1", port: 1), answer: .success(report))
    }
}
