// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import IMAPCore
import Testing

@Suite("Search in mails")
struct MessageTextSearchTests {
    private static func answer(_ name: String, _ test: MessageSearchProgram.Test) throws -> Bool {
        MessageTextSearch.search(try MailFixtures.message(name), program: MessageSearchProgram([test]))[0]
    }

    @Test(
        arguments: [
            ("alternative", .subject(octets("GRÜSSE AUS")), true),
            ("alternative", .subject(octets("grüße aus münchen")), true),
            ("alternative", .subject(octets("utf-8")), false), ("alternative", .from(octets("the\\\" EXAMPLE")), true),
            ("alternative", .from(octets("bob")), false), ("alternative", .to(octets("jane@example.net")), true),
            ("alternative", .cc([]), false), ("alternative", .to([]), true),
            ("alternative", .header(name: octets("RETURN-PATH"), needle: octets("ann@")), true),
            ("alternative", .header(name: octets("references"), needle: []), true),
            ("alternative", .header(name: octets("x-none"), needle: []), false),
            ("alternative", .header(name: octets("received"), needle: octets("4711 for")), false),
            ("alternative", .header(name: octets("received"), needle: octets("4711\tfor")), true),
            ("alternative", .body(octets("sonnigen München!")), true),
            ("alternative", .body(octets("<p>Grüße aus München")), true),
            ("alternative", .body(octets("MIME format")), false), ("alternative", .body(octets("epilogue")), false),
            ("alternative", .body(octets("Gr=C3")), false), ("alternative", .body(octets("ann@example.org")), false),
            ("alternative", .text(octets("ann@example.org")), true),
            ("alternative", .text(octets("=?utf-8?q?Gr=C3")), true),
            ("alternative", .text(octets("Grüße aus M")), true), ("alternative", .text(octets("format=flowed")), true),
            ("alternative", .text(octets("not there")), false), ("alternative", .body([]), true),
            ("empty", .body([]), true),
            ("empty", .text([]), true), ("empty", .subject([]), false),
            ("no-colon-line", .header(name: octets("x-empty"), needle: []), true),
            ("no-colon-line", .header(name: octets("x-empty"), needle: octets("a")), false),
            ("no-colon-line", .from(octets("ann space")), true), ("mixed-attachment", .body(octets("%PDF")), false),
            ("mixed-attachment", .body(octets("JVBERi0")), false),
            ("mixed-attachment", .text(octets("report 2024.pdf")), true),
            ("forwarded", .body(octets("inner subject")), true), ("forwarded", .body(octets("inner html")), true),
            ("forwarded", .subject(octets("inner subject")), false),
            ("forwarded", .body(octets("inner epilogue")), false),
            ("delivery-status", .body(octets("nobody@example.net")), true),
            ("koi8", .body(octets("ПРИВЕТ, мир")), true),
            ("koi8", .subject(octets("привет")), true), ("latin1-header", .from(octets("jürgen")), true),
            ("latin1-header", .body(octets("STRASSE")), true), ("eight-bit-header", .to(octets("zoë")), true),
            ("duplicate-fields", .from(octets("second")), true),
            ("boundary-never-appears", .body(octets("only text")), false),
            ("no-boundary-parameter", .body(octets("lost")), true), ("bare-cr", .body(octets("two")), true),
            ("bcc-none", .bcc(octets("x")), false),
        ] as [(String, MessageSearchProgram.Test, Bool)])
    func answers(name: String, test: MessageSearchProgram.Test, expected: Bool) throws {
        guard name != "bcc-none" else {
            #expect(
                MessageTextSearch.search(octets("To: x\r\n\r\n"), program: MessageSearchProgram([test])) == [expected])
            return
        }
        #expect(try Self.answer(name, test) == expected)
    }

    @Test func comparesTheDayOfTheDateField() throws {
        let before = try #require(CalendarDay(year: 2023, month: 12, day: 31))
        let day = try #require(CalendarDay(year: 2024, month: 1, day: 1))
        let after = try #require(CalendarDay(year: 2024, month: 1, day: 2))
        let program = MessageSearchProgram([
            .sentBefore(day), .sentBefore(after), .sentOn(before), .sentOn(day), .sentSince(day), .sentSince(after),
        ])
        let late = octets("Date: Mon, 1 Jan 2024 23:59:59 -1200\r\n\r\n")
        #expect(MessageTextSearch.search(late, program: program) == [false, true, false, true, true, false])
        let none = [Bool](repeating: false, count: 6)
        #expect(MessageTextSearch.search(octets("Date: soon\r\n\r\n"), program: program) == none)
        #expect(MessageTextSearch.search([], program: program) == none)
        let two = octets("Date: soon\r\nDate: 1 Jan 2024\r\n\r\n")
        #expect(MessageTextSearch.search(two, program: program) == none)
    }

    @Test func answersManyTestsInOnePassWithEverySplit() throws {
        let message = try MailFixtures.message("alternative")
        let program = MessageSearchProgram([
            .body(octets("münchen!")), .text(octets("epilogue")), .subject(octets("aus münchen")),
            .text(octets("4711")),
            .header(name: octets("To"), needle: octets("doe, jane")), .body(octets("zebra")),
        ])
        let expected = [true, false, true, true, true, false]
        for split in 0...message.count {
            var search = MessageTextSearch(program: program)
            let first = Array(message[..<split])
            let second = Array(message[split...])
            search.consume(first.span)
            search.consume(second.span)
            let answers = search.finish()
            #expect(answers == expected, "split at \(split)")
        }
    }

    @Test func givesTheStructureInTheSamePass() throws {
        for name in MailFixtures.names {
            let message = try MailFixtures.message(name)
            var search = MessageTextSearch(program: MessageSearchProgram([.text(octets("zebra crossing"))]))
            search.consume(message.span)
            let (answers, structure) = search.finishWithStructure()
            #expect(answers == [false])
            #expect(structure == MessageScanner.scan(message))
        }
    }

    @Test func isDecidedAsSoonAsAllAnswersAreKnown() {
        var search = MessageTextSearch(program: MessageSearchProgram([.subject(octets("x")), .body(octets("needle"))]))
        let header = octets("Subject: y\r\n\r\n")
        search.consume(header.span)
        #expect(!search.isDecided)
        let body = octets("a needle in")
        search.consume(body.span)
        #expect(search.isDecided)
        let answers = search.finish()
        #expect(answers == [false, true])
        let program = MessageSearchProgram([.subject(octets("x"))])
        #expect(program.needsOnlyHeader)
        var headerOnly = MessageTextSearch(program: program)
        headerOnly.consume(header.span)
        #expect(headerOnly.isDecided)
        #expect(MessageTextSearch(program: MessageSearchProgram([])).isDecided)
    }

    @Test func doesNotMatchAcrossParts() {
        let message = mail(
            "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nfoo\n--b\n\nbar\n--b--\n")
        let program = MessageSearchProgram([.body(octets("foo\r\nbar")), .body(octets("foobar")), .body(octets("bar"))])
        #expect(MessageTextSearch.search(message, program: program) == [false, false, true])
    }

    @Test func looksThroughLongEncodedBodies() {
        let line = "=4E=65=65=64=6C=65 in the hay\r\n"
        let hay = String(repeating: "hay and more hay and =\r\nstill more\r\n", count: 3000)
        let message = octets("Content-Transfer-Encoding: quoted-printable\r\n\r\n\(hay)\(line)\(hay)")
        let program = MessageSearchProgram([
            .body(octets("needle in THE hay")), .body(octets("and =")), .body(octets("and still")),
        ])
        #expect(MessageTextSearch.search(message, program: program) == [true, false, true])
    }
}
