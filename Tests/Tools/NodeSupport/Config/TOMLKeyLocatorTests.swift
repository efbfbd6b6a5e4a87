// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

@testable import NodeSupport
import TestSupport
import Testing

@Suite struct TOMLKeyLocatorTests {
    @Test func findsKeysTablesAndWhatHeadersImply() {
        let locator = TOMLKeyLocator(
            """
            # comment = 1
            A = "x" # B = 2
              B='y'

            [T]
            A = 1
            "quoted key" = 2
            [ T . "in.ner" . 'x' ]
            C.D.E = 3
            [[L]]
            F = 1
            """)
        #expect(locator.line(of: []) == 1)
        #expect(locator.line(of: ["A"]) == 2)
        #expect(locator.line(of: ["B"]) == 3)
        #expect(locator.line(of: ["comment"]) == nil)
        #expect(locator.line(of: ["T"]) == 5)
        #expect(locator.line(of: ["T", "A"]) == 6)
        #expect(locator.line(of: ["T", "quoted key"]) == 7)
        #expect(locator.line(of: ["T", "in.ner"]) == 8)
        #expect(locator.line(of: ["T", "in.ner", "x"]) == 8)
        #expect(locator.line(of: ["T", "in.ner", "x", "C"]) == 9)
        #expect(locator.line(of: ["T", "in.ner", "x", "C", "D", "E"]) == 9)
        #expect(locator.line(of: ["L"]) == 10)
        #expect(locator.line(of: ["L", TOMLKeyLocator.item(0), "F"]) == 11)
    }

    @Test func knowsTheItemsOfArraysOfTablesAndOfLists() {
        func item(_ offset: Int) -> String { TOMLKeyLocator.item(offset) }
        let locator = TOMLKeyLocator(
            """
            [[m]]
            a = 1
            [m.env]
            b = 2
            [[m]]
            a = 3
            [[m.m]]
            a = 4
            [[m.m]]
            a = 5
            [m.m.env]
            b = 6
            [[m]]
            env.b = 7
            [other]
            list = [
              "x",
              { c = 8 },
              [ 9,
                10 ],
            ]
            """)
        #expect(locator.line(of: ["m"]) == 1)
        #expect(locator.line(of: ["m", item(0)]) == 1)
        #expect(locator.line(of: ["m", item(0), "a"]) == 2)
        #expect(locator.line(of: ["m", item(0), "env", "b"]) == 4)
        #expect(locator.line(of: ["m", item(1)]) == 5)
        #expect(locator.line(of: ["m", item(1), "a"]) == 6)
        #expect(locator.line(of: ["m", item(1), "m", item(0), "a"]) == 8)
        #expect(locator.line(of: ["m", item(1), "m", item(1)]) == 9)
        #expect(locator.line(of: ["m", item(1), "m", item(1), "a"]) == 10)
        #expect(locator.line(of: ["m", item(1), "m", item(1), "env", "b"]) == 12)
        #expect(locator.line(of: ["m", item(2), "env", "b"]) == 14)
        #expect(locator.line(of: ["m", item(3)]) == nil)
        #expect(locator.line(of: ["other", "list", item(0)]) == 17)
        #expect(locator.line(of: ["other", "list", item(1), "c"]) == 18)
        #expect(locator.line(of: ["other", "list", item(2), item(1)]) == 20)
    }

    @Test func stepsOverValuesThatLookLikeKeys() {
        let locator = TOMLKeyLocator(
            #"""
            A = """
            X = 1
            [Y]
            \""" """"
            B = '''
            Z = "'
            '''
            C = [ # D = 1
              "E = 1", ['F'], # ]
              { G = 1 },
            ]
            H = { I = 1, J.K = { L = "}" }, M = [1, 2] }
            N = "\"#[\\"
            O = 2026-01-01T00:00:00Z
            P = +1_000
            """#)
        for name in ["X", "Y", "Z", "D", "E", "F", "G", "I"] { #expect(locator.line(of: [name]) == nil, "\(name)") }
        #expect(locator.line(of: ["A"]) == 1)
        #expect(locator.line(of: ["B"]) == 5)
        #expect(locator.line(of: ["C"]) == 8)
        #expect(locator.line(of: ["H"]) == 12)
        #expect(locator.line(of: ["H", "I"]) == 12)
        #expect(locator.line(of: ["H", "J", "K", "L"]) == 12)
        #expect(locator.line(of: ["H", "M"]) == 12)
        #expect(locator.line(of: ["N"]) == 13)
        #expect(locator.line(of: ["O"]) == 14)
        #expect(locator.line(of: ["P"]) == 15)
    }

    @Test func readsEscapesInKeysAndWindowsLineEnds() {
        let locator = TOMLKeyLocator("\"a\\u00e9\\t\\U0001F600\" = 1\r\n'b\\n' = 2\r\n[c]\r\nd = 3\r\n")
        #expect(locator.line(of: ["aé\t😀"]) == 1)
        #expect(locator.line(of: ["b\\n"]) == 2)
        #expect(locator.line(of: ["c", "d"]) == 4)
    }

    @Test func agreesWithTheParserAboutWhichKeysThereAre() throws {
        let text = #"""
            top = 1
            [a.b]
            "x y" = { p = [ { q = 1 } ], r.s = '#' }
            [a.c]
            t = """
            u = 1"""
            [a]
            v.w = false
            [[d]]
            e = [{ f = 1 }, { f = 2 }]
            [[d]]
            [[d.g]]
            h = 1
            """#
        let report = ConfigReport(file: "f")
        let root = try #require(TOMLDocument.parse(Array(text.utf8), report: report))
        let locator = TOMLKeyLocator(text)
        func check(_ value: ConfigValue, _ path: [String]) {
            #expect(locator.line(of: path) != nil, "\(path)")
            switch value.kind {
            case .table(let values): for (key, inner) in values { check(inner, path + [key]) }
            case .list(let items):
                for (offset, inner) in items.enumerated() { check(inner, path + [TOMLKeyLocator.item(offset)]) }
            case .text, .integer, .boolean, .fraction, .other: break
            }
        }
        check(root, [])
    }

    @Test(arguments: 0..<200 as Range<UInt64>) func anyTextEnds(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let alphabet = Array("[[]]{}=.,#\"\"\"'''\\\n\r uU x1aé")
        let text = String((0..<200).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &generator)] })
        // That it ends without a trap is what is tested, and that lines stay within the text.
        let locator = TOMLKeyLocator(text)
        let lines = text.utf8.count { $0 == 0x0A } + 1
        #expect((locator.line(of: ["a"]) ?? 1) <= lines, "seed \(seed)")
    }
}
