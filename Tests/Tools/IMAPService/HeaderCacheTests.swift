// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import CRDTKit
import IMAPTestSupport
import Testing

@testable import IMAPService

/// Headers in memory: bounded, and never anything else than what the body says.
@Suite("Header cache", .serialized, .timeLimit(.minutes(10)))
struct HeaderCacheTests {
    private static func digest(_ number: UInt64) -> BodyDigest { BodyDigest(words: (number, 0, 0, number)) }

    private static func entry(_ count: Int, envelope: [UInt8]? = nil) -> HeaderCache.Entry {
        HeaderCache.Entry(header: [UInt8](repeating: 0x41, count: count), envelope: envelope)
    }

    @Test func holdsNoMoreThanItMay() {
        let cache = HeaderCache(octets: 100_000)
        for number in 0..<1_000 {
            cache.insert(Self.entry(number), for: Self.digest(UInt64(number)))
            #expect(cache.octets <= 100_000)
        }
        #expect(cache.entry(of: Self.digest(999))?.header.count == 999)
        #expect(cache.entry(of: Self.digest(0)) == nil)
    }

    @Test func keepsWhatIsUsed() {
        let cache = HeaderCache(octets: 100_000)
        cache.insert(Self.entry(500), for: Self.digest(5_000))
        for number in 0..<1_000 {
            cache.insert(Self.entry(1_000), for: Self.digest(UInt64(number)))
            #expect(cache.entry(of: Self.digest(5_000))?.header.count == 500)
            #expect(cache.octets <= 100_000)
        }
    }

    @Test func takesAnEnvelopeLater() {
        let cache = HeaderCache(octets: 100_000)
        for number in 0..<2_000 {
            cache.insert(Self.entry(500, envelope: number % 2 == 0 ? nil : [1, 2]), for: Self.digest(1))
            #expect(cache.octets <= 1_000)
        }
        #expect(cache.entry(of: Self.digest(1))?.envelope == [1, 2])
    }

    @Test func keepsNothingLargeAndNothingAtAllWithoutRoom() {
        let cache = HeaderCache(octets: 1 << 20)
        cache.insert(Self.entry(HeaderCache.maximumHeaderBytes + 1), for: Self.digest(1))
        #expect(cache.entry(of: Self.digest(1)) == nil)
        let none = HeaderCache(octets: 0)
        none.insert(Self.entry(0), for: Self.digest(1))
        #expect(none.entry(of: Self.digest(1)) == nil)
    }

