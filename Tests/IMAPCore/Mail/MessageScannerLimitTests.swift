// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import IMAPCore
import Testing

@Suite("Limits and cost of the scanner")
struct MessageScannerLimitTests {
    private static func depth(_ part: MessagePart) -> Int {
        switch part.content {
        case .leaf: return 1
        case .multipart(let parts): return 1 + (parts.map(depth).max() ?? 0)
        case .message(let message): return 1 + depth(message.part)
        }
    }

    private static func count(_ part: MessagePart) -> Int {
        switch part.content {
        case .leaf: return 1
        case .multipart(let parts): return parts.reduce(1) { $0 + count($1) }
        case .message(let message): return 1 + count(message.part)
        }
    }

    @Test func stopsAtTheNestingLimitOfMultiparts() {
        var message: [UInt8] = []
        for level in 0..<1000 {
            message += mailOctets("Content-Type: multipart/mixed; boundary=b\(level)\r\n\r\n--b\(level)\r\n")
        }
        message += mailOctets("\r\ndeep\r\n")
        let structure = MessageScanner.scan(message)
        #expect(structure.checkInvariants() == [])
        #expect(Self.depth(structure.root) == 101)
    }

    @Test func stopsAtTheNestingLimitOfMessages() {
        let wrapper = mailOctets("Content-Type: message/rfc822\r\n\r\n")
        let message = Array((0..<1000).map { _ in wrapper }.joined()) + mailOctets("Subject: x\r\n\r\ndeep\r\n")
        let structure = MessageScanner.scan(message)
        #expect(structure.checkInvariants() == [])
        #expect(Self.depth(structure.root) == 101)
    }

    @Test func keepsNoMorePartsThanTheLimit() {
        var message = mailOctets("Content-Type: multipart/mixed; boundary=b\r\n\r\n")
        for _ in 0..<100_000 { message += mailOctets("--b\n\nx\n") }
        message += mailOctets("--b--\n")
        let structure = MessageScanner.scan(message)
        #expect(structure.checkInvariants() == [])
        #expect(Self.count(structure.root) == 10_000)
        let smaller = MessageScanner.scan(message, limits: MailLimits(maximumPartCount: 7))
        #expect(Self.count(smaller.root) == 7)
    }

    @Test func cutsHugeFieldsAndGoesOn() {
        let huge = [UInt8](repeating: UInt8(ascii: "x"), count: 1_000_000)
        let message =
            mailOctets("Subject: ") + huge + mailOctets("\r\n ") + huge + mailOctets("\r\nFrom: a@b\r\n\r\nbody\r\n")
        let structure = MessageScanner.scan(message)
        #expect(structure.envelope.subject?.count == 65_536)
        #expect(structure.envelope.from.count == 1)
        #expect(structure.root.body.count == 6)
        let name = [UInt8](repeating: UInt8(ascii: "n"), count: 100_000)
        let odd = MessageScanner.scan(name + mailOctets(": value\r\nSubject: s\r\n\r\n"))
        #expect(odd.envelope.subject == mailOctets("s"))
    }

    @Test func ignoresFieldsBeyondTheCountAndTheBudget() {
        var message: [UInt8] = []
        for number in 0..<50 { message += mailOctets("X-\(number): y\r\n") }
        message += mailOctets("Subject: late\r\n\r\n")
        #expect(MessageScanner.scan(message).envelope.subject == mailOctets("late"))
        #expect(MessageScanner.scan(message, limits: MailLimits(maximumFieldCount: 50)).envelope.subject == nil)
        #expect(MessageScanner.scan(message, limits: MailLimits(maximumRetainedBytes: 3)).envelope.subject == nil)
    }

    @Test func limitsParametersAndAddresses() {
        let parameters = (0..<1000).map { "; p\($0)=v" }.joined()
        let list = (0..<10_000).map { "a\($0)@b" }.joined(separator: ",")
        let structure = MessageScanner.scan(
            mailOctets("Content-Type: a/b\(parameters)\r\nTo: \(list)\r\nTo: z@z\r\n\r\n"))
        #expect(structure.root.fields.mediaType.parameters.count == 128)
        #expect(structure.envelope.to.count == 4096)
    }

    @Test func refusesDelimitersBeyondTheLimit() {
        let boundary = String(repeating: "b", count: 994)
        let padding = String(repeating: " ", count: 500)
        let long = "Content-Type: multipart/mixed; boundary=\(boundary)\n\n--\(boundary)\n\nx\n--\(boundary)--\n"
        #expect(MessageScanner.scan(mailOctets(long)).root.children.first?.body.count == 1)
        let padded = "Content-Type: multipart/mixed; boundary=b\n\n--b\(padding)\n\nx\n--b--\(padding)\(padding)\n"
        let part = MessageScanner.scan(mailOctets(padded)).root.children.first
        #expect(part?.body.count == 1008)
        let tooLong = long.replacing(boundary, with: boundary + "b")
        #expect(MessageScanner.scan(mailOctets(tooLong)).root.children.first?.fields.mediaType == .plainText)
    }

    /// 99 open multiparts whose boundaries share a long beginning, and lines that look like their delimiters: the work
    /// may depend on the bytes only.
    @Test func doesNotPayForDepthOnEachLine() {
        let stem = String(repeating: "x", count: 60)
        var message: [UInt8] = []
        for level in 0..<99 {
            message += mailOctets(
                "Content-Type: multipart/mixed; boundary=\(stem)\(level)\r\n\r\n--\(stem)\(level)\r\n")
        }
        message += mailOctets("\r\n")
        for _ in 0..<2000 { message += mailOctets("--\(stem)none\r\n--\r\n-\r\n") }
        var scanner = MessageScanner()
        scanner.consume(message.span)
        let work = scanner.workCount
        #expect(work <= 2 * message.count)
        let structure = scanner.finish()
        #expect(Self.depth(structure.root) == 100)
    }

    @Test func doesLinearWorkInAddressesAndParameters() {
        // Each of these took quadratic time in a parser that looks ahead; here they are merely long.
        for unit in ["<@", "\"", "(", "((", "\\", ":", "<", "=?a?q?", "=?", ";x*0*=", "@[", "a:b;", ",<@a,@b"] {
            let value = String(repeating: unit, count: 60_000 / unit.utf8.count)
            let header = mailOctets("From: \(value)\r\nSubject: \(value)\r\nContent-Type: a/b;\(value)\r\n\r\n")
            #expect(MessageScanner.scan(header).checkInvariants() == [])
            #expect(!EncodedWord.decode(mailOctets(value)).isEmpty)
        }
    }
}
