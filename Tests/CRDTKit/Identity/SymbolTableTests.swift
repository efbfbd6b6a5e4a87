// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Testing
import TestSupport

@testable import CRDTKit

/// Names and their numbers.
@Suite struct SymbolTableTests {
    @Test func internsOnceAndFindsAgain() throws {
        var table = SymbolTable()
        var generator = SeededGenerator(seed: 1)
        var expected: [String: AccountIndex] = [:]
        for _ in 0..<5_000 {
            let name = "user\(Int.random(in: 0..<2_000, using: &generator))"
            let index = try table.intern(account: name)
            #expect(expected[name, default: index] == index)
            expected[name] = index
        }
        #expect(table.accountCount == expected.count)
        for (name, index) in expected {
            #expect(table.account(named: name) == index && table.name(of: index) == name)
        }
        #expect(table.account(named: "nobody") == nil && table.name(of: AccountIndex(9_999)) == nil)
    }

    @Test func accountsAreExactAndKeywordsIgnoreCase() throws {
        var table = SymbolTable()
        let lower = try table.intern(account: "anna")
        let upper = try table.intern(account: "Anna")
        let junk = try table.intern(keyword: "$Junk", introducing: true)
        let same = try table.intern(keyword: "$JUNK", introducing: true)
        #expect(lower != upper && junk == same)
        #expect(table.name(of: junk) == "$Junk" && table.keywordCount == 1)
        var other = SymbolTable()
        let first = try other.intern(keyword: "other", introducing: true)
        let spelled = try other.intern(keyword: "$junk", introducing: false)
        #expect(first != spelled)
        #expect(other.keywordHashes[Int(spelled.rawValue)] == table.keywordHashes[Int(junk.rawValue)])
    }

    @Test func limitsAreKept() throws {
        var limits = SymbolTable.Limits()
        limits.maximumAccounts = 2
        limits.maximumKeywords = 3
        limits.maximumIntroducedKeywords = 1
        var table = SymbolTable(limits: limits)
        _ = try table.intern(account: "a")
        _ = try table.intern(account: "b")
        _ = try table.intern(keyword: "one", introducing: true)
        let full = code { _ = try table.intern(account: "c") }
        let own = code { _ = try table.intern(keyword: "two", introducing: true) }
        #expect(full == .limitExceeded && own == .limitExceeded)
        _ = try table.intern(keyword: "two", introducing: false)
        _ = try table.intern(keyword: "two", introducing: true)
        _ = try table.intern(keyword: "three", introducing: false)
        let all = code { _ = try table.intern(keyword: "four", introducing: false) }
        #expect(all == .limitExceeded)
        for name in ["", String(repeating: "n", count: 256)] {
            let account = code { _ = try table.intern(account: name) }
            let keyword = code { _ = try table.intern(keyword: name, introducing: false) }
            #expect(account == .limitExceeded && keyword == .limitExceeded)
        }
    }

    @Test(arguments: 0..<10)
    func truncationForgetsExactlyTheLatest(seed: Int) throws {
        var generator = SeededGenerator(seed: UInt64(seed))
        var table = SymbolTable()
        var model: [String] = []
        for _ in 0..<300 {
            if Int.random(in: 0..<4, using: &generator) == 0 {
                let keep = Int.random(in: 0...model.count, using: &generator)
                table.truncate(to: SymbolTable.Mark(accounts: keep, keywords: 0, introduced: 0))
                model.removeLast(model.count - keep)
            } else {
                let name = "n\(Int.random(in: 0..<400, using: &generator))"
                let index = try table.intern(account: name)
                if Int(index.rawValue) == model.count { model.append(name) }
            }
            #expect(table.accountCount == model.count)
        }
        for name in (0..<400).map({ "n\($0)" }) {
            #expect(table.account(named: name).map { Int($0.rawValue) } == model.firstIndex(of: name))
        }
    }
}
