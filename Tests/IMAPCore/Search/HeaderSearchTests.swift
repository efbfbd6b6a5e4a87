// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import IMAPCore
import TestSupport
import Testing

/// The search in headers alone says what the search in whole messages says.
@Suite("Search in headers")
struct HeaderSearchTests {
    private static func program() throws -> MessageSearchProgram {
        let day = try #require(CalendarDay(year: 2024, month: 1, day: 1))
        return MessageSearchProgram([
            .subject(mailOctets("grüße")), .subject(mailOctets("a b")), .subject([]), .from(mailOctets("ann@")),
            .to(mailOctets("zoë")), .cc([]), .bcc(mailOctets("x")), .sentOn(day), .sentSince(day), .sentBefore(day),
            .header(name: mailOctets("X-Empty"), needle: []), .header(name: mailOctets("received"), needle: [0x0D]),
        ])
    }

    private static func agrees(_ bytes: [UInt8], _ program: MessageSearchProgram, _ limits: MailLimits) -> Bool {
        var boundary = HeaderBoundary()
        boundary.consume(bytes.span)
        let header = Array(bytes.prefix(boundary.byteCount ?? bytes.count))
        var expected = MessageTextSearch(program: program, limits: limits)
        expected.consume(header.span)
        let answers = expected.finish()
        var search = HeaderSearch(program: program, limits: limits)
        // The second answer comes from used buffers.
        return search.answers(header) == answers && search.answers(header) == answers
    }

    @Test func agreesOnTheFixtures() throws {
        let program = try Self.program()
        for name in MailFixtures.names {
            #expect(Self.agrees(try MailFixtures.message(name), program, MailLimits()), "\(name)")
        }
    }

    @Test(arguments: 0..<2_000)
    func agreesOnAnyHeader(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let pieces: [[UInt8]] = [
            [0x0D], [0x0A], [0x0D, 0x0A], [0x0D, 0x0A], [0x20], [0x09], [0x00], [0xC3], [0xFC], mailOctets("Subject:"),
            mailOctets("sUBJECT :"), mailOctets("Subject"), mailOctets("From: "), mailOctets("Ann@x"),
            mailOctets("To:"),
            mailOctets("Zoë"), mailOctets("Date: "), mailOctets("1 Jan 2024"),
            mailOctets("Mon, 31 Dec 2023 10:00 +0000"),
            mailOctets("=?utf-8?q?Gr=C3=BC?="), mailOctets("=?utf-8?q?=C3=9Fe?="), mailOctets("GRÜSSE"),
            mailOctets("A B"),
            mailOctets("X-Empty:"), mailOctets(":"), mailOctets("Cc:"), mailOctets("Received: a"), mailOctets("=?"),
        ]
        var bytes: [UInt8] = []
        for _ in 0..<Int.random(in: 0..<40, using: &random) {
            bytes += try #require(pieces.randomElement(using: &random))
        }
        var limits = MailLimits()
        if seed % 3 == 0 { limits.maximumFieldCount = 3 }
        if seed % 5 == 0 { limits.maximumFieldBytes = 6 }
        #expect(Self.agrees(bytes, try Self.program(), limits), "seed \(seed): \(bytes)")
    }

    @Test func agreesOnNamesOfAnyLength() {
        for count in [0, 1, 255, 256, 257, 300] {
            let name = [UInt8](repeating: 0x61, count: count)
            let program = MessageSearchProgram([.header(name: name, needle: mailOctets("v"))])
            for length in [0, 1, 255, 256, 257, 300] {
                let header = [UInt8](repeating: 0x41, count: length) + mailOctets(": v\r\n\r\n")
                #expect(Self.agrees(header, program, MailLimits()), "\(count), \(length)")
            }
        }
    }

    @Test func answersProgramsThatNeedMoreFromWhatThereIs() {
        var search = HeaderSearch(program: MessageSearchProgram([.text(mailOctets("abc")), .body(mailOctets("abc"))]))
        let answers = search.answers(mailOctets("Subject: abc\r\n\r\n"))
        #expect(answers == [true, false])
    }
}
