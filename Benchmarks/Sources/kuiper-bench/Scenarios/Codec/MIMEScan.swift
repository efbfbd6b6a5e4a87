// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import IMAPCore

/// How fast the scanner finds the structure of a message; the reference sums the same bytes.
enum MIMEScan {
    static func run(_ context: BenchContext) throws -> [ResultRow] {
        [
            row("plain mails of 4 KiB", [[UInt8]](repeating: plainMail(bytes: 4_096), count: 1_000), context),
            row("a mail with 16 MiB of base64", [attachmentMail(bytes: 16 << 20)], context),
            row("a multipart of 5,000 parts", [manyParts(5_000)], context),
            search(context),
        ]
    }

    private static func row(_ subject: String, _ mails: [[UInt8]], _ context: BenchContext) -> ResultRow {
        let bytes = mails.reduce(0) { $0 + $1.count }
        let comparison = Comparison(
            rounds: context.rounds,
            subject: {
                Stopwatch.measure { for mail in mails { blackHole(MessageScanner.scan(mail)) } }.divided(by: bytes)
            }, reference: { sums(mails).divided(by: bytes) })
        return ResultRow("mime.scan", subject, comparison, .cpu, reference: "sum of the bytes", unit: "MB/s") {
            1e3 / $0
        }
    }

    private static func search(_ context: BenchContext) -> ResultRow {
        let mail = attachmentMail(bytes: 16 << 20, type: "text/plain; charset=utf-8")
        let program = MessageSearchProgram([.body(Array("no such words".utf8))])
        let comparison = Comparison(
            rounds: context.rounds,
            subject: {
                Stopwatch.measure { blackHole(MessageTextSearch.search(mail, program: program)) }.divided(
                    by: mail.count)
            }, reference: { sums([mail]).divided(by: mail.count) })
        return ResultRow(
            "mime.scan", "SEARCH BODY in 16 MiB of base64 text", comparison, .cpu, reference: "sum of the bytes",
            unit: "MB/s"
        ) { 1e3 / $0 }
    }

    private static func sums(_ mails: [[UInt8]]) -> Cost {
        var total = Cost(wall: 0, cpu: 0)
        for mail in mails {
            let cost = ByteSum.cost(of: mail)
            total.wall += cost.wall
            total.cpu += cost.cpu
        }
        return total
    }

    private static let header = """
        Received: from mx.example.org (mx.example.org [192.0.2.1]) by mail.example.net; Mon, 3 Feb 2025 10:00:00 +0100\r\n\
        From: "A. Sender" <sender@example.org>\r\nTo: Somebody <somebody@example.net>, other@example.com\r\n\
        Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= and a few words\r\nDate: Mon, 3 Feb 2025 10:00:00 +0100\r\n\
        Message-ID: <20250203100000.1@example.org>\r\nMIME-Version: 1.0\r\n
        """

    /// A mail of a size, of which no two numbers give the same bytes.
    static func plainMail(bytes count: Int, number: Int = 0) -> [UInt8] {
        var mail = Array("X-Number: \(number)\r\n\(header)Content-Type: text/plain; charset=utf-8\r\n\r\n".utf8)
        let line = Array("A line of text as people write them, with some words and a number, 12345.\r\n".utf8)
        while mail.count < count { mail += line.prefix(count - mail.count) }
        return mail
    }

    private static func attachmentMail(bytes count: Int, type: String = "application/octet-stream") -> [UInt8] {
        var mail = Array(
            "\(header)Content-Type: multipart/mixed; boundary=\"=_b\"\r\n\r\n--=_b\r\n\r\nHello\r\n--=_b\r\nContent-Type: \(type)\r\nContent-Transfer-Encoding: base64\r\n\r\n"
                .utf8)
        let line = Base64.encode((0..<57).map { UInt8(truncatingIfNeeded: $0 &* 151 &+ 7) & 0x7F }) + [13, 10]
        mail.reserveCapacity(count + 1_024)
        while mail.count < count { mail += line }
        return mail + Array("--=_b--\r\n".utf8)
    }

    private static func manyParts(_ count: Int) -> [UInt8] {
        var mail = Array("\(header)Content-Type: multipart/mixed; boundary=b\r\n\r\n".utf8)
        for number in 0..<count {
            mail += Array("--b\r\nContent-Type: text/plain; name=\"\(number).txt\"\r\n\r\nPart \(number)\r\n".utf8)
        }
        return mail + Array("--b--\r\n".utf8)
    }
}
