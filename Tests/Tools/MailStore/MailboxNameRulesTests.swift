// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Testing

@testable import MailStore

@Suite("Mailbox names")
struct MailboxNameRulesTests {
    let rules = MailboxNameRules(separator: "/", maximumBytes: 100, maximumLevels: 4)

    @Test(arguments: ["a", "INBOX", "a/b/c/d", "Entwürfe", "with space", "...", "a.b"])
    func acceptsOrdinaryNames(name: String) throws {
        #expect(try rules.validated(name) == name)
    }

    @Test func dropsOneTrailingSeparator() throws {
        #expect(try rules.validated("a/") == "a")
    }

    @Test(arguments: [
        "", "/", "../x", "x/..", "./x", "a//b", "/a", "a/b/c/d/e", "bell\u{7}", "del\u{7f}", "c1\u{85}",
        String(repeating: "x", count: 101),
    ])
    func refusesNamesThatCanOnlyBeMistakesOrAttacks(name: String) {
        #expect(throws: MailStoreError.self) { try rules.validated(name) }
    }
}
