// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import IMAPCore
import Testing

@Suite("Sections")
struct SectionPathTests {
    /// The octets of a section, with NIL for a section that is not there.
    private static func section(_ message: [UInt8], _ parts: [Int], _ kind: SectionPath.Kind) -> String {
        switch MessageScanner.scan(message).content(of: SectionPath(parts: parts, kind: kind)) {
        case .range(let range): return mailText(Array(message[range]))
        case .headerFilter(let header, let names, let excluding):
            return mailText(HeaderFilter.filter(Array(message[header]), names: names, excluding: excluding))
        case .missing: return "NIL"
        }
    }

    @Test(
        arguments: [
            ([1], .whole, "The part has no header."),
            ([1], .mime, "\r\n"),
            ([1], .header, "NIL"),
            ([1], .text, "NIL"),
            ([1, 1], .whole, "NIL"),
            ([2], .mime, "Content-Type: message/rfc822\r\nContent-Disposition: inline\r\n\r\n"),
            ([2, 1], .whole, "inner text"),
            ([2, 1], .mime, "Content-Type: text/plain\r\n\r\n"),
            ([2, 2], .whole, "<b>inner html</b>"),
            ([2, 3], .whole, "NIL"),
            ([2, 1, 1], .whole, "NIL"),
            ([2], .headerFields([mailOctets("SUBJECT")]), "Subject: inner subject\r\n\r\n"),
            (
                [2],
                .headerFieldsNot([mailOctets("from"), mailOctets("to"), mailOctets("date"), mailOctets("mime-version")]
                ),
                "Subject: inner subject\r\nContent-Type: multipart/alternative; boundary=inner\r\n\r\n"
            ),
            ([3], .whole, "iVBORw0KGgo="),
            ([3], .headerFields([mailOctets("content-type")]), "NIL"),
            ([4], .whole, "NIL"),
            ([0], .whole, "NIL"),
            ([-1], .whole, "NIL"),
            ([], .mime, "NIL"),
            (
                [], .headerFields([mailOctets("To"), mailOctets("subject")]),
                "To: eve@example.org\r\nSubject: Fwd: report\r\n\r\n"
            ),
        ] as [([Int], SectionPath.Kind, String)])
    func resolvesInAForwardedMail(parts: [Int], kind: SectionPath.Kind, expected: String) throws {
        #expect(Self.section(try MailFixtures.message("forwarded"), parts, kind) == expected)
    }

    @Test func dividesTheMessageIntoHeaderAndText() throws {
        for name in MailFixtures.names {
            let message = try MailFixtures.message(name)
            let structure = MessageScanner.scan(message)
            guard case .range(let header) = structure.content(of: SectionPath(parts: [], kind: .header)),
                case .range(let body) = structure.content(of: SectionPath(parts: [], kind: .text)),
                case .range(let whole) = structure.content(of: SectionPath(parts: [], kind: .whole))
            else {
                Issue.record("\(name) lacks a section")
                continue
            }
            #expect(header.lowerBound == 0 && header.upperBound == body.lowerBound && body.upperBound == message.count)
            #expect(whole == 0..<message.count)
        }
    }

    @Test func findsHeaderAndTextOfAnEmbeddedMessage() throws {
        let message = try MailFixtures.message("forwarded")
        let header = Self.section(message, [2], .header)
        #expect(header.hasPrefix("Date: Tue, 2 Jan 2024") && header.hasSuffix("boundary=inner\r\n\r\n"))
        let body = Self.section(message, [2], .text)
        #expect(body.hasPrefix("--inner\r\n") && body.hasSuffix("inner epilogue\r\n"))
        #expect(header + body == Self.section(message, [2], .whole))
    }

    @Test(
        arguments: [
            (
                [1], .whole,
                "From: first@example.org\r\nSubject: first level\r\nContent-Type: message/rfc822\r\n\r\n"
                    + "From: second@example.org\r\nSubject: second level\r\n\r\ndeep text\r\n"
            ),
            ([1], .text, "From: second@example.org\r\nSubject: second level\r\n\r\ndeep text\r\n"),
            ([1], .headerFields([mailOctets("subject")]), "Subject: first level\r\n\r\n"),
            ([1, 1], .headerFields([mailOctets("subject")]), "Subject: second level\r\n\r\n"),
            ([1, 1], .text, "deep text\r\n"),
            ([1, 1, 1], .whole, "deep text\r\n"),
            ([1, 1, 1, 1], .whole, "NIL"),
            ([1, 1, 1], .mime, "From: second@example.org\r\nSubject: second level\r\n\r\n"),
            ([2], .whole, "NIL"),
        ] as [([Int], SectionPath.Kind, String)])
    func goesThroughMessagesInMessages(parts: [Int], kind: SectionPath.Kind, expected: String) throws {
        #expect(Self.section(try MailFixtures.message("rfc822-root"), parts, kind) == expected)
    }