    @Test func aScanOfMoreThanItHoldsLeavesWhatIsUsed() {
        let cache = HeaderCache(octets: 100_000)
        for number in 0..<40 {
            cache.insert(Self.entry(500), for: Self.digest(5_000 + UInt64(number)))
        }
        var found: [Int] = []
        for _ in 0..<4 {
            var visit = cache.visit()
            var hits = 0
            for number in 0..<1_000 as Range<UInt64> {
                if cache.entry(of: Self.digest(number), &visit) != nil {
                    hits += 1
                } else {
                    cache.insert(Self.entry(1_000), for: Self.digest(number), &visit)
                }
                #expect(cache.octets <= 100_000)
            }
            found.append(hits)
            for number in 0..<40 as Range<UInt64> { #expect(cache.entry(of: Self.digest(5_000 + number)) != nil) }
        }
        // What it let in the first time serves the next ones.
        #expect(found[0] == 0)
        #expect(found.dropFirst().allSatisfy { $0 >= 15 }, "\(found)")
    }

    @Test func aScanOfLessThanAQuarterOfItIsKeptWhole() {
        let cache = HeaderCache(octets: 100_000)
        for _ in 0..<2 {
            var visit = cache.visit()
            for number in 0..<20 as Range<UInt64> {
                if cache.entry(of: Self.digest(number), &visit) == nil {
                    cache.insert(Self.entry(1_000), for: Self.digest(number), &visit)
                }
            }
        }
        #expect((0..<20 as Range<UInt64>).allSatisfy { cache.entry(of: Self.digest($0)) != nil })
    }

    @Test func theHeaderOfAnUploadIsWhatWouldBeReadOfIt() {
        let large = [UInt8](repeating: 0x41, count: HeaderCache.maximumHeaderBytes)
        let cases: [(message: [UInt8], header: [UInt8]?)] = [
            (Array("Subject: a\r\n\r\nbody\r\n".utf8), Array("Subject: a\r\n\r\n".utf8)),
            (Array("Subject: a\n\nbody\n".utf8), Array("Subject: a\n\n".utf8)),
            (Array("Subject: a\r\n".utf8), Array("Subject: a\r\n".utf8)),
            (Array("\r\nbody".utf8), Array("\r\n".utf8)), ([], []), (large, large), (large + [0x41], nil),
            (large + Array("\r\n\r\n".utf8), nil),
        ]
        for (message, header) in cases {
            for step in [1, 7, 4_000, 100_000] {
                var collector = HeaderCollector()
                for start in stride(from: 0, to: message.count, by: step) {
                    collector.add(Array(message[start..<min(start + step, message.count)]))
                }
                #expect(collector.finish() == header)
            }
        }
    }

    /// The same questions, asked twice, to a server that remembers headers and to one that does not.
    @Test func answersAreTheSameWithAndWithoutIt() async throws {
        let long = "X-Long: " + String(repeating: "a long field ", count: 2_000) + "\r\n"
        let mails = [
            "Subject: first\r\nFrom: Ann <ann@example.org>\r\n\r\nbody one\r\n",
            "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nTo: bob@example.org\r\nDate: 1 Jan 2024 10:00:00 +0000\r\n\r\n",
            "Subject: no body and no empty line\r\n", "\r\nno header first\r\n",
            long + "Subject: behind\r\n\r\nfirst\r\n",
            "Subject: folded\r\n first\r\n\r\n" + String(repeating: "line\r\n", count: 10_000),
        ]
        let questions = [
            "SEARCH SUBJECT first", "SEARCH SUBJECT \"folded first\"", "SEARCH NOT SUBJECT first",
            "SEARCH CHARSET UTF-8 SUBJECT {7+}\r\nGr\u{FC}\u{DF}e", "SEARCH SENTON 1-Jan-2024", "SEARCH SUBJECT behind",
            "SEARCH HEADER To \"\" UNSEEN", "SEARCH TEXT first", "FETCH 1:* (ENVELOPE UID)",
            "FETCH 1:* BODY.PEEK[HEADER]",
            "FETCH 1:* (BODY.PEEK[HEADER.FIELDS (subject to)] FLAGS)", "FETCH 1:* BODY.PEEK[HEADER.FIELDS.NOT (to)]",
            "FETCH 1:* BODY.PEEK[HEADER]<5.20>", "FETCH 1:* RFC822.HEADER", "FETCH 1:4 BODY.PEEK[TEXT]",
            "FETCH 1:* (BODY.PEEK[TEXT]<0.5> ENVELOPE BODY.PEEK[HEADER]<0.4>)", "FETCH 1:* (FLAGS UID RFC822.SIZE)",
            "FETCH 2 BODY[HEADER]", "FETCH 1:* BODY.PEEK[]", "FETCH 1:* (BODYSTRUCTURE BODY.PEEK[] ENVELOPE)",
            "FETCH 1:* (ENVELOPE BODY.PEEK[TEXT])", "FETCH 1:* BODY.PEEK[]<16380.100>",
            "FETCH 1:* FLAGS", "UID FETCH 1:3 (FLAGS)", "FETCH 1:* BODY.PEEK[MIME]",
        ]
        var answers: [[String]] = []
        for octets in [0, 32 << 20] {
            let server = try await TestServer { $0.limits.headerBytes = octets }
            let client = try await TestClient.loggedIn(server.tlsPort)
            for mail in mails { _ = try await client.append(mail) }
            try await client.command("SELECT INBOX")
            var told: [String] = []
            for _ in 0..<2 { for question in questions { told.append(try await client.command(question).joined()) } }
            answers.append(told)
            await client.close()
            try await server.tearDown()
        }
        #expect(answers[0] == answers[1])
        for answer in answers[0] where answer.contains("BODY[] {") {
            let whole = answer.replacing("\r\n", with: "")
            for mail in mails { #expect(whole.contains(mail.replacing("\r\n", with: ""))) }
        }
        #expect(answers[0][0].contains("* SEARCH 1 6\r\n") || answers[0][0].contains("* SEARCH 1 6"))
    }
}
