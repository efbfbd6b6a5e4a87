// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import IMAPCore
import TestSupport
import Testing

@Suite struct CommandParserPropertyTests {
    @Test func whatIsWrittenIsWhatIsParsed() throws {
        for seed in 0..<4_000 as Range<UInt64> {
            var generator = SeededGenerator(seed: seed)
            let command = RandomCommand.command(using: &generator)
            let text = CommandWriter.bytes(of: command, using: &generator)
            do throws(IMAPError) {
                let parsed = try CommandParser.parse(CommandText(text))
                #expect(parsed == command, "seed \(seed): \(String(decoding: text, as: UTF8.self))")
            } catch {
                Issue.record("seed \(seed): \(error) in \(String(decoding: text, as: UTF8.self))")
            }
        }
    }

    @Test func everyPrefixOfACommandGivesACommandOrAnError() {
        for seed in 0..<400 as Range<UInt64> {
            var generator = SeededGenerator(seed: seed)
            let command = RandomCommand.command(using: &generator)
            let text = CommandWriter.bytes(of: command, using: &generator)
            for end in 0..<text.count { check(Array(text[..<end]), seed: seed) }
        }
    }

    @Test func changedCommandsNeverTrap() {
        for seed in 0..<30_000 as Range<UInt64> {
            var generator = SeededGenerator(seed: seed)
            let command = RandomCommand.command(using: &generator)
            var text = CommandWriter.bytes(of: command, using: &generator)
            for _ in 0..<Int.random(in: 1...4, using: &generator) where !text.isEmpty {
                let index = Int.random(in: 0..<text.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: text[index] = UInt8.random(in: 0...255, using: &generator)
                case 1: text.remove(at: index)
                case 2:
                    text.insert(Array(" ()\"{}[]<>*:,\\\r\n\0".utf8).randomElement(using: &generator) ?? 0, at: index)
                default:
                    let end = Int.random(in: index...text.count, using: &generator)
                    text.insert(contentsOf: text[index..<end], at: index)
                }
            }
            check(text, seed: seed)
        }
    }

    @Test func randomBytesNeverTrap() {
        for seed in 0..<20_000 as Range<UInt64> {
            var generator = SeededGenerator(seed: seed)
            let start = Array(
                ["", "a ", "a FETCH ", "a SEARCH ", "a LOGIN ", "a LIST ", "a UID FETCH 1 BODY["].randomElement(
                    using: &generator)?.utf8 ?? "".utf8)
            let rest = (0..<Int.random(in: 0...60, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            check(start + rest, seed: seed)
        }
    }

    /// An error has a tag when the text begins with one, and its message can be sent as it is.
    private func check(_ text: [UInt8], seed: UInt64) {
        do throws(IMAPError) {
            _ = try CommandParser.parse(CommandText(text))
        } catch {
            let tag = text.firstIndex(of: UInt8(ascii: " ")).flatMap { Tag(text[..<$0]) }
            #expect(error.tag == tag, "seed \(seed)")
            #expect(error.message.utf8.allSatisfy { (0x20...0x7E).contains($0) }, "seed \(seed): \(error.message)")
        }
    }
}