    @Test func numbersTheBodyOfAPlainMessageOne() throws {
        let message = try MailFixtures.message("plain-minimal")
        #expect(Self.section(message, [1], .whole) == "Hello.\r\n")
        #expect(Self.section(message, [1], .mime) == "From: Ann <ann@example.org>\r\n\r\n")
        #expect(Self.section(message, [1, 1], .whole) == "NIL")
        #expect(Self.section(message, [2], .whole) == "NIL")
    }

    @Test(arguments: [
        (10..<20, 0, 5, 10..<15), (10..<20, 0, 100, 10..<20), (10..<20, 4, 3, 14..<17), (10..<20, 9, 3, 19..<20),
        (10..<20, 10, 3, 20..<20), (10..<20, 11, 3, 20..<20), (10..<20, Int.max, Int.max, 20..<20),
        (10..<20, 3, 0, 13..<13), (10..<20, -5, -5, 10..<10), (10..<10, 0, 1, 10..<10),
        (10..<20, 1, Int.max, 11..<20), (0..<Int.max, Int.max - 1, Int.max, (Int.max - 1)..<Int.max),
    ])
    func clipsPartialFetches(range: Range<Int>, offset: Int, count: Int, expected: Range<Int>) {
        #expect(SectionPath.clip(range, offset: offset, count: count) == expected)
    }

    @Test(
        arguments: [
            ("Subject: a\r\n b\r\nTo: c\r\n\r\n", ["subject"], false, "Subject: a\r\n b\r\n\r\n"),
            ("Subject: a\r\n b\r\nTo: c\r\n\r\n", ["SUBJECT"], true, "To: c\r\n\r\n"),
            ("Subject: a\nTo : c\n\n", ["to"], false, "To : c\n\n"),
            ("A: 1\rB: 2\r\r", ["b"], false, "B: 2\r\r"),
            ("A: 1\r\nno colon\r\n more\r\nB: 2\r\n\r\n", ["a"], true, "no colon\r\n more\r\nB: 2\r\n\r\n"),
            ("A: 1\r\nno colon\r\n more\r\nB: 2\r\n\r\n", ["no colon"], false, "\r\n"),
            ("A: 1\r\nA: 2\r\n", ["a"], false, "A: 1\r\nA: 2\r\n"),
            ("A: 1\r\n", [], false, ""),
            ("A: 1\r\n\r\n", [], true, "A: 1\r\n\r\n"),
            ("", ["a"], false, ""),
            (" folded first\r\nA: 1\r\n\r\n", ["a"], false, "A: 1\r\n\r\n"),
            ("A: unterminated", ["a"], false, "A: unterminated"),
        ] as [(String, [String], Bool, String)])
    func filtersHeaders(header: String, names: [String], excluding: Bool, expected: String) {
        let fields = names.map(mailOctets)
        #expect(mailText(HeaderFilter.filter(mailOctets(header), names: fields, excluding: excluding)) == expected)
        for split in 0...header.utf8.count {
            var filter = HeaderFilter(names: fields, excluding: excluding)
            var output: [UInt8] = []
            let first = Array(mailOctets(header)[..<split])
            let second = Array(mailOctets(header)[split...])
            filter.consume(first.span, into: &output)
            filter.consume(second.span, into: &output)
            filter.finish(into: &output)
            #expect(mailText(output) == expected)
        }
    }

    @Test func filtersLongLinesWithoutHoldingThem() {
        let long = String(repeating: "x", count: 5000)
        let header = mailOctets("\(long): a\r\nTo\(String(repeating: " ", count: 2000)): b\r\nTo: c\r\n\r\nbody")
        #expect(mailText(HeaderFilter.filter(header, names: [mailOctets("to")], excluding: false)) == "To: c\r\n\r\n")
        let rest = HeaderFilter.filter(header, names: [mailOctets("to")], excluding: true)
        #expect(rest.count == header.count - "To: c\r\nbody".utf8.count)
    }
}
