// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit

/// Measures nodes: logs, links, and two or more replicas end to end.
@main
enum NodeBench {
    static func main() async {
        await BenchProgram(
            name: "node-bench",
            scenarios: [
                Scenario(EndToEnd.name, "two nodes, TLS 1.3, both logs durable", run: EndToEnd.run)
            ]
        ).main()
    }
}
