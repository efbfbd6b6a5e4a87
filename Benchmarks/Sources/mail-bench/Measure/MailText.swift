// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit

/// Makes mails whose text is drawn from a seed.
struct MailText {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
    private var random: BenchGenerator

    init(seed: UInt64) { random = BenchGenerator(seed: seed) }

    /// A mail of lines of 64 random characters.
    ///
    /// - Parameters:
    ///   - subject: the text of its Subject field.
    ///   - lines: how many lines it has besides the header.
    ///   - word: stands in the middle line instead of random characters.
    /// - Returns: the mail, with CRLF line ends.
    mutating func mail(subject: String, lines: Int, containing word: String? = nil) -> [UInt8] {
        var bytes = Array(
            """
            From: Ann Example <ann@example.org>\r
            To: Bob Example <bob@example.net>\r
            Date: Mon, 7 Sep 2026 10:11:12 +0000\r
            Message-ID: <\(random.next())@example.org>\r
            Subject: \(subject)\r
            MIME-Version: 1.0\r
            Content-Type: text/plain; charset=us-ascii\r
            \r

            """.utf8)
        bytes.reserveCapacity(bytes.count + lines * 66)
        for line in 0..<lines {
            if let word, line == lines / 2 {
                bytes += Array(word.utf8)
            } else {
                // Ten characters of six bits each from a number of 64 bits; the last has four.
                for characters in [10, 10, 10, 10, 10, 10, 4] {
                    var bits = random.next()
                    for _ in 0..<characters {
                        bytes.append(Self.alphabet[Int(bits & 63)])
                        bits >>= 6
                    }
                }
            }
            bytes += [13, 10]
        }
        return bytes
    }
}
