// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import CRDTKit
import NIOCore
import PeerTransport
import TestSupport
import Testing

@Suite struct LinkFramerTests {
    private func frame(_ body: [UInt8]) -> [UInt8] {
        withUnsafeBytes(of: UInt32(body.count).bigEndian) { Array($0) } + body
    }

    private func drain(_ framer: inout LinkFramer) throws -> [[UInt8]] {
        var bodies: [[UInt8]] = []
        while let body = try framer.next() { bodies.append(Array(body.readableBytesView)) }
        return bodies
    }

    @Test func framesComeOutWhateverPiecesTheyComeIn() throws {
        let bodies: [[UInt8]] = [[1], Array(2...40), [7, 7, 7], Array(repeating: 9, count: 300)]
        let bytes = bodies.flatMap(frame)
        for first in 0...bytes.count {
            for size in [1, 2, 3, 5, 64, bytes.count] {
                var framer = LinkFramer(maximumBodyBytes: 300)
                framer.append(ByteBuffer(bytes: bytes[..<first]))
                var found = try drain(&framer)
                var rest = bytes[first...]
                while !rest.isEmpty {
                    framer.append(ByteBuffer(bytes: rest.prefix(size)))
                    rest = rest.dropFirst(size)
                    found += try drain(&framer)
                }
                #expect(found == bodies)
                #expect(!framer.isInsideFrame)
            }
        }
    }

    @Test func aFrameThatIsCutAnywhereIsIncomplete() throws {
        let bytes = frame(Array(1...50))
        for count in 1..<bytes.count {
            var framer = LinkFramer(maximumBodyBytes: 64)
            framer.append(ByteBuffer(bytes: bytes[..<count]))
            #expect(try framer.next() == nil)
            #expect(framer.isInsideFrame)
            #expect(framer.heldBytes == count)
        }
    }

    @Test func aLengthBeyondTheLimitIsRefusedBeforeItsBytesCome() throws {
        var framer = LinkFramer(maximumBodyBytes: 100)
        framer.append(ByteBuffer(bytes: [0, 0, 0]))
        #expect(try framer.next() == nil)
        framer.append(ByteBuffer(bytes: [101]))
        let error = #expect(throws: CRDTError.self) { try framer.next() }
        #expect(error?.code == .limitExceeded)
    }

    @Test func aFrameWithoutATypeIsRefused() throws {
        var framer = LinkFramer(maximumBodyBytes: 100)
        framer.append(ByteBuffer(bytes: [0, 0, 0, 0]))
        let error = #expect(throws: CRDTError.self) { try framer.next() }
        #expect(error?.code == .malformed)
    }

    @Test(arguments: 0..<200 as Range<UInt64>) func noGarbageDoesHarm(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var framer = LinkFramer(maximumBodyBytes: 4_096)
        var decoded = 0
        do {
            for _ in 0..<64 {
                var bytes = (0..<Int.random(in: 0...200, using: &generator)).map { _ in
                    UInt8.random(in: 0...255, using: &generator)
                }
                if Bool.random(using: &generator) { bytes = frame(bytes.isEmpty ? [0] : bytes) }
                framer.append(ByteBuffer(bytes: bytes))
                while let body = try framer.next() {
                    _ = try PeerMessageFraming.message(body)
                    decoded += 1
                }
            }
        } catch {
            // Refusing is what is wanted; that the process still runs is what is tested.
            #expect(!error.message.isEmpty, "seed \(seed)")
        }
        #expect(framer.heldBytes <= 4_096 + 64 * 204, "seed \(seed), \(decoded) decoded")
    }
}

@Suite struct ReconnectBackoffTests {
    @Test func waitsDoubleUpToTheMaximumAndBeginAnew() {
        var generator = SeededGenerator(seed: 7)
        var backoff = ReconnectBackoff(base: .milliseconds(50), maximum: .seconds(5))
        var ceiling = Duration.milliseconds(50)
        for _ in 0..<12 {
            let wait = backoff.next(using: &generator)
            #expect(wait <= ceiling)
            #expect(wait >= ceiling / 2)
            ceiling = min(ceiling * 2, .seconds(5))
        }
        backoff.reset()
        #expect(backoff.next(using: &generator) <= .milliseconds(50))
        backoff.exhaust()
        #expect(backoff.next(using: &generator) >= .milliseconds(2_500))
    }

    @Test func twoPeersDoNotWaitInStep() {
        var generator = SeededGenerator(seed: 8)
        var first = ReconnectBackoff(base: .milliseconds(50), maximum: .seconds(5))
        var second = first
        let waits = (0..<8).map { _ in (first.next(using: &generator), second.next(using: &generator)) }
        #expect(waits.contains { $0.0 != $0.1 })
    }
}
