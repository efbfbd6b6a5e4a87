// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import IMAPCore
import TestSupport

/// Makes commands at random, of every kind.
enum RandomCommand {
    static func command(using generator: inout SeededGenerator) -> Command {
        let tags = ["a", "A001", "x.1", "]", "tag-9"].compactMap { Tag($0) }
        return Command(tag: pick(tags, &generator), body: body(using: &generator))
    }

    private static func pick<Element>(_ elements: [Element], _ generator: inout SeededGenerator) -> Element {
        elements[Int.random(in: 0..<elements.count, using: &generator)]
    }

    private static func some<Element>(
        _ counts: ClosedRange<Int>, _ generator: inout SeededGenerator, _ make: (inout SeededGenerator) -> Element
    ) -> [Element] {
        (0..<Int.random(in: counts, using: &generator)).map { _ in make(&generator) }
    }

    private static func unique<Element: Hashable>(_ elements: [Element]) -> [Element] {
        var seen: Set<Element> = []
        return elements.filter { seen.insert($0).inserted }
    }

    private static func string(_ generator: inout SeededGenerator) -> [UInt8] {
        some(0...8, &generator) { pick(Array("abcXYZ09 \"\\(){}[]%*]&-~'\u{E9}".utf8), &$0) }
    }

    private static func name(_ generator: inout SeededGenerator) -> MailboxName {
        let names = [
            "INBOX", "a", "a b", "Sent/2024", "\u{53F0}\u{5317}", "x&y", "\"q\"", "b\\s", "%", "*x", "NIL", "(p)",
            "../evil", "{5}", "\u{1F600}!", "RETURN",
        ]
        return (try? MailboxName(pick(names, &generator))) ?? .inbox  // The names above are all allowed.
    }

    private static func flag(_ generator: inout SeededGenerator) -> Flag {
        pick(Flag.system + ["$Junk", "k1", "Foo.Bar"].compactMap { Keyword($0).map { .keyword($0) } }, &generator)
    }

    private static func numbers<Number: MessageNumber>(_ generator: inout SeededGenerator) -> MessageNumberSet<Number> {
        func bound(_ generator: inout SeededGenerator) -> MessageNumberRange<Number>.Bound {
            guard let number = Number(pick([0, 1, 2, 7, 100, 4_294_967_295], &generator)) else { return .largest }
            return .number(number)
        }
        return MessageNumberSet(some(1...4, &generator) { MessageNumberRange(bound(&$0), bound(&$0)) })
    }

    private static func set(_ generator: inout SeededGenerator) -> MessageSet {
        Bool.random(using: &generator) ? .sequence(numbers(&generator)) : .uid(numbers(&generator))
    }

    private static func date(_ generator: inout SeededGenerator) -> IMAPDate {
        IMAPDate(daysSinceEpoch: Int.random(in: -800_000...3_000_000, using: &generator))
    }

    private static func body(using generator: inout SeededGenerator) -> CommandBody {
        switch Int.random(in: 0..<24, using: &generator) {
        case 0:
            return pick(
                [
                    .capability, .noop, .logout, .starttls, .namespace, .idle, .check, .close, .unselect, .expunge,
                ], &generator)
        case 1: return .login(user: string(&generator), password: Secret(string(&generator)))
        case 2:
            let response = Bool.random(using: &generator) ? Secret(string(&generator)) : nil
            return .authenticate(mechanism: "PLAIN", initialResponse: response)
        case 3: return .enable(some(1...3, &generator) { pick(["CONDSTORE", "QRESYNC", "X-A"], &$0) })
        case 4:
            guard Bool.random(using: &generator) else { return .id(nil) }
            return .id(
                some(0...3, &generator) {
                    IDField(name: string(&$0), value: Bool.random(using: &$0) ? string(&$0) : nil)
                })
        case 5: return .select(name(&generator), parameters: parameters(&generator))
        case 6: return .examine(name(&generator), parameters: parameters(&generator))
        case 7: return .create(name(&generator), specialUse: some(0...2, &generator) { pick(SpecialUse.allCases, &$0) })
        case 8: return .delete(name(&generator))
        case 9: return .rename(from: name(&generator), to: name(&generator))
        case 10: return .subscribe(name(&generator))
        case 11: return .unsubscribe(name(&generator))
        case 12, 13: return list(&generator)
        case 14:
            return .status(name(&generator), unique(some(1...4, &generator) { pick(StatusItem.allCases, &$0) }))
        case 15: return append(&generator)
        case 16: return .uidExpunge(numbers(&generator))
        case 17: return .copy(set(&generator), name(&generator))
        case 18: return .move(set(&generator), name(&generator))
        case 19:
            return .store(
                set(&generator),
                StoreChange(
                    mode: pick([.add, .remove, .replace], &generator), isSilent: Bool.random(using: &generator),
                    flags: unique(some(0...4, &generator) { flag(&$0) }),
                    unchangedSince: pick([nil, modSequence(&generator), .zero], &generator)))
        case 20, 21:
            return .fetch(
                set(&generator), unique(some(1...5, &generator) { item(&$0) }),
                changedSince: pick([nil, modSequence(&generator)], &generator))
        default: return search(&generator)
        }
    }

