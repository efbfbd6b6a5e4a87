// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import IMAPCore
import TestSupport
import Testing

@Suite struct MessageNumberSetTests {
    private func parsed(_ text: String) throws(IMAPError) -> UIDSet {
        guard case .uidExpunge(let set) = try CommandParser.parse(CommandText("a UID EXPUNGE \(text)")).body else {
            throw IMAPError(code: .syntax, message: "not UID EXPUNGE")
        }
        return set
    }

    private func numbers(_ ranges: [ClosedRange<UID>]) -> [ClosedRange<UInt32>] {
        ranges.map { $0.lowerBound.rawValue...$0.upperBound.rawValue }
    }

    @Test(
        arguments: [
            ("1", 10, [1...1]), ("*", 10, [10...10]), ("*:4", 10, [4...10]), ("1:*", 10, [1...10]),
            ("4:2", 10, [2...4]),
            ("*:4,5:7", 10, [4...10]), ("2,4:7,9,12:*", 15, [2...2, 4...7, 9...9, 12...15]),
            ("3291:*", 10, [10...3291]),
            ("1,2,3", 10, [1...3]), ("5,1:2,3:4", 10, [1...5]), ("4294967295", 10, [4_294_967_295...4_294_967_295]),
            ("1:4294967295,4294967295,7", 10, [1...4_294_967_295]), ("*:*", 3, [3...3]),
        ] as [(String, UInt32, [ClosedRange<UInt32>])])
    func resolvesLikeTheExamplesOfTheRFC(text: String, largest: UInt32, expected: [ClosedRange<UInt32>]) throws {
        #expect(numbers(try parsed(text).resolved(largest: UID(largest))) == expected)
    }

    @Test(arguments: [
        "0", "0:1", "1:0", "01", "4294967296", "99999999999999999999", "-1", "1:", ":1", "1,", ",1", "1,,2", "1:2:3",
        "**",
        "*1", "1 2", "a", "1:*:2", "", "1;2", "+1",
    ])
    func rejectsWhatIsNoSet(text: String) {
        #expect(throws: IMAPError.self) { try parsed(text) }
    }

    @Test func namesNothingInAnEmptyMailbox() throws {
        #expect(try parsed("1:*,7,*").resolved(largest: nil).isEmpty)
    }

    @Test func takesAsManyRangesAsAllowedAndNoMore() throws {
        var limits = IMAPLimits()
        limits.sequenceSetRanges = 3
        let good = CommandText("a UID EXPUNGE 1,3,5")
        let bad = CommandText("a UID EXPUNGE 1,3,5,7")
        #expect(throws: Never.self) { try CommandParser.parse(good, limits: limits) }
        #expect { try CommandParser.parse(bad, limits: limits) } throws: {
            ($0 as? IMAPError)?.code == .tooManyElements
        }
    }

    @Test func agreesWithANaiveOracle() throws {
        var generator = SeededGenerator(seed: 11)
        for _ in 0..<2_000 {
            let largest = UInt32.random(in: 1...12, using: &generator)
            var expected: Set<UInt32> = []
            var texts: [String] = []
            func bound() -> (String, UInt32) {
                let number = UInt32.random(in: 0...12, using: &generator)
                return number == 0 ? ("*", largest) : (String(number), number)
            }
            for _ in 0..<Int.random(in: 1...5, using: &generator) {
                let (first, a) = bound()
                let (last, b) = bound()
                texts.append("\(first):\(last)")
                expected.formUnion(min(a, b)...max(a, b))
            }
            let set = try parsed(texts.joined(separator: ","))
            let resolved = numbers(set.resolved(largest: UID(largest)))
            #expect(resolved.flatMap { Array($0) } == expected.sorted())
            for (left, right) in zip(resolved, resolved.dropFirst()) { #expect(left.upperBound + 1 < right.lowerBound) }
        }
    }

    @Test func compactsNumbersInTheirOrder() {
        let uids = [3, 4, 5, 9, 8, 7, 11].compactMap { UID($0) }
        #expect(UIDSet(compacting: uids).description == "3:5,9,8,7,11")
        #expect(UIDSet(compacting: []).description.isEmpty)
        #expect(UIDSet(compacting: [UID(.max), UID(1)].compactMap { $0 }).description == "4294967295,1")
    }

    @Test func knowsTheLargestNumberWritten() throws {
        #expect(try parsed("3:1,*").largestWritten == UID(3))
        #expect(try parsed("*").largestWritten == nil)
        #expect(try parsed("*").mentionsLargest)
        #expect(try !parsed("1:2").mentionsLargest)
    }
}
