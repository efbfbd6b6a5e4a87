// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import IMAPCore
import TestSupport
import Testing

@Suite("Substring search")
struct SubstringMatcherTests {
    private static func matches(_ needle: [UInt8], _ haystack: [UInt8], chunk: Int) -> Bool {
        var matcher = SubstringMatcher(needle: needle)
        var index = 0
        while index < haystack.count {
            let piece = Array(haystack[index..<min(index + chunk, haystack.count)])
            matcher.consume(piece.span)
            index += chunk
        }
        return matcher.finish()
    }

    @Test(arguments: [
        ("", "", true), ("", "x", true), ("a", "", false), ("needle", "hayNEEDLEstack", true), ("aab", "aaaaab", true),
        ("abab", "abaabab", true), ("GRÜSSE", "viele grüße", true), ("STRASSE", "Straße", true), ("ü", "Ü", true),
        ("σ", "ς", true), ("ab", "a b", false), ("привет", "Ну, ПРИВЕТ!", true), ("abc", "ab", false),
        ("\u{FFFD}", "\u{FFFD}", true),
    ])
    func finds(needle: String, haystack: String, expected: Bool) {
        for chunk in 1...4 { #expect(Self.matches(mailOctets(needle), mailOctets(haystack), chunk: chunk) == expected) }
    }

    @Test func agreesWithTheNaiveSearch() {
        for seed in UInt64(0)..<2000 {
            var generator = SeededGenerator(seed: seed)
            let letters = mailOctets("abA")
            let needle = (0..<Int.random(in: 1...5, using: &generator)).map { _ in
                letters.randomElement(using: &generator) ?? 0
            }
            let haystack = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
                letters.randomElement(using: &generator) ?? 0
            }
            let lower = mailText(haystack).lowercased()
            let expected = lower.contains(mailText(needle).lowercased())
            let chunk = Int.random(in: 1...10, using: &generator)
            #expect(Self.matches(needle, haystack, chunk: chunk) == expected, "seed \(seed)")
        }
    }
}
