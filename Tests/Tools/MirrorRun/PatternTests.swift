// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Glibc
import LiveTestSupport
import SyncJobs
import TestSupport
import Testing

@testable import MirrorRun

@Suite("Patterns over logs")
struct PatternTests {
    /// Finds matches in a text that is in a file, with something before and after that does not belong to it.
    static func scan(_ pattern: String, _ text: String) throws -> PatternScan.Result {
        try scan(pattern, Array(text.utf8))
    }

    static func scan(_ pattern: String, _ text: [UInt8]) throws -> PatternScan.Result {
        let folder = try TemporaryDirectory("pattern")
        let path = try folder.write("log", Array("before".utf8) + text + Array("after".utf8))
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        defer { close(descriptor) }
        return try PatternScan.run(try PatternProgram(pattern), in: descriptor, 6..<Int64(6 + text.count))
    }

    @Test(
        "are counted as Go counts them",
        arguments: [
            ("a", "banana", 3), ("an", "banana", 2), ("ana", "banana", 1), ("x", "banana", 0), ("", "abc", 4),
            ("a*", "baac", 3), ("a*?", "aa", 3), ("a|ab", "abab", 2), ("b|an", "banana", 3), ("^a", "a\na", 1),
            ("(?m)^a", "a\na", 2),
            ("a$", "a\na", 1), ("(?m)a$", "a\na", 2), ("\\Aa\\z", "a", 1), (".+", "ab\ncd", 2), ("(?s).+", "ab\ncd", 1),
            ("(?i)ERROR", "error Error eRRor", 3), ("(?i:E)rror", "error Error ERROR", 2), ("é", "éa é", 2),
            ("(?i)É", "é É", 2), ("[^a]", "aéa\n", 2), ("\\d+", "1 22 333", 3), ("\\D+", "1 22", 1),
            ("[\\d.]+", "1.5 2", 2), ("[^\\d\\s]", "1a b", 2), ("\\bfoo\\b", "foo food foo", 2),
            ("\\Boo", "foo oo", 1), ("a{2}", "aaaaa", 2), ("a{2,}", "aaaaa", 1), ("a{1,2}", "aaaaa", 3),
            ("a{1,2}?", "aaa", 3), ("a{,2}", "a{,2}", 1), ("x{", "x{", 1), ("[[:alpha:]]+", "ab1cd", 2),
            ("[[:^alpha:]]", "a1b", 1), ("\\pL+", "aß1é", 2), ("\\p{Nd}", "1٣", 2), ("\\PL", "a1", 1),
            ("\\x41|\\x{42}", "AB", 2), ("\\Qa.b\\E", "a.b axb", 1), ("(?P<n>a)(?<m>b)", "ab", 1),
            ("[]a]", "]a", 2), ("[a-c-]", "a-d", 2), ("(a+)+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", 0),
            ("rsync error: .* \\(code 2[34]\\)", "x\nrsync error: some (code 23) at\n", 1),
            ("\\.", "a.b.", 2), ("(?U)a+", "aaa", 3), ("(?i)[k-m]", "KLMN", 3), ("\\101", "A", 1),
        ])
    func areCountedAsGoCountsThem(pattern: String, text: String, count: Int) throws {
        #expect(try Self.scan(pattern, text).count == count)
    }

    @Test(
        "give the first group of the last match",
        arguments: [
            ("size is (\\S+)", "size is 1\nsize is 22 x\n", "22"), ("(a)|b", "ab", "a"), ("(a*)b", "aab b", ""),
            ("((a)b)", "ab", "ab"), ("(?:x)(y)", "xy", "y"), ("(.*)G", "1G 2G 3", "1G 2"), ("(.*?)G", "1G 2G 3", " 2"),
            ("(a|ab)(c|bcd)", "abcd", "a"), ("(?m)^Total: (.+)$", "Total: é1\nTotal: ü2\n", "ü2"),
        ])
    func giveTheFirstGroupOfTheLastMatch(pattern: String, text: String, group: String) throws {
        #expect(try Self.scan(pattern, text).lastGroup == group)
    }

