// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import IMAPCore
import TestSupport
import Testing

@Suite struct CommandFramerTests {
    private static let small: IMAPLimits = {
        var limits = IMAPLimits()
        limits.lineBytes = 40
        limits.argumentLiteralBytes = 10
        limits.appendLiteralBytes = 20
        limits.commandBytes = 60
        limits.literalsPerCommand = 2
        limits.discardedLiteralBytes = 100
        limits.discardedLineBytes = 200
        return limits
    }()

    private static let minus: IMAPLimits = {
        var limits = IMAPLimits()
        limits.nonSynchronizingLiteralBytes = 4
        return limits
    }()

    /// Input, whether messages are accepted, and the events expected.
    private static let scripts: [(String, Bool, IMAPLimits, [String])] = [
        ("a NOOP\r\nb NOOP\nc NOOP\r\n", true, small, ["command a NOOP", "command b NOOP", "command c NOOP"]),
        (
            "a LOGIN {3}\r\nmrc {6}\r\nsecret\r\nb NOOP\r\n", true, small,
            ["+", "+", "command a LOGIN {3}\r\nmrc {6}\r\nsecret", "command b NOOP"]
        ),
        (
            "a LOGIN {3+}\nm\nc {0+}\r\n\r\nb NOOP\r\n", true, small,
            ["command a LOGIN {3+}\r\nm\nc {0+}\r\n", "command b NOOP"]
        ),
        ("a LOGIN {0}\r\n x\r\n", true, small, ["+", "command a LOGIN {0}\r\n x"]),
        (
            "a APPEND x (\\Seen) {5}\r\nhello\r\nb NOOP\r\n", true, small,
            ["append a x 5", "+", "bytes hello", "finished", "command b NOOP"]
        ),
        (
            "a APPEND {1}\r\nx \"17-Jul-1996 02:44:25 -0700\" {5+}\r\nh\r\nlo \r\n", true, small,
            ["+", "append a x 5", "bytes h\r\nlo", "finished"]
        ),
        ("a APPEND x {0+}\r\n\r\nb NOOP\r\n", true, small, ["append a x 0", "finished", "command b NOOP"]),
        ("a APPEND x {0}\r\n\r\nb NOOP\r\n", true, small, ["append a x 0", "+", "finished", "command b NOOP"]),
        ("a APPEND x {5}\r\nb NOOP\r\n", false, small, ["append a x 5", "command b NOOP"]),
        ("a APPEND x {5+}\r\nhe\r\no\r\nb NOOP\r\n", false, small, ["append a x 5", "command b NOOP"]),
        ("a APPEND x {21}\r\nb NOOP\r\n", true, small, ["no a messageTooBig", "command b NOOP"]),
        (
            "a APPEND x {22+}\r\n1234567890123456789\r\n2\r\nb NOOP\r\n", true, small,
            ["no a messageTooBig", "command b NOOP"]
        ),
        ("a APPEND x {101+}\r\nb NOOP\r\n", true, small, ["no a messageTooBig", "bye lostFraming"]),
        (
            "a APPEND x {2+}\r\nhi {2+}\r\nho\r\nb NOOP\r\n", true, small,
            ["append a x 2", "bytes hi", "failed unsupported", "command b NOOP"]
        ),
        (
            "a APPEND x {2+}\r\nhi (\\Seen) {2}\r\nb NOOP\r\n", true, small,
            ["append a x 2", "bytes hi", "failed unsupported", "command b NOOP"]
        ),
        (
            "a APPEND x {4+}\r\nh\0i!\r\nb NOOP\r\n", true, small,
            ["append a x 4", "bytes h", "failed nulByte", "command b NOOP"]
        ),
        (
            "a APPEND x {4+}\r\n\0\0\0\0 x\r\nb NOOP\r\n", true, small,
            ["append a x 4", "failed nulByte", "command b NOOP"]
        ),
        ("a APPEND x (\\Foo) {4+}\r\nb N\r\nb NOOP\r\n", true, small, ["bad a syntax", "command b NOOP"]),
        ("a APPEND x y {4}\r\nb NOOP\r\n", true, small, ["bad a syntax", "command b NOOP"]),
        ("a APPEND & {4}\r\nb NOOP\r\n", true, small, ["no a invalidMailboxName", "command b NOOP"]),
        ("a APPEND {11}\r\nb NOOP\r\n", true, small, ["bad a literalTooBig", "command b NOOP"]),
        ("a LOGIN {11}\r\nb NOOP\r\n", true, small, ["bad a literalTooBig", "command b NOOP"]),
        (
            "a LOGIN {11+}\r\nb NOOP\r\n123 x\r\nc NOOP\r\n", true, small, ["bad a literalTooBig", "command c NOOP"]
        ),
        (
            "a LOGIN {11+}\r\n12345678901 {3+}\r\nabc\r\nc NOOP\r\n", true, small,
            ["bad a literalTooBig", "command c NOOP"]
        ),
        (
            "a LOGIN {1+}\r\nx {1+}\r\nx {1+}\r\nx\r\nc NOOP\r\n", true, small,
            ["bad a tooManyElements", "command c NOOP"]
        ),
        (
            "a 123456789012345678901234567890 {9+}\r\n123456789 12345678901234567890\r\nc NOOP\r\n", true, small,
            ["bad a commandTooLong", "command c NOOP"]
        ),
        ("a LOGIN {-1}\r\nb NOOP\r\n", true, small, ["command a LOGIN {-1}", "command b NOOP"]),
        ("a LOGIN {4294967296}\r\nb NOOP\r\n", true, small, ["bad a literalTooBig", "command b NOOP"]),
        (
            "a LOGIN {99999999999999999999}\r\nb NOOP\r\n", true, small, ["bad a literalTooBig", "command b NOOP"]
        ),
        ("a LOGIN {4294967296+}\r\nb NOOP\r\n", true, small, ["bad a literalTooBig", "bye lostFraming"]),
        ("a LOGIN {99999999999999999999+}\r\nb NOOP\r\n", true, small, ["bad a literalTooBig", "bye lostFraming"]),
        ("garbage{5}\r\nb NOOP\r\n", true, small, ["bad syntax", "command b NOOP"]),
        ("\r\n\nb NOOP\r\n", true, small, ["bad syntax", "bad syntax", "command b NOOP"]),
        (
            "a 12345678901234567890123456789012345678\r\n", true, small,
            ["command a 12345678901234567890123456789012345678"]
        ),
        (
            "a 123456789012345678901234567890123456789\r\nb NOOP\r\n", true, small,
            ["bad a lineTooLong", "command b NOOP"]
        ),
        (
            "a 1234567890123456789012345678901234567890 {3+}\r\n\r\nx\r\nb NOOP\r\n", true, small,
            ["bad a lineTooLong", "command b NOOP"]
        ),
        (
            "a LOGIN {1+}\r\nx 1234567890123456789012345678901234567890 {3}\r\nb NOOP\r\n", true, small,
            ["bad a lineTooLong", "command b NOOP"]
        ),
        (
            "a " + String(repeating: "x", count: 300) + "\r\nb NOOP\r\n", true, small,
            ["bad a lineTooLong", "bye lostFraming"]
        ),
        (
            "a APPEND x {1+}\r\nx" + String(repeating: " ", count: 60) + "\r\nb NOOP\r\n", true, small,
            ["append a x 1", "bytes x", "failed lineTooLong", "command b NOOP"]
        ),
        (
            "a LOGIN {5+}\r\nb NOOP\r\nc NOOP\r\n", true, minus,
            ["bad a nonSynchronizingLiteralTooBig", "command c NOOP"]
        ),
        (
            "a APPEND x {5+}\r\nhello\r\nc NOOP\r\n", true, minus,
            ["bad a nonSynchronizingLiteralTooBig", "command c NOOP"]
        ),
        ("a APPEND x {4+}\r\nhell\r\n", true, minus, ["append a x 4", "bytes hell", "finished"]),
        ("a IDLE\r\ndone\r\nb NOOP\r\n", true, small, ["command a IDLE", "done", "command b NOOP"]),
        (
            "a IDLE\r\nb NOOP\r\nc NOOP\r\n", true, small, ["command a IDLE", "bad idleInterrupted", "command c NOOP"]
        ),
        (
            "a AUTHENTICATE PLAIN\r\nZm9v\r\nb NOOP\r\n", true, small,
            ["command a AUTHENTICATE PLAIN", "response foo", "command b NOOP"]
        ),
        (
            "a AUTHENTICATE PLAIN\r\n*\r\nb NOOP\r\n", true, small,
            ["command a AUTHENTICATE PLAIN", "cancelled", "command b NOOP"]
        ),
        (
            "a AUTHENTICATE PLAIN\r\nZm9\r\nb NOOP\r\n", true, small,
            ["command a AUTHENTICATE PLAIN", "bad invalidBase64", "command b NOOP"]
        ),
        (
            "a AUTHENTICATE PLAIN\r\n" + String(repeating: "A", count: 80) + "\r\nb NOOP\r\n", true, small,
            ["command a AUTHENTICATE PLAIN", "bad lineTooLong", "command b NOOP"]
        ),
    ]

