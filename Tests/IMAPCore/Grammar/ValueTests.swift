// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import IMAPCore
import Testing

@Suite struct ValueTests {
    @Test func keywordsCompareWithoutCaseAndKeepTheirSpelling() throws {
        let first = try #require(Keyword("$Forwarded"))
        let second = try #require(Keyword("$FORWARDED"))
        #expect(first == second)
        #expect(Set([first, second]).count == 1)
        #expect(first.name == "$Forwarded")
        #expect(Keyword("") == nil && Keyword("a b") == nil && Keyword("\\Seen") == nil && Keyword("\u{E9}") == nil)
    }

    @Test(arguments: ["\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft", "\\Recent", "$Junk"])
    func flagsRoundTripTheirNames(name: String) {
        #expect(Flag(wireName: name)?.wireName == name)
        #expect(Flag(wireName: name.uppercased()) == Flag(wireName: name))
    }

    @Test(arguments: ["\\Foo", "\\", "", "\\*", "a*"])
    func unknownSystemFlagsAreNoFlags(name: String) {
        #expect(Flag(wireName: name) == nil)
    }

    @Test func secretsStayHidden() throws {
        let command = try CommandParser.parse(CommandText("a LOGIN joe hunter2"))
        var dumped = ""
        dump(command, to: &dumped)
        #expect(!"\(command)".contains("hunter2") && !dumped.contains("hunter2"))
        #expect(!String(reflecting: command).contains("hunter2"))
        #expect(!"\(CommandText("a LOGIN joe hunter2"))".contains("hunter2"))
        var dumpedText = ""
        dump(CommandText("a LOGIN joe hunter2"), to: &dumpedText)
        #expect(!dumpedText.contains("104"))
        #expect(Set([Secret([1]), Secret([1]), Secret([2])]).count == 2)
        #expect(
            Secret([1, 2]) == Secret([1, 2]) && Secret([1, 2]) != Secret([1, 3]) && Secret([1]) != Secret([1, 2]))
    }

    @Test(arguments: ["a", "A001", "a.b", "a]", "a-_/", "."])
    func tagsAreTaken(text: String) { #expect(Tag(text)?.description == text) }

    @Test(arguments: ["", "+", "a+", "a b", "*", "%", "a(", "a\"", "a\\", "a{", "\u{E9}", "a\r"])
    func otherTextIsNoTag(text: String) { #expect(Tag(text) == nil) }

    @Test func partialRangesStayWithinTheSection() {
        #expect(PartialRange(offset: 0, maximumBytes: 10).clamped(to: 4) == 0..<4)
        #expect(PartialRange(offset: 5, maximumBytes: 10).clamped(to: 4) == 4..<4)
        #expect(PartialRange(offset: 1, maximumBytes: 2).clamped(to: 4) == 1..<3)
        #expect(PartialRange(offset: .max, maximumBytes: .max).clamped(to: 4) == 4..<4)
    }

    @Test func numbersFromOneAreNeverZero() {
        #expect(UID(0) == nil && SequenceNumber(0) == nil && UIDValidity(0) == nil)
        #expect(UID(.max)?.rawValue == .max)
    }

    @Test func errorsAreAnsweredInOnePlace() {
        #expect(IMAPError(code: .syntax, message: "x").status == .bad)
        #expect(IMAPError(code: .messageTooBig, message: "x").status == .no)
        #expect(IMAPError(code: .syntax, message: "x", scope: .connection).status == .bye)
        let tagged = IMAPError(code: .syntax, message: "x", tag: Tag("a"))
        #expect(tagged.tagged(Tag("b")).tag == Tag("a"))
    }
}
