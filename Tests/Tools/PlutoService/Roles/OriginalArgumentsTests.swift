// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import NodeSupport
import PlutoService
import Testing

@Suite struct OriginalArgumentsTests {
    @Test(arguments: [
        ("-distributor", "distributor"), ("-distributor -config c.toml", "distributor --config c.toml"),
        ("-config c.toml -distributor", "distributor --config c.toml"),
        ("-worker worker-1 -config c.toml -loglevel debug", "worker worker-1 --config c.toml --log-level debug"),
        ("-loglevel warn -storage", "storage --log-level warning"),
        ("--storage --config=c.toml", "storage --config c.toml"),
        ("-worker=eu-1 -loglevel=error", "worker eu-1 --log-level error"),
        ("-storage=true -distributor=false", "storage"), ("-worker -x", "worker -x"),
    ])
    func translatesTheOriginalsCommandLine(original: String, ours: String) throws {
        #expect(try OriginalArguments.translate(words(original)) == words(ours))
    }

    @Test(arguments: [
        "", "demo", "demo --regions 3", "worker worker-1 --config c.toml", "--help", "-h", "--version",
        "storage -config c.toml", "-", "--", "-help",
    ])
    func leavesEverythingElseAlone(line: String) throws {
        #expect(try OriginalArguments.translate(words(line)) == words(line))
    }

    /// "-distributor -storage" once started the distributor of the name "storage", or said that there is none.
    @Test(arguments: [
        ("-storage -distributor", "more than one node is named"), ("-distributor -worker a", "more than one node"),
        ("-config c.toml", "no node is named"), ("-loglevel debug", "no node is named"),
        ("-storage=false", "no node is named"), ("-worker", "-worker needs a value"),
        ("-storage -config", "-config needs a value"), ("-distributor extra", "\"extra\" is not among the flags"),
        ("-distributor -verbose", "\"-verbose\" is not among the flags"),
    ])
    func saysWhatIsWrongWithTheOriginalsFlags(line: String, reason: String) {
        let error = #expect(throws: NodeError.self) { try OriginalArguments.translate(words(line)) }
        #expect(error?.code == .argumentsUnusable)
        #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
    }

    private func words(_ line: String) -> [String] { line.split(separator: " ").map(String.init) }
}