    @Test(arguments: scripts.indices)
    func findsTheSameEventsForEverySplit(index: Int) {
        let (script, accepts, limits, expected) = Self.scripts[index]
        let bytes = Array(script.utf8)
        let whole = FramerDriver.events(of: bytes, limits: limits, accepts: accepts)
        #expect(whole.map(\.summary) == expected)
        for cut in 0...bytes.count {
            #expect(
                FramerDriver.events(of: bytes, cutAt: [cut], limits: limits, accepts: accepts) == whole, "cut \(cut)")
        }
        let single = Array(0..<bytes.count)
        #expect(FramerDriver.events(of: bytes, cutAt: single, limits: limits, accepts: accepts) == whole)
    }

    @Test func findsTheSameEventsForRandomSplitsOfRandomScripts() {
        for seed in 0..<3_000 as Range<UInt64> {
            var generator = SeededGenerator(seed: seed)
            var script: [UInt8] = []
            for _ in 0..<Int.random(in: 1...5, using: &generator) {
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: script += Array((Self.scripts.randomElement(using: &generator)?.0 ?? "").utf8)
                case 1:
                    let command = RandomCommand.command(using: &generator)
                    script += CommandWriter.bytes(of: command, using: &generator) + [13, 10]
                default:
                    script += (0..<Int.random(in: 1...30, using: &generator)).map { _ in
                        Array("a {}+019\r\n\"\0x DONE*".utf8).randomElement(using: &generator) ?? 0
                    }
                }
            }
            let accepts = Bool.random(using: &generator)
            let limits = Bool.random(using: &generator) ? Self.small : IMAPLimits()
            let whole = FramerDriver.events(of: script, limits: limits, accepts: accepts)
            let cuts = (0..<Int.random(in: 1...20, using: &generator)).map { _ in
                Int.random(in: 0...script.count, using: &generator)
            }.sorted()
            let split = FramerDriver.events(of: script, cutAt: cuts, limits: limits, accepts: accepts)
            #expect(split == whole, "seed \(seed)")
        }
    }

    @Test func randomCommandsComeThroughTheFramerUnchanged() throws {
        for seed in 0..<2_000 as Range<UInt64> {
            var generator = SeededGenerator(seed: seed)
            let command = RandomCommand.command(using: &generator)
            let text = CommandWriter.bytes(of: command, using: &generator)
            let events = FramerDriver.events(of: text + [13, 10], accepts: false)
            switch command.body {
            case .append(let append) where append.literalBytes <= IMAPLimits().appendLiteralBytes:
                #expect(events.contains(.appendPending(command.tag, append)), "seed \(seed)")
            case .append:
                guard case .invalid(let error)? = events.first(where: { $0 != .continuationRequest }) else {
                    Issue.record("seed \(seed)")
                    continue
                }
                #expect(error.code == .messageTooBig && error.tag == command.tag)
            default:
                guard case .command(let found)? = events.last(where: { $0 != .continuationRequest }) else {
                    Issue.record("seed \(seed)")
                    continue
                }
                #expect(try CommandParser.parse(found) == command, "seed \(seed)")
            }
        }
    }

    @Test func noCommandIsFoundBeforeItsLastByte() {
        for text in ["a NOOP\r\n", "a LOGIN {3+}\r\nmrc {1+}\r\nx\r\n", "a SEARCH SUBJECT \"x\"\n"] {
            let bytes = Array(text.utf8)
            for end in 0..<bytes.count { #expect(FramerDriver.events(of: Array(bytes[..<end])).isEmpty) }
            #expect(FramerDriver.events(of: bytes).count == 1)
        }
    }
}