    private static func parameters(_ generator: inout SeededGenerator) -> [SelectParameter] {
        Bool.random(using: &generator) ? [.condstore] : []
    }

    private static func modSequence(_ generator: inout SeededGenerator) -> ModSequence {
        let small = UInt64.random(in: 1...99, using: &generator)
        return pick([ModSequence(clamping: small), ModSequence(clamping: 1 << 40 + small), .largest], &generator)
    }

    private static func list(_ generator: inout SeededGenerator) -> CommandBody {
        // All of these are allowed.
        let references = ["", "a/", "\u{E9}", "x y"].compactMap { try? ListReference($0) }
        let patterns = ["", "*", "%", "a/%", "INBOX", "\u{E9}*", "a b"].compactMap { try? ListPattern($0) }
        let reference = pick(references, &generator)
        let pattern = pick(patterns, &generator)
        return Bool.random(using: &generator)
            ? .list(ListCommand(reference: reference, patterns: [pattern]))
            : .lsub(reference: reference, pattern: pattern)
    }

    private static func append(_ generator: inout SeededGenerator) -> CommandBody {
        let seconds = Int64.random(in: -1_000_000_000...4_000_000_000, using: &generator)
        let zone = Int.random(in: -720...840, using: &generator)
        return .append(
            AppendCommand(
                mailbox: name(&generator), flags: unique(some(0...3, &generator) { flag(&$0) }),
                date: Bool.random(using: &generator) ? DateTime(secondsSinceEpoch: seconds, zoneMinutes: zone) : nil,
                literalBytes: pick([0, 1, 310, 4_294_967_295], &generator),
                literalKind: pick([.synchronizing, .nonSynchronizing], &generator)))
    }

    private static func item(_ generator: inout SeededGenerator) -> FetchItem {
        let simple: [FetchItem] =
            FetchItem.full + [.uid, .modSequence, .bodyStructure, .rfc822, .rfc822Header, .rfc822Text]
        guard Bool.random(using: &generator) else { return pick(simple, &generator) }
        let path = some(0...3, &generator) { Int.random(in: 1...12, using: &$0) }
        let fields = some(1...3, &generator) { pick(["From", "X-a b", "\u{E9}", "a]"].map { Array($0.utf8) }, &$0) }
        let kinds: [BodySection.Kind] = [.all, .header, .text, .headerFields(fields), .headerFieldsNot(fields)]
        let kind = pick(path.isEmpty ? kinds : kinds + [.mime], &generator)
        let partial = PartialRange(offset: UInt32.random(in: 0...9, using: &generator), maximumBytes: 77)
        return .bodySection(
            BodySection(path: path, kind: kind), peek: Bool.random(using: &generator),
            partial: Bool.random(using: &generator) ? partial : nil)
    }

    private static func search(_ generator: inout SeededGenerator) -> CommandBody {
        let options = Set(some(1...3, &generator) { pick(SearchReturnOption.allCases, &$0) })
        return .search(
            SearchCommand(
                charset: pick([nil, .utf8, .usASCII], &generator),
                returnOptions: Bool.random(using: &generator) ? options : nil, key: key(depth: 4, &generator),
                isUID: Bool.random(using: &generator)))
    }

    private static func key(depth: Int, _ generator: inout SeededGenerator) -> SearchKey {
        switch Int.random(in: 0..<(depth > 0 ? 11 : 8), using: &generator) {
        case 0: return pick([.all, .new], &generator)
        case 1: return .flag(pick([flag(&generator), .recent], &generator))
        case 2: return .notFlag(pick([flag(&generator), .recent], &generator))
        case 3: return .sequence(numbers(&generator))
        case 4: return .uid(numbers(&generator))
        case 5:
            let date = date(&generator)
            return pick(
                [.before(date), .on(date), .since(date), .sentBefore(date), .sentOn(date), .sentSince(date)], &generator
            )
        case 6:
            let text = string(&generator)
            return pick(
                [
                    .bcc(text), .cc(text), .from(text), .subject(text), .to(text), .body(text), .text(text),
                    .header(field: text, value: string(&generator)),
                ], &generator)
        case 7:
            let modSequences = [ModSequence.zero, modSequence(&generator)]
            return pick(
                [.larger(0), .smaller(.max), .larger(4_096)] + modSequences.map { .modSequence($0) }, &generator)
        case 8: return .not(key(depth: depth - 1, &generator))
        case 9: return .or(key(depth: depth - 1, &generator), key(depth: depth - 1, &generator))
        default: return .and(some(2...3, &generator) { key(depth: depth - 1, &$0) })
        }
    }
}
