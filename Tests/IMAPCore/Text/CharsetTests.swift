// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Foundation
import IMAPCore
import TestSupport
import Testing

@Suite("Character sets")
struct CharsetTests {
    @Test(
        arguments: [
            ("us-ascii", [0x41, 0x7F], "A\u{7F}"), ("UTF-8", [0xC3, 0xBC], "ü"), (" utf-8 ", [0xC3, 0xBC], "ü"),
            ("iso-8859-1", [0xFC, 0x80], "ü\u{80}"), ("latin1", [0xDF], "ß"), ("ISO-8859-15", [0xA4, 0xBD], "€œ"),
            ("windows-1252", [0x80, 0x93, 0x94, 0x81], "€“”\u{FFFD}"), ("iso-8859-2", [0xB1, 0xE6, 0x80], "ąć\u{80}"),
            ("iso-8859-5", [0xBF, 0xE0], "Пр"), ("iso-8859-7", [0xC1, 0xF9, 0xD2], "Αω\u{FFFD}"),
            ("iso-8859-9", [0xDD, 0xFD], "İı"), ("koi8-r", [0xF0, 0xD2, 0xC9, 0xD7, 0xC5, 0xD4], "Привет"),
            ("koi8-u", [0xA4], "є"), ("windows-1250", [0x8A, 0xB3], "Šł"), ("windows-1251", [0xCF, 0xF0], "Пр"),
            ("utf-16", [0xFF, 0xFE, 0x41, 0x00], "A"), ("utf-16", [0xFE, 0xFF, 0x00, 0x41], "A"),
            ("utf-16", [0x00, 0x41], "A"),
            ("utf-16le", [0x3D, 0xD8, 0x00, 0xDE], "😀"), ("utf-16be", [0xD8, 0x3D, 0xDE, 0x00], "😀"),
            ("utf-16be", [0xD8, 0x3D, 0x00, 0x41], "\u{FFFD}A"), ("utf-16be", [0xDE, 0x00, 0x00], "\u{FFFD}\u{FFFD}"),
            ("utf-16be", [0xD8, 0x3D], "\u{FFFD}"), ("big5", [0x41, 0xA4], "A¤"), ("", [0xE9], "é"),
        ] as [(String, [UInt8], String)])
    func decodes(name: String, bytes: [UInt8], expected: String) {
        let charset = Charset(name: mailOctets(name))
        #expect(mailText(CharsetDecoder.decode(bytes, charset: charset)) == expected)
        for split in 0...bytes.count {
            var decoder = CharsetDecoder(charset: charset)
            var output: [UInt8] = []
            let first = Array(bytes[..<split])
            let second = Array(bytes[split...])
            decoder.decode(first.span, into: &output)
            decoder.decode(second.span, into: &output)
            decoder.finish(into: &output)
            #expect(mailText(output) == expected)
        }
    }

    @Test func repairsUTF8AsTheStandardLibraryDoes() {
        for seed in UInt64(0)..<3000 {
            var generator = SeededGenerator(seed: seed)
            let interesting: [UInt8] = [
                0x41, 0x80, 0xBF, 0xC0, 0xC2, 0xE0, 0xA0, 0x9F, 0xED, 0xEF, 0xF0, 0x90, 0x8F, 0xF4, 0xF5, 0xFF, 0xE2,
                0x82,
                0xAC,
            ]
            let count = Int.random(in: 0...12, using: &generator)
            let bytes = (0..<count).map { _ in interesting.randomElement(using: &generator) ?? 0 }
            let expected = mailOctets(String(decoding: bytes, as: UTF8.self))
            #expect(CharsetDecoder.decode(bytes, charset: .utf8) == expected, "seed \(seed)")
            var decoder = CharsetDecoder(charset: .utf8)
            var output: [UInt8] = []
            for byte in bytes {
                let piece = [byte]
                decoder.decode(piece.span, into: &output)
            }
            decoder.finish(into: &output)
            #expect(output == expected, "seed \(seed)")
        }
    }

    @Test(arguments: [
        Charset.usASCII, .utf8, .latin1, .latin2, .cyrillic, .greek, .turkish, .latin9, .koi8R, .koi8U, .windows1250,
        .windows1251, .windows1252, .utf16, .utf16BigEndian, .utf16LittleEndian, .unknown,
    ])
    func givesWellFormedUTF8ForEveryByte(charset: Charset) {
        let bytes = (0...255).map { UInt8($0) } + (0...255).reversed().map { UInt8($0) }
        let output = CharsetDecoder.decode(bytes, charset: charset)
        #expect(String(validating: output, as: UTF8.self) != nil)
    }
}

@Suite("Case folding")
struct CaseFoldTests {
    @Test(arguments: [
        ("", ""), ("Hello WORLD 123", "hello world 123"), ("GRÜSSE", "grüsse"), ("Straße", "strasse"), ("ΟΔΟΣ", "οδοσ"),
        ("οδος", "οδοσ"), ("ПРИВЕТ", "привет"), ("漢字かな", "漢字かな"), ("ＡＢＣ", "ａｂｃ"), ("😀", "😀"), ("Ǆ", "ǆ"), ("ﬁ", "fi"),
        ("𐐀", "𐐨"), ("K", "k"),
    ])
    func folds(input: String, expected: String) {
        #expect(mailText(CaseFold.fold(mailOctets(input))) == expected)
        #expect(CaseFold.isEqual(mailOctets(input), mailOctets(expected)))
    }

    @Test func treatsIllFormedTextAsReplacementCharacters() {
        #expect(mailText(CaseFold.fold([0x41, 0xC3, 0x41, 0xFF, 0xE2, 0x82])) == "a\u{FFFD}a\u{FFFD}\u{FFFD}")
        #expect(!CaseFold.isEqual(mailOctets("a"), mailOctets("b")))
    }
}