    @Test func aGroupThatTakesNoPartGivesNothing() throws {
        #expect(try Self.scan("(a)|b", "b").lastGroup == nil)
        #expect(try PatternProgram("a").groupCount == 0)
        #expect(try PatternProgram("(?:a)(b)(?P<c>d)\\(").groupCount == 2)
    }

    @Test(arguments: [
        "(", ")", "a)", "[", "[a", "*", "a**", "a{2}{3}", "a{1001}", "a{3,2}", "(?=a)", "(?!a)", "(?<=a)", "\\1", "\\y",
        "\\",
        "[b-a]", "[[:what:]]", "\\p{Greek}", "\\x{110000}", "\\xg", "(?P<>a)", "(?P<n", "(?z)a",
        "((a{1000}){1000}){1000}",
    ])
    func areRefusedWhenTheyAreNone(pattern: String) {
        let failure = #expect(throws: RunFailure.self) { try PatternProgram(pattern) }
        #expect(failure?.failure == .configuration)
    }

    @Test func areRefusedWhenTheyAreNestedTooDeeply() {
        let deep = String(repeating: "(", count: 5_000) + String(repeating: ")", count: 5_000)
        #expect(throws: RunFailure.self) { try PatternProgram(deep) }
    }

    @Test func bytesThatAreNoTextDoNotMatter() throws {
        #expect(try Self.scan("a.b", [0x61, 0xFF, 0x62, 0x61, 0xC3, 0x62]).count == 2)
        #expect(try Self.scan("\u{FFFD}", [0xED, 0xA0, 0x80]).count == 3)
    }

    @Test func matchesAcrossPiecesAreFound() throws {
        // A match begins at each distance from the end of the first piece.
        for distance in 0...8 {
            var text = [UInt8](repeating: UInt8(ascii: "x"), count: ScalarReader.pieceBytes - distance)
            text += Array("need(l)é!".utf8)
            text += [UInt8](repeating: UInt8(ascii: "x"), count: 2 * ScalarReader.pieceBytes)
            #expect(try Self.scan("need.(l).é", text).lastGroup == "l")
            #expect(try Self.scan("need\\((l)\\)é!", text) == PatternScan.Result(count: 1, lastGroup: "l"))
        }
    }

    /// Swift's own engine, which goes back and tries again, is the oracle for small patterns.
    @Test func agreeWithAnotherEngine() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<400 {
            let pattern = Self.pattern(3, &generator)
            let text = String(
                (0..<Int.random(in: 0...12, using: &generator)).map { _ in
                    "abc\n".randomElement(using: &generator) ?? "a"
                })
            let expected = text.matches(of: try Regex(pattern).matchingSemantics(.unicodeScalar))
                .filter { !$0.range.isEmpty }.map { String(text[$0.range]) }
            let found = try Self.nonEmpty(pattern, text)
            #expect(found == expected.count, "seed \(seed): \(pattern) in \(text.debugDescription): \(expected)")
        }
    }

    private static func nonEmpty(_ pattern: String, _ text: String) throws -> Int {
        // A letter before each match would do as well; counting non-empty matches needs the matches of `pattern` alone.
        try scan("(?:\(pattern))", text).count
    }

    private static func pattern(_ depth: Int, _ generator: inout SeededGenerator) -> String {
        let simple = ["a", "b", "c", ".", "[ab]", "[^a]"]
        guard depth > 0 else { return simple.randomElement(using: &generator) ?? "a" }
        switch Int.random(in: 0..<6, using: &generator) {
        case 0: return "(?:" + pattern(depth - 1, &generator) + "|" + pattern(depth - 1, &generator) + ")"
        case 1: return "(?:" + pattern(depth - 1, &generator) + ")+"
        case 2: return "(?:" + pattern(depth - 1, &generator) + ")+?"
        case 3: return "(?:" + pattern(depth - 1, &generator) + "){1,2}"
        default: return pattern(depth - 1, &generator) + pattern(depth - 1, &generator)
        }
    }
}
