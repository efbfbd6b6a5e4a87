// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import IMAPCore
import Testing

@Suite struct FetchParserTests {
    private func items(_ text: String) throws(IMAPError) -> [FetchItem] {
        guard case .fetch(_, let items, _) = try parse("FETCH 1 \(text)") else { return [] }
        return items
    }

    private func section(_ text: String) throws(IMAPError) -> BodySection? {
        guard case .bodySection(let section, _, _)? = try items("BODY.PEEK[\(text)]").first else { return nil }
        return section
    }

    @Test func expandsTheMacros() throws {
        #expect(try items("ALL") == [.flags, .internalDate, .rfc822Size, .envelope])
        #expect(try items("fast") == [.flags, .internalDate, .rfc822Size])
        #expect(try items("FULL") == [.flags, .internalDate, .rfc822Size, .envelope, .body])
    }

    @Test func parsesEveryItem() throws {
        #expect(
            try items(
                "(FLAGS UID INTERNALDATE ENVELOPE BODY BODYSTRUCTURE RFC822 RFC822.HEADER RFC822.SIZE RFC822.TEXT uid)")
                == [
                    .flags, .uid, .internalDate, .envelope, .body, .bodyStructure, .rfc822, .rfc822Header, .rfc822Size,
                    .rfc822Text,
                ])
    }

    @Test func parsesSections() throws {
        #expect(try section("") == BodySection(path: [], kind: .all))
        #expect(try section("1") == BodySection(path: [1], kind: .all))
        #expect(try section("4.2.2.1") == BodySection(path: [4, 2, 2, 1], kind: .all))
        #expect(try section("header") == BodySection(path: [], kind: .header))
        #expect(try section("TEXT") == BodySection(path: [], kind: .text))
        #expect(try section("3.TEXT") == BodySection(path: [3], kind: .text))
        #expect(try section("3.MIME") == BodySection(path: [3], kind: .mime))
        #expect(
            try section("HEADER.FIELDS (DATE \"from\")")
                == BodySection(path: [], kind: .headerFields([bytes("DATE"), bytes("from")])))
        #expect(
            try section("4.HEADER.FIELDS.NOT ({4}\r\nDATE)")
                == BodySection(path: [4], kind: .headerFieldsNot([bytes("DATE")])))
    }

    @Test func parsesPartialRanges() throws {
        let whole = BodySection(path: [], kind: .all)
        #expect(
            try items("BODY[]<0.2048>")
                == [.bodySection(whole, peek: false, partial: PartialRange(offset: 0, maximumBytes: 2048))])
        #expect(
            try items("(BODY.PEEK[]<4294967295.4294967295> FLAGS)")
                == [.bodySection(whole, peek: true, partial: PartialRange(offset: .max, maximumBytes: .max)), .flags])
    }

    @Test func knowsWhatSetsSeen() throws {
        #expect(try items("(RFC822 RFC822.TEXT BODY[])").allSatisfy(\.setsSeen))
        #expect(try items("(RFC822.HEADER BODY.PEEK[] BODY FLAGS)").allSatisfy { !$0.setsSeen })
    }
}

@Suite struct SearchParserTests {
    private func search(_ text: String) throws(IMAPError) -> SearchCommand? {
        guard case .search(let command) = try parse("SEARCH \(text)") else { return nil }
        return command
    }

    private func key(_ text: String) throws(IMAPError) -> SearchKey? { try search(text)?.key }

    @Test(
        arguments: [
            ("ALL", .all), ("NEW", .new), ("OLD", .notFlag(.recent)), ("RECENT", .flag(.recent)),
            ("seen", .flag(.seen)),
            ("UNSEEN", .notFlag(.seen)), ("ANSWERED", .flag(.answered)), ("UNANSWERED", .notFlag(.answered)),
            ("DELETED", .flag(.deleted)), ("UNDELETED", .notFlag(.deleted)), ("DRAFT", .flag(.draft)),
            ("UNDRAFT", .notFlag(.draft)), ("FLAGGED", .flag(.flagged)), ("UNFLAGGED", .notFlag(.flagged)),
            ("BCC a", .bcc(bytes("a"))), ("CC \"a b\"", .cc(bytes("a b"))), ("FROM Smith", .from(bytes("Smith"))),
            ("SUBJECT {2}\r\n\u{E9}", .subject(bytes("\u{E9}"))), ("TO a", .to(bytes("a"))), ("BODY \"\"", .body([])),
            ("TEXT NOT", .text(bytes("NOT"))), ("HEADER X-a \"\"", .header(field: bytes("X-a"), value: [])),
            ("LARGER 0", .larger(0)), ("SMALLER 4294967295", .smaller(.max)), ("NOT ALL", .not(.all)),
            ("OR SEEN DELETED", .or(.flag(.seen), .flag(.deleted))), ("(ALL)", .all),
            ("((NOT (SEEN)))", .not(.flag(.seen))),
            ("ALL SEEN", .and([.all, .flag(.seen)])), ("(ALL SEEN) NEW", .and([.and([.all, .flag(.seen)]), .new])),
            ("OR NOT SEEN OR NEW ALL", .or(.not(.flag(.seen)), .or(.new, .all))), ("ALL ", .all),
        ] as [(String, SearchKey)])
    func parsesEveryKey(text: String, expected: SearchKey) throws {
        #expect(try key(text) == expected)
    }

