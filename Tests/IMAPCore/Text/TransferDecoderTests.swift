// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import IMAPCore
import Testing

@Suite("Transfer encodings")
struct TransferDecoderTests {
    private static func decode(_ input: [UInt8], _ encoding: TransferEncoding, chunk: Int) -> [UInt8] {
        var decoder = TransferDecoder(encoding: encoding)
        var output: [UInt8] = []
        var index = 0
        while index < input.count {
            let piece = Array(input[index..<min(index + chunk, input.count)])
            decoder.decode(piece.span, into: &output)
            index += chunk
        }
        decoder.finish(into: &output)
        return output
    }

    @Test(arguments: [
        ("", ""), ("SGVsbG8=", "Hello"), ("SGVsbG8h", "Hello!"), ("SGVs\r\nbG8=\r\n", "Hello"),
        ("S G-V*s b!G8=", "Hello"),
        ("SGVsbG8", "Hello"), ("SGVsbA==", "Hell"), ("SGVsbA", "Hell"), ("SGVsbA==SGVsbG8=", "HellHello"), ("S", ""),
        ("====", ""), ("SGVsbG8h=", "Hello!"), ("-----", ""), ("+/+/", "\u{FB}ÿ¿"),
    ])
    func decodesBase64(input: String, expected: String) {
        let wanted = input == "+/+/" ? [0xFB, 0xFF, 0xBF] : mailOctets(expected)
        for chunk in 1...5 { #expect(Self.decode(mailOctets(input), .base64, chunk: chunk) == wanted) }
    }

    @Test(arguments: [
        ("", ""), ("plain text", "plain text"), ("a=3Db", "a=b"), ("Gr=C3=BC=C3=9Fe", "Grüße"), ("=c3=bc", "ü"),
        ("soft=\r\nbreak", "softbreak"), ("soft=\nbreak", "softbreak"), ("soft=\rbreak", "softbreak"),
        ("soft= \t\r\nbreak", "softbreak"), ("trailing  \t\r\nnext", "trailing\r\nnext"), ("trailing  ", "trailing"),
        ("a b  c", "a b  c"), ("=XY", "=XY"), ("=4", "=4"), ("=4G", "=4G"), ("==41", "=A"), ("=", ""),
        ("end=\r\n", "end"),
        ("= x", "= x"), ("=\r=41", "A"), ("a=\n\nb", "a\nb"), ("=3D=3D", "=="), ("x=20\r\n", "x \r\n"),
    ])
    func decodesQuotedPrintable(input: String, expected: String) {
        for chunk in 1...5 {
            #expect(mailText(Self.decode(mailOctets(input), .quotedPrintable, chunk: chunk)) == expected)
        }
    }

    @Test func passesOtherEncodingsThrough() {
        let bytes = (0...255).map { UInt8($0) }
        #expect(Self.decode(bytes, .identity, chunk: 7) == bytes)
    }

    @Test func boundsTheWhiteSpaceItHolds() {
        let spaces = [UInt8](repeating: 0x20, count: 5000)
        let kept = Self.decode(mailOctets("a") + spaces + mailOctets("\r\n"), .quotedPrintable, chunk: 100)
        #expect(kept.count >= 5000 - TransferDecoder.maximumHeldBytes && kept.count < 5003)
        let escaped = Self.decode(mailOctets("=") + spaces + mailOctets("b"), .quotedPrintable, chunk: 100)
        #expect(escaped == mailOctets("=") + spaces + mailOctets("b"))
    }

    @Test(
        arguments: [
            ("base64", .base64), ("BASE64", .base64), ("Quoted-Printable", .quotedPrintable), ("7bit", .identity),
            ("binary", .identity), ("x-uuencode", .identity), ("", .identity),
        ] as [(String, TransferEncoding)])
    func knowsItsNames(name: String, expected: TransferEncoding) {
        #expect(TransferEncoding(name: mailOctets(name)) == expected)
        #expect(TransferEncoding(name: nil) == .identity)
    }
}
