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
            ("alternative", .subject(mailOctets("GRÜSSE AUS")), true),
            ("alternative", .subject(mailOctets("grüße aus münchen")), true),
            ("alternative", .subject(mailOctets("utf-8")), false),
            ("alternative", .from(mailOctets("the\\\" EXAMPLE")), true),
            ("alternative", .from(mailOctets("bob")), false),
            ("alternative", .to(mailOctets("jane@example.net")), true),
            ("alternative", .cc([]), false), ("alternative", .to([]), true),
            ("alternative", .header(name: mailOctets("RETURN-PATH"), needle: mailOctets("ann@")), true),
            ("alternative", .header(name: mailOctets("references"), needle: []), true),
            ("alternative", .header(name: mailOctets("x-none"), needle: []), false),
            ("alternative", .header(name: mailOctets("received"), needle: mailOctets("4711 for")), false),
            ("alternative", .header(name: mailOctets("received"), needle: mailOctets("4711\tfor")), true),
            ("alternative", .body(mailOctets("sonnigen München!")), true),
            ("alternative", .body(mailOctets("<p>Grüße aus München")), true),
            ("alternative", .body(mailOctets("MIME format")), false),
            ("alternative", .body(mailOctets("epilogue")), false),
            ("alternative", .body(mailOctets("Gr=C3")), false),
            ("alternative", .body(mailOctets("ann@example.org")), false),
            ("alternative", .text(mailOctets("ann@example.org")), true),
            ("alternative", .text(mailOctets("=?utf-8?q?Gr=C3")), true),
            ("alternative", .text(mailOctets("Grüße aus M")), true),
            ("alternative", .text(mailOctets("format=flowed")), true),
            ("alternative", .text(mailOctets("not there")), false), ("alternative", .body([]), true),
            ("empty", .body([]), true),
            ("empty", .text([]), true), ("empty", .subject([]), false),
            ("no-colon-line", .header(name: mailOctets("x-empty"), needle: []), true),
            ("no-colon-line", .header(name: mailOctets("x-empty"), needle: mailOctets("a")), false),
            ("no-colon-line", .from(mailOctets("ann space")), true),
            ("mixed-attachment", .body(mailOctets("%PDF")), false),
            ("mixed-attachment", .body(mailOctets("JVBERi0")), false),
            ("mixed-attachment", .text(mailOctets("report 2024.pdf")), true),
            ("forwarded", .body(mailOctets("inner subject")), true),
            ("forwarded", .body(mailOctets("inner html")), true),
            ("forwarded", .subject(mailOctets("inner subject")), false),
            ("forwarded", .body(mailOctets("inner epilogue")), false),
            ("delivery-status", .body(mailOctets("nobody@example.net")), true),
            ("koi8", .body(mailOctets("ПРИВЕТ, мир")), true),
            ("koi8", .subject(mailOctets("привет")), true), ("latin1-header", .from(mailOctets("jürgen")), true),
            ("latin1-header", .body(mailOctets("STRASSE")), true), ("eight-bit-header", .to(mailOctets("zoë")), true),
            ("duplicate-fields", .from(mailOctets("second")), true),
            ("boundary-never-appears", .body(mailOctets("only text")), false),
            ("no-boundary-parameter", .body(mailOctets("lost")), true), ("bare-cr", .body(mailOctets("two")), true),
            ("bcc-none", .bcc(mailOctets("x")), false),
        ] as [(String, MessageSearchProgram.Test, Bool)])
    func answers(name: String, test: MessageSearchProgram.Test, expected: Bool) throws {
        guard name != "bcc-none" else {
            #expect(
                MessageTextSearch.search(mailOctets("To: x\r\n\r\n"), program: MessageSearchProgram([test])) == [
                    expected
                ])
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
        let late = mailOctets("Date: Mon, 1 Jan 2024 23:59:59 -1200\r\n\r\n")
        #expect(MessageTextSearch.search(late, program: program) == [false, true, false, true, true, false])
        let none = [Bool](repeating: false, count: 6)
        #expect(MessageTextSearch.search(mailOctets("Date: soon\r\n\r\n"), program: program) == none)
        #expect(MessageTextSearch.search([], program: program) == none)
        let two = mailOctets("Date: soon\r\nDate: 1 Jan 2024\r\n\r\n")
        #expect(MessageTextSearch.search(two, program: program) == none)
    }

    @Test func answersManyTestsInOnePassWithEverySplit() throws {
        let message = try MailFixtures.message("alternative")
        let program = MessageSearchProgram([
            .body(mailOctets("münchen!")), .text(mailOctets("epilogue")), .subject(mailOctets("aus münchen")),
            .text(mailOctets("4711")),
            .header(name: mailOctets("To"), needle: mailOctets("doe, jane")), .body(mailOctets("zebra")),
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
            var search = MessageTextSearch(program: MessageSearchProgram([.text(mailOctets("zebra crossing"))]))
            search.consume(message.span)
            let (answers, structure) = search.finishWithStructure()
            #expect(answers == [false])
            #expect(structure == MessageScanner.scan(message))
        }
    }

    @Test func isDecidedAsSoonAsAllAnswersAreKnown() {
        var search = MessageTextSearch(
            program: MessageSearchProgram([.subject(mailOctets("x")), .body(mailOctets("needle"))]))
        let header = mailOctets("Subject: y\r\n\r\n")
        search.consume(header.span)
        #expect(!search.isDecided)
        let body = mailOctets("a needle in")
        search.consume(body.span)
        #expect(search.isDecided)
        let answers = search.finish()
        #expect(answers == [false, true])
        let program = MessageSearchProgram([.subject(mailOctets("x"))])
        #expect(program.needsOnlyHeader)
        var headerOnly = MessageTextSearch(program: program)
        headerOnly.consume(header.span)
        #expect(headerOnly.isDecided)
        #expect(MessageTextSearch(program: MessageSearchProgram([])).isDecided)
    }

    @Test func doesNotMatchAcrossParts() {
        let message = crlfMail(
            "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nfoo\n--b\n\nbar\n--b--\n")
        let program = MessageSearchProgram([
            .body(mailOctets("foo\r\nbar")), .body(mailOctets("foobar")), .body(mailOctets("bar")),
        ])
        #expect(MessageTextSearch.search(message, program: program) == [false, false, true])
    }

    @Test func looksThroughLongEncodedBodies() {
        let line = "=4E=65=65=64=6C=65 in the hay\r\n"
        let hay = String(repeating: "hay and more hay and =\r\nstill more\r\n", count: 3000)
        let message = mailOctets("Content-Transfer-Encoding: quoted-printable\r\n\r\n\(hay)\(line)\(hay)")
        let program = MessageSearchProgram([
            .body(mailOctets("needle in THE hay")), .body(mailOctets("and =")), .body(mailOctets("and still")),
        ])
        #expect(MessageTextSearch.search(message, program: program) == [true, false, true])
    }
}