    @Test func parsesDates() throws {
        let date = try #require(IMAPDate(year: 1994, month: 2, day: 1))
        #expect(try key("BEFORE 1-Feb-1994") == .before(date))
        #expect(try key("ON \"01-feb-1994\"") == .on(date))
        #expect(try key("SINCE 1-FEB-1994") == .since(date))
        #expect(try key("SENTBEFORE 1-Feb-1994") == .sentBefore(date))
        #expect(try key("SENTON 1-Feb-1994") == .sentOn(date))
        #expect(try key("SENTSINCE 1-Feb-1994") == .sentSince(date))
    }

    @Test func parsesSetsAndKeywords() throws {
        let numbers = SequenceSet([
            SequenceRange(.number(try #require(SequenceNumber(2))), .largest), SequenceRange(.largest, .largest),
        ])
        #expect(try key("2:*,*") == .sequence(numbers))
        #expect(try key("UID 7") == .uid(UIDSet(compacting: [try #require(UID(7))])))
        let keyword = Flag.keyword(try #require(Keyword("$Junk")))
        #expect(try key("KEYWORD $junk") == .flag(keyword))
        #expect(try key("UNKEYWORD $Junk") == .notFlag(keyword))
    }

    @Test func parsesReturnOptionsAndCharset() throws {
        #expect(try search("ALL")?.returnOptions == nil)
        #expect(try search("RETURN () ALL")?.returnOptions == [.all])
        #expect(try search("RETURN (MIN max COUNT) ALL")?.returnOptions == [.min, .max, .count])
        #expect(try search("CHARSET utf-8 TEXT x")?.charset == .utf8)
        #expect(try search("RETURN (ALL) CHARSET \"US-ASCII\" ALL")?.charset == .usASCII)
        #expect(try search("ALL")?.charset == nil)
    }

    @Test func namesTheCharsetsThatItHas() {
        #expect { try parse("SEARCH CHARSET ISO-8859-1 TEXT x") } throws: { error in
            (error as? IMAPError)?.responseCode == .badCharset([.usASCII, .utf8])
        }
    }

    @Test(arguments: ["(", "NOT ", "OR ALL ", "OR "])
    func aThousandLevelsAreBad(piece: String) {
        let nested = String(repeating: piece, count: 1_000)
        for text in [nested, nested + "ALL", nested + "ALL" + String(repeating: ")", count: 1_000)] {
            #expect { try parse("SEARCH \(text)") } throws: { error in
                (error as? IMAPError)?.code == .nestedTooDeep && (error as? IMAPError)?.status == .bad
            }
        }
    }

    @Test func nestsAsDeepAsAllowed() throws {
        #expect(throws: Never.self) { try parse("SEARCH " + String(repeating: "NOT ", count: 99) + "ALL") }
        #expect { try parse("SEARCH " + String(repeating: "NOT ", count: 100) + "ALL") } throws: {
            ($0 as? IMAPError)?.code == .nestedTooDeep
        }
        #expect(throws: Never.self) {
            try parse("SEARCH " + String(repeating: "(", count: 99) + "ALL" + String(repeating: ")", count: 99))
        }
    }

    @Test func countsKeysAtEveryLevel() {
        let keys = Array(repeating: "ALL", count: 2_001).joined(separator: " ")
        for text in [keys, "(\(keys))"] {
            #expect { try parse("SEARCH \(text)") } throws: { ($0 as? IMAPError)?.code == .tooManyElements }
        }
    }
}
