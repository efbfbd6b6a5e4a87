// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import IMAPCore
import TestSupport
import Testing

@Suite("Scanner on damaged mails")
struct MessageScannerMutationTests {
    /// What mail syntax turns on; random bytes alone would seldom hit it.
    private static let splices: [[UInt8]] = [
        "\r\n", "\n", "\r", "\r\n\r\n", "--", "--b\r\n", "\r\n--outer\r\n", "\r\n--inner--\r\n", ":", ";", "\"", "(",
        "<", ">",
        "\0", "=?utf-8?q?=C3?=", "Content-Type: multipart/mixed; boundary=b\r\n", "Content-Type: message/rfc822\r\n",
        "\r\nContent-Type: multipart/digest; boundary=inner\r\n\r\n", "*0*=", "%", "boundary=", "\u{FFFD}",
    ].map(mailOctets)

    private static func mutated(_ message: [UInt8], using generator: inout SeededGenerator) -> [UInt8] {
        var result = message
        for _ in 0..<Int.random(in: 1...6, using: &generator) {
            let place = Int.random(in: 0...result.count, using: &generator)
            switch Int.random(in: 0..<5, using: &generator) {
            case 0:
                let end = min(result.count, place + Int.random(in: 0...40, using: &generator))
                result.removeSubrange(place..<end)
            case 1: result.insert(contentsOf: splices.randomElement(using: &generator) ?? [], at: place)
            case 2: if place < result.count { result[place] = UInt8.random(in: 0...255, using: &generator) }
            case 3:
                let end = min(result.count, place + Int.random(in: 0...120, using: &generator))
                result.insert(contentsOf: result[place..<end], at: Int.random(in: 0...result.count, using: &generator))
            default: result.removeLast(min(result.count, Int.random(in: 0...60, using: &generator)))
            }
        }
        return result
    }

    @Test(arguments: MailFixtures.names)
    func survivesMutationsWithEveryInvariant(name: String) throws {
        let message = try MailFixtures.message(name)
        for seed in UInt64(0)..<150 {
            var generator = SeededGenerator(seed: seed)
            let damaged = Self.mutated(message, using: &generator)
            let whole = MessageScanner.scan(damaged)
            let split = Int.random(in: 0...damaged.count, using: &generator)
            var scanner = MessageScanner()
            let first = Array(damaged[..<split])
            let second = Array(damaged[split...])
            scanner.consume(first.span)
            scanner.consume(second.span)
            let pieces = scanner.finish()
            let violations = whole.checkInvariants()
            if !violations.isEmpty || pieces != whole || !Self.isBalanced(whole) {
                Issue.record("seed \(seed): \(violations), split at \(split): \(MailFixtures.printable(damaged))")
                return
            }
            Self.touchEverything(whole, damaged)
        }
    }

    @Test func survivesRandomBytes() {
        for seed in UInt64(0)..<300 {
            var generator = SeededGenerator(seed: seed)
            let count = Int.random(in: 0...400, using: &generator)
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
            let structure = MessageScanner.scan(bytes)
            #expect(structure.checkInvariants() == [], "seed \(seed)")
            Self.touchEverything(structure, bytes)
        }
    }

    /// Runs what works on a structure, to see that nothing of it traps.
    private static func touchEverything(_ structure: MessageStructure, _ message: [UInt8]) {
        for parts in [[], [1], [2], [1, 1], [2, 1], [1, 2, 1], [3, 1, 1, 1]] {
            let kinds: [SectionPath.Kind] = [
                .whole, .header, .text, .mime, .headerFields([mailOctets("Subject")]),
                .headerFieldsNot([mailOctets("to")]),
            ]
            for kind in kinds {
                switch structure.content(of: SectionPath(parts: parts, kind: kind)) {
                case .range(let range): _ = message[range]
                case .headerFilter(let header, let names, let excluding):
                    _ = HeaderFilter.filter(Array(message[header]), names: names, excluding: excluding)
                case .missing: break
                }
            }
        }
        let program = MessageSearchProgram([
            .subject(mailOctets("e")), .body(mailOctets("zzz")), .text(mailOctets("qqqq")),
            .header(name: mailOctets("X"), needle: []),
        ])
        _ = MessageTextSearch.search(message, program: program)
        _ = structure.envelope.parsedDate
    }

    /// Reads the encoded structure as an IMAP client does: parentheses, quoted strings and literals must pair up.
    private static func isBalanced(_ structure: MessageStructure) -> Bool {
        var output: [UInt8] = []
        structure.appendBodyStructure(to: &output, extensible: true)
        output.append(0x20)
        structure.appendEnvelope(to: &output)
        var depth = 0
        var index = 0
        while index < output.count {
            let byte = output[index]
            index += 1
            switch byte {
            case UInt8(ascii: "("): depth += 1
            case UInt8(ascii: ")"): depth -= 1
            case UInt8(ascii: "\""):
                while index < output.count, output[index] != UInt8(ascii: "\"") {
                    if output[index] >= 0x80 || output[index] == 0 || output[index] == 0x0D || output[index] == 0x0A {
                        return false
                    }
                    index += output[index] == UInt8(ascii: "\\") ? 2 : 1
                }
                index += 1
            case UInt8(ascii: "{"):
                var count = 0
                while index < output.count, output[index] != UInt8(ascii: "}") {
                    count = count * 10 + Int(output[index]) - 0x30
                    index += 1
                }
                let end = index + 3 + count
                guard end <= output.count, !output[(index + 3)..<end].contains(0) else { return false }
                index = end
            case 0x80..., 0x00...0x1F: return false
            default: break
            }
            if depth < 0 { return false }
        }
        return depth == 0 && index == output.count
    }
}
