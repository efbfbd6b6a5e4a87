// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Testing

@testable import NodeSupport

@Suite struct ConfigSectionTests {
    private let report = ConfigReport(file: "f.toml")

    private func read(_ text: String) throws -> ConfigSection {
        ConfigSection(root: try #require(TOMLDocument.parse(Array(text.utf8), report: report)), report: report)
    }

    private var told: [String] { report.problems.map(\.description) }

    @Test func readsEveryKindWithItsLine() throws {
        let root = try read("A = \"x\"\nB = 2\nC = true\nD = [\"y\", \"z\"]\n[E]\nF = \"127.0.0.1:1\"\n")
        #expect(root.text("A")?.value == "x")
        #expect(root.integer("B", in: 0...5)?.line == 2)
        #expect(root.boolean("C")?.value == true)
        #expect(root.texts("D")?.value == ["y", "z"])
        let inner = try #require(root.section("E"))
        #expect(inner.line == 5)
        #expect(inner.title == "[E]")
        #expect(inner.address("F", for: .connecting)?.value == HostPort(host: "127.0.0.1", port: 1))
        root.finish()
        inner.finish()
        #expect(told.isEmpty)
    }

    @Test func reportsTheKeyThatWasMeant() throws {
        let root = try read("Nmae = 1\n[T]\nx = 2\nzzzzzz = 3\n")
        _ = root.text("Name")
        let table = try #require(root.section("T"))
        _ = table.integer("xy", in: 0...9)
        root.finish()
        table.finish()
        #expect(
            told == [
                "f.toml:1: error: the file has no key Nmae; did you mean Name?",
                "f.toml:3: error: [T] has no key x; did you mean xy?",
                "f.toml:4: error: [T] has no key zzzzzz; docs/configuration.md lists the keys",
            ])
    }

