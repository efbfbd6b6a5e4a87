// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import IMAPCore
import Testing

/// The defects of the original in `pluto.md` sections 3.2 and 3.3 that the grammar has to do with.
@Suite struct PlutoRegressionTests {
    @Test func section32ClientsThatQuoteCanLogInAndList() throws {
        let login = CommandBody.login(user: bytes("user1"), password: Secret(bytes("password1")))
        #expect(try parse("LOGIN \"user1\" \"password1\"") == login)
        #expect(try parse("LOGIN user1 password1") == login)
        #expect(try parse("LOGIN {5+}\r\nuser1 {9+}\r\npassword1") == login)
        let list = ListCommand(reference: try ListReference(""), patterns: [try ListPattern("*")])
        #expect(try parse("LIST \"\" \"*\"") == .list(list))
        #expect(try parse("LIST \"\" *") == .list(list))
    }

    @Test(arguments: ["../user2/evil", "../user2", "cur", "new", "tmp", "/etc/passwd", ".", ".."])
    func d7PathLikeNamesAreOrdinaryNames(name: String) throws {
        #expect(try parse("CREATE \(name)") == .create(try MailboxName(name), specialUse: []))
        #expect(try parse("SELECT \(name)") == .select(try MailboxName(name)))
        #expect(try MailboxName(name).value == name)
    }

    @Test(arguments: ["XYZZY", "NOPE 1 2", "GET / HTTP/1.1", "LOGINX a b"])
    func d9AnUnknownFirstCommandIsBadAndTheNextOneWorks(text: String) {
        let events = FramerDriver.events(of: Array("a \(text)\r\nb NOOP\r\n".utf8))
        #expect(events == [.command(CommandText("a \(text)")), .command(CommandText("b NOOP"))])
        #expect { try parse(text) } throws: { error in
            let error = error as? IMAPError
            return error?.code == .unknownCommand && error?.status == .bad && error?.scope == .command
        }
    }

    @Test(arguments: ["APPEND x {-1}", "LOGIN {-1}", "LOGIN a {-1}", "APPEND {-1}", "FOO {-1}"])
    func d10ANegativeLiteralIsBadAndTakesNoMemory(text: String) {
        let events = FramerDriver.events(of: Array("a \(text)\r\nb NOOP\r\n".utf8))
        #expect(events == [.command(CommandText("a \(text)")), .command(CommandText("b NOOP"))])
        #expect { try parse(text) } throws: { ($0 as? IMAPError)?.status == .bad }
    }
}
