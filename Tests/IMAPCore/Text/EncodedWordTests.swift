// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import IMAPCore
import Testing

@Suite("Encoded words")
struct EncodedWordTests {
    @Test(arguments: [
        // RFC 2047 section 8.
        ("(=?ISO-8859-1?Q?a?=)", "(a)"), ("(=?ISO-8859-1?Q?a?= b)", "(a b)"),
        ("(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)", "(ab)"), ("(=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=)", "(ab)"),
        ("(=?ISO-8859-1?Q?a_b?=)", "(a b)"), ("(=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=)", "(a b)"),
        ("=?US-ASCII?Q?Keith_Moore?= <moore@cs.utk.edu>", "Keith Moore <moore@cs.utk.edu>"),
        (
            "=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=\r\n =?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=",
            "If you can read this you understand the example."
        ),
        ("=?utf-8*de?q?Gr=C3=BC=C3=9Fe?=", "Grüße"), ("=?UTF-8?b?R3LDvMOfZQ?=", "Grüße"),
        ("=?utf-8?q?=C3?= =?utf-8?q?=BC?=", "ü"), ("=?utf-8?b?w7w?= =?iso-8859-1?q?=FC?=", "üü"),
        ("=?koi8-r?B?8NLJ18XU?=!", "Привет!"), ("\"=?utf-8?q?in_quotes?=\" <a@b>", "\"in quotes\" <a@b>"),
        ("plain", "plain"), ("Grüße", "Grüße"), ("", ""), ("=?utf-8?q??=", ""), ("a =?utf-8?q?b?= c", "a b c"),
        // Malformed words stay.
        ("=?utf-8?q?no end", "=?utf-8?q?no end"), ("=?utf-8?x?abc?=", "=?utf-8?x?abc?="),
        ("=?utf-8?q?a b?=", "=?utf-8?q?a b?="),
        ("=??q?a?=", "=??q?a?="), ("=?utf-8?q", "=?utf-8?q"), ("=?", "=?"), ("=", "="),
        ("=?utf-8?q?a?", "=?utf-8?q?a?"),
        ("=?utf-8?q?=4?=", "=4"), ("=?utf-8?q?=ZZ?=", "=ZZ"), ("=?x-unknown?q?=E9?=", "é"),
        ("=?utf-8?q?=FF?=", "\u{FFFD}"),
        ("=?utf-8?q?a?==?utf-8?q?b?=", "ab"), ("=?=?utf-8?q?a?=", "=?a"),
    ])
    func decodes(value: String, expected: String) {
        #expect(mailText(EncodedWord.decode(mailOctets(value))) == expected)
    }

    @Test func readsRawOctetsAsWindows1252WhenTheyAreNoUTF8() {
        #expect(mailText(EncodedWord.decode([0x47, 0x72, 0xFC, 0xDF, 0x65])) == "Grüße")
        #expect(mailText(EncodedWord.decode([0x93] + mailOctets("=?utf-8?q?=C3=BC?=") + [0x94])) == "“ü”")
    }
}
