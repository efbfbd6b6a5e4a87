// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import IMAPCore

/// How many commands framer and parser take in a second; the reference sums the same bytes.
enum IMAPParse {
    private static let repeats = 2_000
    /// What a mail client sends in a session, one of each.
    private static let script = """
        a1 LOGIN user secret\r\na2 SELECT INBOX\r\na3 UID FETCH 1:* (FLAGS)\r\na4 NOOP\r\n\
        a5 UID FETCH 1201:1250 (UID RFC822.SIZE FLAGS BODY.PEEK[HEADER.FIELDS (From To Cc Bcc Subject Date Message-ID Priority \
        X-Priority References Newsgroups In-Reply-To Content-Type Reply-To)])\r\n\
        a6 UID STORE 1203,1207,1210:1215 +FLAGS.SILENT (\\Seen \\Flagged $Work)\r\n\
        a7 UID SEARCH RETURN (ALL COUNT) OR (SUBJECT "meeting" SINCE 1-Feb-2025) NOT (SEEN DELETED)\r\n\
        a8 LIST "" "*" RETURN (CHILDREN SPECIAL-USE)\r\na9 STATUS "Archive/2025" (MESSAGES UIDNEXT UIDVALIDITY UNSEEN)\r\n\
        b1 UID MOVE 1203:1205 {12+}\r\nArchive/2025\r\nb2 UID EXPUNGE 1207\r\nb3 UID FETCH 1203 (BODYSTRUCTURE BODY.PEEK[1.2]<0.65536>)\r\n
        """

    static func run(_ context: BenchContext) throws -> [ResultRow] {
        let stream = [[UInt8]](repeating: Array(script.utf8), count: repeats).flatMap { $0 }
        let pieceBytes = 4_096
        var commandCount = 0
        let comparison = try Comparison(
            rounds: context.rounds,
            subject: {
                var framer = CommandFramer()
                commandCount = 0
                let cost = try Stopwatch.measure {
                    var start = 0
                    while start < stream.count {
                        let end = min(start + pieceBytes, stream.count)
                        framer.receive(stream.span.extracting(start..<end))
                        start = end
                        while let event = framer.nextEvent() {
                            guard case .command(let text) = event else { throw BenchFailure("\(event)") }
                            blackHole(try CommandParser.parse(text))
                            commandCount += 1
                        }
                    }
                }
                return cost.divided(by: commandCount)
            }, reference: { ByteSum.cost(of: stream).divided(by: commandCount) })
        let rate = comparison.costs(.cpu).median.map { Double(stream.count) / ($0 * Double(commandCount)) * 1e3 }
        return [
            ResultRow(
                "imap.parse", "commands in pieces of 4 KiB", comparison, .cpu, reference: "sum of the bytes",
                unit: "commands/s", note: "\(TextTable.number(rate)) MB/s"
            ) { 1e9 / $0 }
        ]
    }
}

/// The reference of everything that reads bytes: it reads each once.
enum ByteSum {
    static func cost(of bytes: [UInt8]) -> Cost {
        Stopwatch.measure {
            var sum: UInt64 = 0
            for byte in bytes { sum &+= UInt64(byte) }
            blackHole(sum)
        }
    }
}
