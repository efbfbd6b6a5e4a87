// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

@testable import IMAPCore
import TestSupport
import Testing

@Suite struct CommandFramerBoundsTests {
    @Test func waitsForTheDecisionAboutAMessage() throws {
        var framer = CommandFramer()
        framer.receive(Array("a APPEND x {5+}\r\nhello\r\nb NOOP\r\n".utf8))
        guard case .appendPending? = framer.nextEvent() else {
            Issue.record("no APPEND")
            return
        }
        #expect(framer.nextEvent() == nil)
        framer.receive([])
        #expect(framer.nextEvent() == nil)
        framer.acceptLiteral()
        #expect(framer.nextEvent() == .appendBytes(Array("hello".utf8)))
        #expect(framer.nextEvent() == .appendFinished)
        framer.acceptLiteral()
        framer.refuseLiteral()
        #expect(framer.nextEvent()?.summary == "command b NOOP")
    }

    @Test func aMessageOfFiftyMegabytesPassesInBoundedMemory() {
        var framer = CommandFramer()
        let size = 50 * 1024 * 1024
        framer.receive(Array("a APPEND x {\(size)}\r\n".utf8))
        _ = framer.nextEvent()
        framer.acceptLiteral()
        #expect(framer.nextEvent() == .continuationRequest)
        let piece = [UInt8](repeating: 0x61, count: 65_536)
        var count = 0
        while count < size {
            framer.receive(piece)
            while case .appendBytes(let bytes)? = framer.nextEvent() { count += bytes.count }
            #expect(framer.bufferedByteCount == 0 && framer.buffer.capacity <= 262_144)
        }
        framer.receive([13, 10])
        #expect(framer.nextEvent() == .appendFinished)
        #expect(count == size && !framer.isInsideCommand)
    }

    @Test func givesBackWhatWasUsedWhileEventsWait() {
        var framer = CommandFramer()
        var found = 0
        for round in 1...50 {
            framer.receive(Array(String(repeating: "a NOOP\r\n", count: 1_000).utf8))
            for _ in 0..<990 where framer.nextEvent()?.summary == "command a NOOP" { found += 1 }
            #expect(framer.buffer.count <= 2 * (8_000 + round * 80) + 4_096)
        }
        while framer.nextEvent()?.summary == "command a NOOP" { found += 1 }
        #expect(found == 50_000)
    }

    @Test func looksAtNoByteTwice() {
        var framer = CommandFramer()
        let line = Array(("a SEARCH SUBJECT \"" + String(repeating: "x", count: 60_000) + "\"\r\n").utf8)
        for byte in line {
            framer.receive([byte])
            _ = framer.nextEvent()
        }
        #expect(framer.examinedBytes <= line.count)
        #expect(framer.bufferedByteCount == 0)
    }

    @Test func anEndlessLineIsHeldOnlyUpToItsLimit() {
        var framer = CommandFramer()
        let piece = [UInt8](repeating: 0x61, count: 4_096)
        var summaries: [String] = []
        for _ in 0..<1_000 {
            framer.receive(piece)
            while let event = framer.nextEvent() { summaries.append(event.summary) }
            #expect(framer.buffer.count <= framer.limits.lineBytes + 2 * piece.count)
        }
        #expect(summaries == ["bad lineTooLong", "bye lostFraming"])
        #expect(framer.hasEnded && framer.buffer.isEmpty)
    }

    @Test func endlessNonSynchronizingLiteralsOfABrokenCommandEndTheConnection() {
        var limits = IMAPLimits()
        limits.discardedLiteralBytes = 10_000
        var driver = FramerDriver(limits: limits)
        driver.feed("a FOO {65537+}\r\n".utf8)
        #expect(driver.framer.hasEnded)
        driver = FramerDriver(limits: limits)
        driver.feed("+ {100+}\r\n".utf8)
        for _ in 0..<200 where !driver.framer.hasEnded {
            driver.feed(String(repeating: "x", count: 100).utf8)
            driver.feed(" {100+}\r\n".utf8)
        }
        #expect(driver.framer.hasEnded)
        #expect(driver.events.map(\.summary) == ["bad syntax", "bye lostFraming"])
    }

