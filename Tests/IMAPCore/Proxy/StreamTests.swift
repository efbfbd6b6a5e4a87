// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import TestSupport
import Testing

@testable import IMAPCore

@Suite("Streams between client and server")
struct StreamTests {
    private func pieces(_ text: String) -> [ClientStream.Piece] {
        var stream = ClientStream()
        stream.receive(Array(text.utf8).span)
        var result: [ClientStream.Piece] = []
        while let piece = stream.next() {
            result.append(piece)
            if case .line(_, .literal(let count, _)) = piece { stream.expectLiteral(count) }
        }
        return result
    }

    @Test func linesAndLiteralsComeAsTheyWereSent() {
        #expect(
            pieces("a NOOP\r\nb X {3+}\r\nabc\r\n\nc") == [
                .line(Array("a NOOP\r\n".utf8), nil),
                .line(Array("b X {3+}\r\n".utf8), .literal(byteCount: 3, kind: .nonSynchronizing)),
                .literal(Array("abc".utf8), isLast: true), .line(Array("\r\n".utf8), nil),
                .line(Array("\n".utf8), nil),
            ])
    }

    @Test func whatIsNoLiteralAnnouncesNone() {
        #expect(pieces("a X {-1}\r\n") == [.line(Array("a X {-1}\r\n".utf8), nil)])
        #expect(
            pieces("a X {99999999999+}\r\n")
                == [.line(Array("a X {99999999999+}\r\n".utf8), .overflow(kind: .nonSynchronizing))])
    }

    @Test func aLongLineComesInPartsAndItsLiteralIsSeen() {
        var stream = ClientStream()
        stream.receive(([UInt8](repeating: 0x61, count: 70_000) + Array(" {1".utf8)).span)
        guard case .linePart(let part)? = stream.next() else {
            Issue.record("no part")
            return
        }
        #expect(part.count == 70_003)
        stream.receive(Array("2+}\r\n".utf8).span)
        #expect(stream.next() == .line(Array("2+}\r\n".utf8), .literal(byteCount: 12, kind: .nonSynchronizing)))
        #expect(stream.bufferedByteCount == 0)
    }

    private static let responses =
        "* 3 EXISTS\r\n* 1 FETCH (BODY[] {5}\r\na\r\n*b FLAGS ())\r\n+ go on\r\nt1 OK [READ-WRITE] done {3}\r\n"
        + "* OK text {7}\r\n* 2 FETCH (A {0}\r\n B {2}\r\nxx)\r\nu.2 no failed\r\n* BYE gone {1}\r\nx y z\r\n"

    private static let kinds: [ServerStream.Kind] = [
        .untagged, .untagged, .continuation, .tagged(Tag("t1")!, .ok), .untagged, .untagged, .tagged(Tag("u.2")!, .no),
        .bye, .untagged,
    ]

    @Test(arguments: 0..<200)
    func responsesAreTheSameHoweverTheyAreCut(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        let bytes = Array(Self.responses.utf8)
        var stream = ServerStream()
        var kinds: [ServerStream.Kind] = []
        var output: [UInt8] = []
        var position = 0
        while position < bytes.count {
            let end = min(bytes.count, position + Int.random(in: 1...(seed % 2 == 0 ? 3 : 40), using: &random))
            stream.receive(Array(bytes[position..<end]).span)
            position = end
            while let piece = stream.next() {
                guard case .response(let response, let kind) = piece else {
                    Issue.record("seed \(seed): a part of a small response")
                    return
                }
                kinds.append(kind)
                output += response
            }
        }
        #expect(kinds == Self.kinds, "seed \(seed)")
        #expect(output == bytes, "seed \(seed)")
        #expect(stream.bufferedByteCount == 0 && !stream.isInsideResponse)
    }

    @Test(arguments: 0..<40)
    func largeResponsesComeInPartsThatAddUp(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        let literal = [UInt8](repeating: 0x0A, count: 300_000)
        let number = String(repeating: " 12", count: 60_000)
        let bytes =
            Array("* SEARCH\(number)\r\n* 1 FETCH (BODY[] {300000}\r\n".utf8) + literal + Array(")\r\nt OK x\r\n".utf8)
        var stream = ServerStream()
        var kinds: [ServerStream.Kind] = []
        var output: [UInt8] = []
        var largest = 0
        var position = 0
        while position < bytes.count {
            let end = min(bytes.count, position + Int.random(in: 1...50_000, using: &random))
            stream.receive(Array(bytes[position..<end]).span)
            position = end
            while let piece = stream.next() {
                switch piece {
                case .part(let part):
                    #expect(stream.isInsideResponse)
                    output += part
                case .response(let rest, let kind):
                    #expect(!stream.isInsideResponse)
                    output += rest
                    kinds.append(kind)
                }
            }
            largest = max(largest, stream.bufferedByteCount)
        }
        #expect(kinds == [.untagged, .untagged, .tagged(Tag("t")!, .ok)], "seed \(seed)")
        #expect(output == bytes, "seed \(seed)")
        #expect(largest <= ServerStream.longestKept + 50_000)
    }

    @Test(arguments: [
        ("a NOOP\r\n", "NOOP", ProxiedCommand.Policy.repeatable), ("a uid  x\r\n", "UNKNOWN", .repeatable),
        ("a uid store 1 FLAGS ()\r\n", "UID STORE", .once), ("a create x\r\n", "CREATE", .once),
        ("a APPEND x {3}\r\n", "APPEND", .once), ("a fetch 1 UID\r\n", "FETCH", .repeatable),
        ("a \r\n", "UNKNOWN", .repeatable),
    ])
    func commandsAreToldApart(line: String, name: String, policy: ProxiedCommand.Policy) {
        let command = ProxiedCommand(line: Array(line.utf8))
        #expect(command?.name == name)
        #expect(command?.policy == policy)
    }

    @Test(arguments: ["\r\n", "abc\r\n", " NOOP\r\n", "+ NOOP\r\n"])
    func whatHasNoTagIsNoCommand(line: String) {
        #expect(ProxiedCommand(line: Array(line.utf8)) == nil)
    }
}
