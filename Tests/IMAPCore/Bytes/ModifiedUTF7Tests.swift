// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import IMAPCore
import TestSupport
import Testing

@Suite struct ModifiedUTF7Tests {
    @Test(arguments: [
        ("", ""), ("INBOX", "INBOX"), ("a&b", "a&-b"), ("&", "&-"), ("&&", "&-&-"), ("Entw\u{FC}rfe", "Entw&APw-rfe"),
        ("\u{53F0}\u{5317}", "&U,BTFw-"), ("\u{65E5}\u{672C}\u{8A9E}", "&ZeVnLIqe-"),
        ("~peter/mail/\u{53F0}\u{5317}/\u{65E5}\u{672C}\u{8A9E}", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
        ("\u{1F600}", "&2D3eAA-"), ("\u{E9}&", "&AOk-&-"), ("\t", "&AAk-"), ("\u{E9}x\u{E9}", "&AOk-x&AOk-"),
    ])
    func encodesAndDecodesKnownNames(text: String, encoded: String) throws {
        #expect(ModifiedUTF7.encode(text) == Array(encoded.utf8))
        #expect(try ModifiedUTF7.decode(Array(encoded.utf8)) == text)
    }

    @Test(
        "Refuses what is not the one form of a name",
        arguments: [
            "&", "a&", "&AOk", "&AOk-&AOk-", "&U,BTFw-&ZeVnLIqe-", "&AGE-", "&ACY-", "&AOl-", "&AOkA-", "&A-", "&AO-",
            "&2D0-", "&3gA-", "&2D3YPQ-", "&2D0AYQ-", "&AO/k-", "&AOk=-", "&AOk -", "\u{E9}", "a\u{7F}b", "a\tb",
            "a\rb",
            "Hello, World&ACE-", "&Jjo!",
        ])
    func refusesOtherForms(encoded: String) {
        #expect(throws: IMAPError.self) { try ModifiedUTF7.decode(Array(encoded.utf8)) }
    }

    @Test func roundTripsRandomUnicode() throws {
        var generator = SeededGenerator(seed: 7)
        for _ in 0..<3_000 {
            var text = String.UnicodeScalarView()
            for _ in 0..<Int.random(in: 0...20, using: &generator) {
                let top: UInt32 = [0x7F, 0x7FF, 0xFFFF, 0x10FFFF].randomElement(using: &generator) ?? 0x7F
                if let scalar = Unicode.Scalar(UInt32.random(in: 0...top, using: &generator)) { text.append(scalar) }
            }
            let encoded = ModifiedUTF7.encode(String(text))
            #expect(encoded.allSatisfy { (0x20...0x7E).contains($0) })
            #expect(try ModifiedUTF7.decode(encoded).unicodeScalars.elementsEqual(text))
        }
    }

    @Test func everyDecodedNameHasExactlyItsOneForm() {
        var generator = SeededGenerator(seed: 8)
        let alphabet = Array("&-,+/ABCDEOkw2D3eAQgx~ ".utf8)
        var decodedCount = 0
        for _ in 0..<100_000 {
            let bytes = (0..<Int.random(in: 0...10, using: &generator)).map { _ in
                alphabet.randomElement(using: &generator) ?? 0
            }
            do throws(IMAPError) {
                let text = try ModifiedUTF7.decode(bytes)
                #expect(ModifiedUTF7.encode(text) == bytes)
                decodedCount += 1
            } catch {
                #expect(error.code == .invalidMailboxName && error.status == .no)
            }
        }
        #expect(decodedCount > 1_000)
    }
}