    @Test func nothingThatCameBeforeTheProtectionIsUsedAfterIt() {
        var framer = CommandFramer()
        framer.receive(Array("a STARTTLS\r\nb LOGIN evil evil\r\nc LOG".utf8))
        #expect(framer.nextEvent()?.summary == "command a STARTTLS")
        #expect(framer.discardBufferedInput() == 24)
        framer.receive(Array("d NOOP\r\n".utf8))
        #expect(framer.nextEvent()?.summary == "command d NOOP")
    }

    @Test func knowsWhetherACommandHasBegun() {
        var framer = CommandFramer()
        #expect(!framer.isInsideCommand)
        framer.receive(Array("a LOGIN {3}\r\n".utf8))
        #expect(framer.isInsideCommand)
        #expect(framer.nextEvent() == .continuationRequest)
        #expect(framer.nextEvent() == nil)
        #expect(framer.isInsideCommand)
        framer.receive(Array("abc x\r\n".utf8))
        _ = framer.nextEvent()
        #expect(!framer.isInsideCommand)
    }

    @Test func tighterLimitsHoldBeforeTheLogin() {
        var framer = CommandFramer(limits: .beforeAuthentication)
        framer.receive(Array("a LOGIN {5000}\r\n".utf8))
        #expect(framer.nextEvent()?.summary == "bad a literalTooBig")
        framer.updateLimits(IMAPLimits())
        framer.receive(Array("a LOGIN {5000}\r\n".utf8))
        #expect(framer.nextEvent() == .continuationRequest)
    }

    @Test func aHugeLiteralAllocatesNothing() {
        // pluto.md D10: {-1} made the server allocate 4 GiB.
        for size in ["-1", "4294967295", "4294967296", "99999999999999999999"] {
            var framer = CommandFramer()
            framer.receive(Array("a APPEND x {\(size)}\r\n".utf8))
            let event = framer.nextEvent()
            #expect(event != .continuationRequest)
            if case .appendPending? = event { Issue.record("\(size) was taken") }
            #expect(framer.command.capacity + framer.buffer.capacity < 4_096)
        }
    }

    @Test func randomBytesNeverTrap() {
        for seed in 0..<3_000 as Range<UInt64> {
            var generator = SeededGenerator(seed: seed)
            var driver = FramerDriver(accepts: Bool.random(using: &generator))
            for _ in 0..<10 {
                let length = Int.random(in: 0...40, using: &generator)
                driver.feed((0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) })
                driver.feed(Array("{3+}\r\n".utf8).prefix(Int.random(in: 0...6, using: &generator)))
            }
            for case .invalid(let error) in driver.events {
                #expect(error.message.utf8.allSatisfy { (0x20...0x7E).contains($0) }, "seed \(seed)")
            }
        }
    }
}

@Suite struct LiteralHeaderTests {
    @Test(
        arguments: [
            ("a {5}", .literal(byteCount: 5, kind: .synchronizing)),
            ("{5+}", .literal(byteCount: 5, kind: .nonSynchronizing)),
            ("a {007}", .literal(byteCount: 7, kind: .synchronizing)),
            ("a {0}", .literal(byteCount: 0, kind: .synchronizing)),
            ("{4294967295}", .literal(byteCount: 4_294_967_295, kind: .synchronizing)),
            ("{4294967296}", .overflow(kind: .synchronizing)),
            ("{99999999999999999999+}", .overflow(kind: .nonSynchronizing)),
            ("{5", nil), ("5}", nil), ("{}", nil), ("{+}", nil), ("{-1}", nil), ("{5-}", nil), ("{5++}", nil),
            ("{ 5}", nil),
            ("{5} ", nil), ("", nil), ("}", nil), ("\"{5}\"", nil), ("{a}", nil), ("{5}\r", nil),
        ] as [(String, LiteralHeader?)])
    func readsTheEndOfALine(line: String, expected: LiteralHeader?) {
        #expect(LiteralHeader.atEnd(of: Array(line.utf8)[...]) == expected)
    }
}
