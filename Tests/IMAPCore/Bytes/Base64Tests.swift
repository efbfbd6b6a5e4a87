// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import IMAPCore
import TestSupport
import Testing

@Suite struct Base64Tests {
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"), ("\0user\0pass", "AHVzZXIAcGFzcw=="),
    ])
    func encodesAndDecodesKnownTexts(plain: String, encoded: String) throws {
        #expect(Base64.encode(Array(plain.utf8)) == Array(encoded.utf8))
        #expect(try Base64.decode(encoded.utf8) == Array(plain.utf8))
    }

    @Test(arguments: [
        "Z", "Zg", "Zg=", "Zg===", "=", "====", "Zh==", "Zm9=", "Zm 8", "Zm9v\r\n", "Zg==Zg==", "Z=g=", "Zm8-", "Zm8_",
        "*",
    ])
    func refusesWhatIsNotCanonical(text: String) {
        #expect(throws: IMAPError.self) { try Base64.decode(text.utf8) }
    }

    @Test func roundTripsRandomBytes() throws {
        var generator = SeededGenerator(seed: 64)
        for length in 0..<200 {
            let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) }
            #expect(try Base64.decode(Base64.encode(bytes)) == bytes)
        }
    }

    @Test func decodesAnyBytesWithoutTrap() {
        var generator = SeededGenerator(seed: 65)
        for _ in 0..<20_000 {
            let length = Int.random(in: 0...12, using: &generator)
            let bytes = (0..<length).map { _ in UInt8.random(in: 40...125, using: &generator) }
            do throws(IMAPError) {
                #expect(Base64.encode(try Base64.decode(bytes)) == bytes)
            } catch {
                #expect(error.code == .invalidBase64)
            }
        }
    }
}
