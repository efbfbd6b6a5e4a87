// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import IMAPCore
import NIOCore
import TestSupport
import Testing

@testable import FrontDoor

@Suite("Frames of front links")
struct FrontFrameTests {
    static let frames: [FrontFrame] = [
        .open(
            FrontPreamble(
                user: "Zoë", userID: -7, group: "eu-1", client: "2001:db8::1", protection: "TLSv1.3", ticket: [1, 2, 3])
        ),
        .open(FrontPreamble(user: "a", userID: .max, group: "g", client: "", protection: "")), .ready,
        .refused(FrontFault(code: .group, reason: "not here")), .data(ByteBuffer(string: "a NOOP\r\n")),
        .data(ByteBuffer()), .change(TicketUpdate(isComplete: true, bytes: [9]), ByteBuffer(string: "* 1 EXISTS\r\n")),
        .change(TicketUpdate(isComplete: false, bytes: []), ByteBuffer()), .release, .end, .ping(5), .pong(.max),
    ]

    private func encode(_ frames: [FrontFrame]) -> ByteBuffer {
        var output = ByteBuffer()
        for frame in frames { frame.write(into: &output) }
        return output
    }

    @Test(arguments: 0..<50)
    func framesSurviveTheirEncodingHoweverTheyAreCut(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        var rest = encode(Self.frames)
        var input = ByteBuffer()
        var found: [FrontFrame] = []
        while let part = rest.readSlice(length: min(rest.readableBytes, Int.random(in: 1...30, using: &random))),
            part.readableBytes > 0
        {
            input.writeImmutableBuffer(part)
            while let frame = try FrontFrame.read(from: &input, limits: FrontLimits()) { found.append(frame) }
        }
        #expect(found == Self.frames, "seed \(seed)")
        #expect(input.readableBytes == 0)
    }

    @Test func lessThanAFrameIsNoError() throws {
        let whole = encode([Self.frames[0]])
        for count in 0..<whole.readableBytes {
            var part = whole.getSlice(at: 0, length: count) ?? ByteBuffer()
            #expect(try FrontFrame.read(from: &part, limits: FrontLimits()) == nil)
            #expect(part.readableBytes == count)
        }
    }

    @Test(arguments: 0..<500)
    func hostileOctetsGiveAFaultAndNothingElse(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        var bytes = Array(encode([Self.frames.randomElement(using: &random)!]).readableBytesView)
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(in: 0...255, using: &random)
        }
        var input = ByteBuffer(bytes: bytes)
        do throws(FrontFault) {
            while try FrontFrame.read(from: &input, limits: FrontLimits()) != nil {}
        } catch {
            #expect([.malformed, .version].contains(error.code), "seed \(seed): \(error)")
        }
    }

    @Test func aFrameThatIsTooLargeIsRefusedBeforeItHasCome() {
        var input = ByteBuffer(bytes: [0x7F, 0, 0, 0, 4])
        #expect(throws: FrontFault.self) { try FrontFrame.read(from: &input, limits: FrontLimits()) }
    }

    @Test func aFutureVersionIsRefusedByItsName() {
        var output = encode([Self.frames[1]])
        output.setInteger(UInt8(9), at: 5)
        #expect(throws: FrontFault(code: .version, reason: "version 9 of the front link; this node speaks 1")) {
            try FrontFrame.read(from: &output, limits: FrontLimits())
        }
    }
}
