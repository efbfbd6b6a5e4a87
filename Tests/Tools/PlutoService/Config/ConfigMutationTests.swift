// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import NodeSupport
import TestSupport
import Testing

@testable import PlutoService

/// Files that were damaged at random: whatever they say, there is an answer.
@Suite struct ConfigMutationTests {
    @Test(arguments: 0..<300 as Range<UInt64>) func damagedFilesAreJudged(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var bytes = Array(OriginalStyle.text.utf8)
        for _ in 0..<Int.random(in: 1...4, using: &generator) { damage(&bytes, using: &generator) }
        let (configuration, problems) = ClusterConfiguration.examine(bytes, file: "/etc/pluto/config.toml")
        let hasErrors = problems.contains { $0.severity == .error }
        #expect((configuration == nil) == hasErrors, "seed \(seed): \(problems.map(\.description))")
        let lines = bytes.count { $0 == 0x0A } + 1
        #expect(problems.allSatisfy { (1...lines).contains($0.line) }, "seed \(seed)")
        #expect(problems.allSatisfy { !$0.message.contains("\n") }, "seed \(seed)")
    }

    private func damage(_ bytes: inout [UInt8], using generator: inout SeededGenerator) {
        let place = Int.random(in: 0..<bytes.count, using: &generator)
        switch Int.random(in: 0..<5, using: &generator) {
        case 0: bytes.remove(at: place)
        case 1: bytes[place] = UInt8.random(in: .min ... .max, using: &generator)
        case 2: bytes.insert(contentsOf: Array("[]{}=\"'#\n.,-9".utf8.shuffled(using: &generator).prefix(2)), at: place)
        case 3:
            // A line twice.
            let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
            let line = Int.random(in: 0..<lines.count, using: &generator)
            bytes = Array((lines[...line] + lines[line...]).joined(separator: [0x0A]))
        default:
            // A line less.
            var lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
            lines.remove(at: Int.random(in: 0..<lines.count, using: &generator))
            bytes = Array(lines.joined(separator: [0x0A]))
        }
    }
}
