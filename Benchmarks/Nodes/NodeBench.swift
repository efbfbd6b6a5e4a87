// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit

/// Measures nodes: logs, links, and two or more replicas end to end.
@main
enum NodeBench {
    static func main() async throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        if arguments.first == Receiver.command { return try await Receiver.serve(arguments) }
        await BenchProgram(
            name: "node-bench",
            scenarios: [
                Scenario(
                    LogCommitRows.name, "records a commit in the log and in other stores", awaiting: LogCommitRows.run),
                Scenario(LogRecoverRows.name, "from a log with a torn tail to the state", awaiting: LogRecoverRows.run),
                Scenario(CompactRows.name, "dropping the log before a stable cut", awaiting: CompactRows.run),
                Scenario(EndToEnd.name, "two nodes, TLS 1.3, both logs durable", awaiting: EndToEnd.run),
                Scenario(Latency.name, "from a command to its acknowledgement by both nodes", awaiting: Latency.run),
                Scenario(CatchUpRows.name, "a peer that was away comes back", awaiting: CatchUpRows.run),
                Scenario(FanOut.name, "one writer, many replicas, one of them slow and one dead", awaiting: FanOut.run),
                Scenario(LagBench.name, "from a write here to a session there", awaiting: LagBench.run),
            ],
            peers: [BenchPeer(RocksDB.peer) { RocksDB.absence() }],
            options: [Place.option, EndToEnd.frameOption, CatchUpRows.option]
        ).main()
    }
}
