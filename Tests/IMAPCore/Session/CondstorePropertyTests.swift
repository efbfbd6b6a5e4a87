// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import IMAPCore
import TestSupport
import Testing

/// A client that is away most of the time and asks only for what has changed since.
@Suite("Clients that synchronise by modification sequences")
struct CondstorePropertyTests {
    @Test(arguments: 0..<200)
    func whatChangedSinceTellsIsEnough(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        let store = ModelStore()
        var cache: [UInt32: String] = [:]
        var known: UInt64 = 0
        for round in 0..<20 {
            for _ in 0..<Int.random(in: 0...6, using: &random) { Self.change(store, &random) }
            let shell = ModelShell(store)
            shell.start()
            // Some clients switch on first, some while selecting, some with the FETCH itself.
            if round % 3 == 0 { shell.line("e ENABLE CONDSTORE") }
            let lines = shell.line(round % 3 == 1 ? "s SELECT INBOX (CONDSTORE)" : "s SELECT INBOX")
            let highest = lines.compactMap { Self.number(after: "[HIGHESTMODSEQ ", in: $0) }.first ?? 0
            // The mailbox changes while the client synchronises; what it misses of that it gets the next time.
            let isQuiet = round == 19 || Bool.random(using: &random)
            if !isQuiet { Self.change(store, &random) }
            if Bool.random(using: &random) { shell.deliver() }
            let modifier = known == 0 ? "" : " (CHANGEDSINCE \(known))"
            Self.learn(shell.line("f UID FETCH 1:* (UID FLAGS)\(modifier)"), &cache)
            let present = Set(shell.line("u UID SEARCH ALL")[0].split(separator: " ").compactMap { UInt32($0) })
            cache = cache.filter { present.contains($0.key) }
            known = highest
            guard isQuiet else { continue }
            var whole: [UInt32: String] = [:]
            Self.learn(shell.line("w UID FETCH 1:* (UID FLAGS)"), &whole)
            #expect(cache == whole, "seed \(seed), round \(round)")
        }
    }

    private static func learn(_ lines: [String], _ cache: inout [UInt32: String]) {
        for line in lines where line.contains(" FETCH ") {
            guard let uid = number(after: "UID ", in: line), let start = line.firstRange(of: "FLAGS (") else {
                continue
            }
            cache[UInt32(uid)] = line[start.upperBound...].prefix { $0 != ")" }.split(separator: " ").sorted()
                .joined(separator: " ")
        }
    }

    private static func number(after text: String, in line: String) -> UInt64? {
        line.firstRange(of: text).flatMap { UInt64(line[$0.upperBound...].prefix(while: \.isNumber)) }
    }

    private static func change(_ store: ModelStore, _ random: inout SeededGenerator) {
        let uids = store.uids("INBOX")
        switch Int.random(in: 0..<6, using: &random) {
        case 0, 1: store.append(.inbox, flags: Bool.random(using: &random) ? [.seen] : [])
        case 2: if let uid = uids.randomElement(using: &random) { store.remove([uid], from: .inbox) }
        default:
            let flags: [Flag] = [.seen, .flagged, .answered].filter { _ in Bool.random(using: &random) }
            if let uid = uids.randomElement(using: &random) { store.setFlags(flags, of: uid, in: .inbox) }
        }
    }
}
