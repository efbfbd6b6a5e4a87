// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

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
    func translatesTheOriginalsCommandLine(original: String, ours: String) {
        #expect(OriginalArguments.translate(words(original)) == words(ours))
    }

    @Test(arguments: [
        "", "demo", "demo --regions 3", "worker worker-1 --config c.toml", "--help", "-h", "--version",
        "-config c.toml",
        "-worker", "-distributor -verbose", "-distributor extra", "storage -config c.toml", "-", "--",
    ])
    func leavesEverythingElseAlone(line: String) {
        #expect(OriginalArguments.translate(words(line)) == words(line))
    }

    @Test func twoRolesAreLeftForTheParserToRefuse() {
        #expect(OriginalArguments.translate(["-storage", "-distributor"]) == ["storage", "distributor"])
    }

    private func words(_ line: String) -> [String] { line.split(separator: " ").map(String.init) }
}