    @Test func reportsWrongTypesAndRanges() throws {
        let root = try read("A = 1\nB = \"2\"\nC = 1.5\nD = [1]\nE = 9\n[F]\n[G]\nH = 2026-01-01\n")
        #expect(root.text("A") == nil)
        #expect(root.integer("B", in: 0...5) == nil)
        #expect(root.boolean("C") == nil)
        #expect(root.texts("D") == nil)
        #expect(root.integer("E", in: 0...5) == nil)
        #expect(root.text("F") == nil)
        #expect(root.section("A") == nil)
        #expect(root.section("G")?.text("H") == nil)
        #expect(
            told == [
                "f.toml:1: error: the file A must be a text, not a whole number; write it in quotes",
                "f.toml:1: error: the file A must be a table, not a whole number; write [A] above its keys",
                "f.toml:2: error: the file B must be a whole number, not a text; write it without quotes",
                "f.toml:3: error: the file C must be true or false, not a fraction; write it without quotes",
                "f.toml:4: error: the file D must be a list of texts, but holds a whole number",
                "f.toml:5: error: the file E is 9 and must be from 0 to 5",
                "f.toml:6: error: the file F must be a text, not a table",
                "f.toml:8: error: [G] H must be a text, not a date or time; write it in quotes",
            ])
    }

    @Test func reportsWhatIsMissingOrEmpty() throws {
        let root = try read("\n[T]\nA = \"\"\n")
        let table = try #require(root.section("T"))
        #expect(table.requiredText("A") == nil)
        #expect(table.requiredText("B") == nil)
        #expect(table.requiredInteger("C", in: 0...1) == nil)
        #expect(table.requiredAddress("D", for: .listening) == nil)
        #expect(
            told == [
                "f.toml:2: error: [T] needs B", "f.toml:2: error: [T] needs C", "f.toml:2: error: [T] needs D",
                "f.toml:3: error: [T] A is empty",
            ])
    }

    @Test func takesKeysInAnotherCaseWithAWarningAsTheOriginalDid() throws {
        let root = try read("name = \"a\"\nPORT = 1\nPort = 2\n")
        #expect(root.text("Name")?.value == "a")
        #expect(root.integer("Port", in: 0...9)?.value == 2)
        root.finish()
        #expect(
            told == [
                "f.toml:1: warning: the file name is taken for Name; write Name",
                "f.toml:2: error: the file has no key PORT; docs/configuration.md lists the keys",
            ])
    }

    @Test(
        arguments: [
            ("127.0.0.1:143", ConfigSection.AddressUse.connecting, "127.0.0.1:143"),
            ("mail.example:993", .connecting, "mail.example:993"), ("[::1]:993", .connecting, "[::1]:993"),
            ("0.0.0.0:993", .listening, "0.0.0.0:993"), (":993", .listening, "0.0.0.0:993"),
            (":993", .connecting, nil), ("0.0.0.0:993", .connecting, nil), ("[::]:993", .connecting, nil),
            ("127.0.0.1:0", .listening, nil), ("127.0.0.1", .listening, nil), ("127.0.0.1:imaps", .listening, nil),
            ("127.0.0.1:70000", .listening, nil), ("::1:993", .listening, nil),
        ] as [(String, ConfigSection.AddressUse, String?)]) func judgesAddresses(
            text: String, use: ConfigSection.AddressUse, expected: String?
        ) throws
    {
        let root = try read("A = \"\(text)\"\n")
        #expect(root.requiredAddress("A", for: use)?.value.description == expected)
        #expect(report.problems.count == (expected == nil ? 1 : 0))
        #expect(report.problems.allSatisfy { $0.line == 1 && $0.severity == .error })
    }

    @Test func anEmptyOptionalAddressIsNone() throws {
        #expect(try read("A = \"\"\n").address("A", for: .listening) == nil)
        #expect(told.isEmpty)
    }

    @Test(arguments: [
        ("A = \n", 1), ("A = 1\nB == 2\n", 2), ("A = 1\n\nA = 2\n", 3), ("[T]\nA = 1\n[T]\n", 3),
        ("A = \"x\nB = 1\n", 1), ("A = [1,\n2\n", 2), ("A = 99999999999999999999\n", 1),
    ]) func syntaxErrorsHaveLines(text: String, line: Int) {
        #expect(TOMLDocument.parse(Array(text.utf8), report: report) == nil)
        #expect(report.problems.map(\.line) == [line], "\(told)")
        #expect(report.problems.allSatisfy { $0.message.hasPrefix("this is not TOML: ") })
    }

    @Test func refusesWhatIsNoText() {
        #expect(TOMLDocument.parse([0x41, 0x0A, 0x42, 0xFF, 0x0A], report: report) == nil)
        #expect(told == ["f.toml:2: error: the text is not UTF-8; save the file as UTF-8"])
        let other = ConfigReport(file: "g")
        #expect(TOMLDocument.parse([0x0A, 0x0A, 0x00], report: other) == nil)
        #expect(other.problems.map(\.line) == [3])
    }

    @Test func aMarkAtTheBeginningIsSkipped() throws {
        let root = TOMLDocument.parse([0xEF, 0xBB, 0xBF] + Array("A = 1\n".utf8), report: report)
        #expect(root != nil)
        #expect(told.isEmpty)
    }

    @Test func depthIsBounded() {
        let deep = "A = " + String(repeating: "[", count: 100_000)
        #expect(TOMLDocument.parse(Array(deep.utf8), report: report) == nil)
        #expect(report.problems.count == 1)
    }

    @Test(arguments: ["", "[", "[["]) func theDepthOfKeysIsBounded(bracket: String) throws {
        let closing = bracket.replacing("[", with: "]")
        func text(_ steps: Int, _ part: String) -> [UInt8] {
            let key = Array(repeating: part, count: steps).joined(separator: ".")
            return Array("x = 1\n\(bracket)\(key)\(closing)\(bracket.isEmpty ? " = 2" : "")\n".utf8)
        }
        #expect(TOMLDocument.parse(text(200, "a"), report: report) != nil)
        #expect(told.isEmpty)
        for part in ["a", "\"a b\"", "'' "] {
            let other = ConfigReport(file: "f")
            #expect(TOMLDocument.parse(text(200_000, part), report: other) == nil)
            #expect(other.problems.map(\.description) == ["f:2: error: keys are nested more than 256 deep"])
        }
    }

    @Test func theDepthOfKeysInInlineTablesIsBounded() {
        let part = "{ " + Array(repeating: "a", count: 50).joined(separator: ".") + " = "
        let deep = "x = " + String(repeating: part, count: 100) + "1" + String(repeating: " }", count: 100)
        #expect(TOMLDocument.parse(Array(deep.utf8), report: report) == nil)
        #expect(told == ["f.toml:1: error: keys are nested more than 256 deep"])
    }

    @Test func keysWithANULAreUnknown() throws {
        let root = try read("\"A\\u0000B\" = 1\nC = 2\n")
        #expect(root.integer("C", in: 0...9)?.value == 2)
    }

    @Test(
        arguments: [
            ("Nmae", "Name"), ("name", "Name"), ("UserStrat", "UserStart"), ("CertLocation", nil), ("x", nil),
            ("PublicMailAdr", "PublicMailAddr"),
        ] as [(String, String?)]) func suggestsOnlyWhatIsNear(word: String, expected: String?)
    {
        let known = ["Name", "UserStart", "UserEnd", "PublicMailAddr", "ListenMailAddr", "CertLoc"]
        #expect(NearMiss.suggestion(for: word, among: known) == expected)
    }

    @Test func readsTablesOfArraysAndInlineTables() throws {
        let root = try read("[[t]]\na = 1\n[[t]]\na = 2\nx = 1\n[u]\nv = [{ a = 3 }, { a = 4 }]\nw = [{ a = 1 }, 2]\n")
        let tables = root.tables("t")
        #expect(tables.map { $0.integer("a", in: 0...9)?.value } == [1, 2])
        #expect(tables.map(\.line) == [1, 3])
        for table in tables { table.finish(.warning) }
        let inner = try #require(root.section("u"))
        #expect(inner.tables("v").map { $0.integer("a", in: 0...9)?.value } == [3, 4])
        #expect(inner.tables("w").isEmpty)
        #expect(inner.tables("none").isEmpty)
        #expect(
            told == [
                "f.toml:5: warning: [[t]] has no key x; docs/configuration.md lists the keys",
                "f.toml:8: error: [u] w must be a list of tables, not a whole number; write [[w]] above each",
            ])
    }

    @Test func readsNumbersAndListsOfNumbers() throws {
        let root = try read("a = 1.5\nb = 2\nc = [1,\n 2]\nd = [1,\n 300]\ne = [1,\n \"x\"]\nf = \"x\"\ng = 9.5\n")
        #expect(root.number("a", in: 0...9)?.value == 1.5)
        #expect(root.number("b", in: 0...9)?.value == 2)
        #expect(root.integers("c", in: 0...9)?.value == [1, 2])
        #expect(root.integers("d", in: 0...9) == nil)
        #expect(root.integers("e", in: 0...9) == nil)
        #expect(root.integers("f", in: 0...9) == nil)
        #expect(root.number("f", in: 0...9) == nil)
        #expect(root.number("g", in: 0...9) == nil)
        #expect(root.keys == ["a", "b", "c", "d", "e", "f", "g"])
        #expect(
            told == [
                "f.toml:6: error: the file d holds 300 and each must be from 0 to 9",
                "f.toml:8: error: the file e must be a list of whole numbers, but holds a text",
                "f.toml:9: error: the file f must be a list of whole numbers, not a text; write [1, 2]",
                "f.toml:9: error: the file f must be a number, not a text",
                "f.toml:10: error: the file g is 9.5 and must be from 0.0 to 9.0",
            ])
    }

    @Test func aReportHasTheProblemsOfSeveralFilesEachOnce() throws {
        let text = Array("a = 1\nb = 2\n".utf8)
        let other = try #require(TOMLDocument.parse(text, report: report, file: "g.toml"))
        report.error(7, "late")
        for _ in 0..<2 {
            let section = ConfigSection(root: other, report: report, title: "it", manual: "the manual")
            #expect(section.text("a") == nil)
            section.finish(.note)
        }
        report.error(3, "early")
        #expect(TOMLDocument.parse([0xFF], report: report, file: "h.toml") == nil)
        #expect(
            told == [
                "f.toml:3: error: early", "f.toml:7: error: late",
                "g.toml:1: error: it a must be a text, not a whole number; write it in quotes",
                "g.toml:2: note: it has no key b; the manual lists the keys",
                "h.toml:1: error: the text is not UTF-8; save the file as UTF-8",
            ])
        #expect(other.place == ConfigPlace(file: "g.toml", line: 1))
    }
}
