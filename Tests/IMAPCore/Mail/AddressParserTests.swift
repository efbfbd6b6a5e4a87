// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import IMAPCore
import Testing

@Suite("Address lists")
struct AddressParserTests {
    private static func shown(_ value: String) -> [String] {
        AddressParser.parse(mailOctets(value)).map { address in
            [address.name, address.route, address.mailbox, address.host].map { $0.map(mailText) ?? "NIL" }
                .joined(separator: "|")
        }
    }

    @Test(
        arguments: [
            ("", []),
            ("   , ,,", []),
            ("john@example.org", ["NIL|NIL|john|example.org"]),
            ("John Doe <john@example.org>", ["John Doe|NIL|john|example.org"]),
            ("\"Doe, \\\"J\\\"\" <j@x.org>", ["Doe, \"J\"|NIL|j|x.org"]),
            ("j@x.org (John (the) Doe)", ["John (the) Doe|NIL|j|x.org"]),
            ("(first) j@x.org", ["first|NIL|j|x.org"]),
            ("\"\" <j@x.org> (c)", ["c|NIL|j|x.org"]),
            ("a . b @ c . d", ["NIL|NIL|a.b|c.d"]),
            ("\"a b\"@c", ["NIL|NIL|a b|c"]),
            ("\"a\".b@c", ["NIL|NIL|a.b|c"]),
            ("J. R. Tolkien <j@x>", ["J. R. Tolkien|NIL|j|x"]),
            ("<@a,@b:c@d>", ["NIL|@a,@b|c|d"]),
            ("<@ a , , @b : c@d>", ["NIL|@a,@b|c|d"]),
            ("x@[IPv6:::1], y@[bad", ["NIL|NIL|x|[IPv6:::1]", "NIL|NIL|y|[bad"]),
            ("G: a@b, C <c@d>; e@f", ["NIL|NIL|G|NIL", "NIL|NIL|a|b", "C|NIL|c|d", "NIL|NIL|NIL|NIL", "NIL|NIL|e|f"]),
            ("Empty group:;", ["NIL|NIL|Empty group|NIL", "NIL|NIL|NIL|NIL"]),
            ("open: a@b", ["NIL|NIL|open|NIL", "NIL|NIL|a|b", "NIL|NIL|NIL|NIL"]),
            ("root", ["NIL|NIL|root|"]),
            ("Two Words", ["Two|NIL|Words|"]),
            ("Joe Blow joe@x.org", ["Joe Blow|NIL|joe|x.org"]),
            ("=?utf-8?q?J=C3=BC?= <j@x>", ["=?utf-8?q?J=C3=BC?=|NIL|j|x"]),
            ("Jürgen <jürgen@exämple.org>", ["Jürgen|NIL|jürgen|exämple.org"]),
            ("A <a@b, C <c@d>", ["A|NIL|a|b", "C|NIL|c|d"]),
            ("A <a@b junk> more, c@d", ["A|NIL|a|b", "NIL|NIL|more|", "NIL|NIL|c|d"]),
            ("<>", ["NIL|NIL||"]),
            ("@x", ["NIL|NIL||x"]),
            ("a@", ["NIL|NIL|a|"]),
            (";;:>)", []),
            ("\"never closed", ["NIL|NIL|never closed|"]),
            ("(never closed", []),
        ] as [(String, [String])])
    func reads(value: String, expected: [String]) {
        #expect(Self.shown(value) == expected)
    }

    @Test func stopsAtTheLimit() {
        #expect(AddressParser.parse(mailOctets("a@b,c@d,e@f"), limit: 2).count == 2)
        #expect(AddressParser.parse(mailOctets("a@b"), limit: 0).isEmpty)
    }
}
