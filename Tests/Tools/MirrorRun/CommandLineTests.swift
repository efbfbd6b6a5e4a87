// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import SyncJobs
import Testing

@testable import MirrorRun

@Suite("Command lines")
struct CommandLineTests {
    @Test(
        "are split as a shell does",
        arguments: [
            ("", []), ("  \t\n", []), ("a", ["a"]), ("a  b\tc", ["a", "b", "c"]),
            ("'a b' \"c d\"", ["a b", "c d"]), ("a'b'\"c\"d", ["abcd"]), ("''", [""]), ("\"\" x", ["", "x"]),
            (#"a\ b \"c\' \\"#, ["a b", "\"c'", "\\"]), (#"'a\b'"#, [#"a\b"#]),
            (#""a\"b\\c\$d\x""#, [#"a"b\c$d\x"#]), ("$HOME *.txt | b # c", ["$HOME", "*.txt", "|", "b", "#", "c"]),
            (#"--filter "risk .~tmp~/" --exclude .~tmp~/"#, ["--filter", "risk .~tmp~/", "--exclude", ".~tmp~/"]),
            ("a\\\nb", ["ab"]), ("é 'ß'", ["é", "ß"]),
        ])
    func areSplitAsAShellDoes(text: String, words: [String]) throws {
        #expect(try CommandLine.words(text) == words)
    }

    @Test(arguments: ["'a", "\"a", "a\\", "\"a\\\""])
    func areRefusedWhenTheyEndInTheMiddle(text: String) {
        let failure = #expect(throws: RunFailure.self) { try CommandLine.words(text) }
        #expect(failure?.failure == .configuration)
    }

    @Test(arguments: ["", "   ", "''"])
    func needAProgram(text: String) {
        let failure = #expect(throws: RunFailure.self) { try CommandLine.program(text) }
        #expect(failure?.failure == .configuration)
    }

    @Test(arguments: [(2, "2s"), (60, "1m0s"), (90, "1m30s"), (3600, "1h0m0s"), (7265, "2h1m5s")])
    func durationsAreWrittenAsTunasyncDoes(seconds: Int, text: String) {
        #expect(GoDuration.text(seconds: seconds) == text)
    }
}
