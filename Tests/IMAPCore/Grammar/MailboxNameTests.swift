// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import IMAPCore
import TestSupport
import Testing

@Suite struct MailboxNameTests {
    @Test(arguments: ["INBOX", "inbox", "iNbOx"])
    func everySpellingOfInboxIsInbox(text: String) throws {
        #expect(try MailboxName(text) == .inbox)
        #expect(try MailboxName(text).value == "INBOX")
    }

    @Test(arguments: ["inbox/a", "INBOXX", "nbox"])
    func otherNamesKeepTheirCase(text: String) throws {
        #expect(try MailboxName(text).value == text)
        #expect(try !MailboxName(text).isInbox)
    }

    @Test(arguments: ["", "a\u{0}b", "a\nb", "a\rb", "\u{7F}", "a\u{85}b", "a\u{2028}b", "\u{1B}[2J"])
    func refusesEmptyNamesAndControlCharacters(text: String) {
        #expect { try MailboxName(text) } throws: { error in
            guard let error = error as? IMAPError else { return false }
            return error.code == .invalidMailboxName && error.status == .no && error.responseCode == .cannot
        }
    }

    @Test func refusesNamesThatAreTooLong() throws {
        #expect(throws: Never.self) { try MailboxName(String(repeating: "a", count: 1_000)) }
        #expect(throws: IMAPError.self) { try MailboxName(String(repeating: "a", count: 1_001)) }
    }

    @Test func namesThatOnlyLookEqualDiffer() throws {
        let composed = try MailboxName("\u{E9}")
        let decomposed = try MailboxName("e\u{301}")
        #expect(composed != decomposed)
        #expect(Set([composed, decomposed]).count == 2)
        #expect(decomposed < composed)
    }

    @Test func pathLikeNamesAreNamesLikeAnyOther() throws {
        // pluto.md D7: what such a name means is for the store to say, which never makes a path of it.
        for name in ["../user2/evil", "..", "cur", "/etc/passwd", "a/../../b", "~root"] {
            let command = try CommandParser.parse(CommandText("a CREATE \"\(name)\""))
            #expect(command.body == .create(try MailboxName(name), specialUse: []))
        }
    }
}

@Suite struct ListPatternTests {
    private static let delimiter = UInt8(ascii: "/")

    @Test(arguments: [
        ("*", "a/b/c", true), ("%", "a", true), ("%", "a/b", false), ("%/%", "a/b", true), ("%/%", "a/b/c", false),
        ("a*", "a/b", true), ("a%", "a/b", false), ("*c", "a/b/c", true), ("", "a", false), ("a", "a", true),
        ("a", "A", false), ("inbox", "INBOX", true), ("InB%", "INBOX", true), ("*X", "INBOX", true),
        ("INBOX", "INBOX/a", false),
        ("%*", "a/b", true), ("*%", "a/b", true), ("a/%", "a/", true), ("%b%", "abc", true), ("100%", "100%", true),
    ])
    func matches(pattern: String, name: String, expected: Bool) throws {
        #expect(try ListPattern(pattern).matches(try MailboxName(name), delimiter: Self.delimiter) == expected)
    }

    /// The obvious definition, exponential in the number of wildcards.
    private static func oracle(_ pattern: ArraySlice<UInt8>, _ name: ArraySlice<UInt8>) -> Bool {
        guard let first = pattern.first else { return name.isEmpty }
        let rest = pattern.dropFirst()
        if first == UInt8(ascii: "*") || first == UInt8(ascii: "%") {
            if oracle(rest, name) { return true }
            guard let byte = name.first, first == UInt8(ascii: "*") || byte != delimiter else { return false }
            return oracle(pattern, name.dropFirst())
        }
        return name.first == first && oracle(rest, name.dropFirst())
    }

    @Test func agreesWithTheObviousDefinition() throws {
        var generator = SeededGenerator(seed: 21)
        for _ in 0..<20_000 {
            let pattern = (0..<Int.random(in: 0...6, using: &generator)).map { _ in
                Array("ab/*%".utf8).randomElement(using: &generator) ?? 0
            }
            let name = (0..<Int.random(in: 1...6, using: &generator)).map { _ in
                Array("ab/".utf8).randomElement(using: &generator) ?? 0
            }
            let result = try ListPattern(String(decoding: pattern, as: UTF8.self)).matches(
                try MailboxName(String(decoding: name, as: UTF8.self)), delimiter: Self.delimiter)
            #expect(result == Self.oracle(pattern[...], name[...]))
        }
    }

    @Test func manyWildcardsCostNoMoreThanTheProductOfTheLengths() throws {
        let pattern = try ListPattern(String(repeating: "*a", count: 400))
        let name = try MailboxName(String(repeating: "a", count: 390) + "b")
        #expect(!pattern.matches(name, delimiter: Self.delimiter))
    }

    @Test func aReferenceStandsInFrontOfThePattern() throws {
        let joined = try ListPattern("%").prefixed(by: try ListReference("a/"))
        #expect(joined.value == "a/%")
        #expect(try !joined.isEmpty && ListPattern("").isEmpty)
    }
}
