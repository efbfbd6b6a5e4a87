// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import IMAPCore
import TestSupport
import Testing

func parse(_ text: String) throws(IMAPError) -> CommandBody {
    try CommandParser.parse(CommandText("a \(text)")).body
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

@Suite struct CommandParserTests {
    @Test(
        arguments: [
            ("CAPABILITY", .capability), ("NOOP", .noop), ("LOGOUT", .logout), ("STARTTLS", .starttls), ("noop", .noop),
            ("NAMESPACE", .namespace), ("IDLE", .idle), ("CHECK", .check), ("CLOSE", .close), ("UNSELECT", .unselect),
            ("EXPUNGE", .expunge), ("nOoP", .noop), ("NOOP ", .noop), ("NOOP   ", .noop),
        ] as [(String, CommandBody)])
    func parsesCommandsWithoutArguments(text: String, expected: CommandBody) throws {
        #expect(try parse(text) == expected)
    }

    @Test(arguments: [
        "LOGIN mrc secret", "LOGIN \"mrc\" \"secret\"", "LOGIN {3}\r\nmrc {6}\r\nsecret", "LOGIN {3+}\r\nmrc secret",
        "login {3}\nmrc secret ", "LOGIN {0003}\r\nmrc secret",
    ])
    func parsesLoginInEveryQuoting(text: String) throws {
        // pluto.md section 3.2: a client that quotes could not log in.
        #expect(try parse(text) == .login(user: bytes("mrc"), password: Secret(bytes("secret"))))
    }

    @Test func parsesOddPasswords() throws {
        #expect(try parse("LOGIN a \"\"") == .login(user: bytes("a"), password: Secret([])))
        #expect(try parse("LOGIN a \"p\\\"q\\\\r\"") == .login(user: bytes("a"), password: Secret(bytes("p\"q\\r"))))
        #expect(try parse("LOGIN a \"p\u{E9}\"") == .login(user: bytes("a"), password: Secret(bytes("p\u{E9}"))))
        #expect(try parse("LOGIN a {2}\r\n\r\n") == .login(user: bytes("a"), password: Secret([13, 10])))
        #expect(try parse("LOGIN a]b c]") == .login(user: bytes("a]b"), password: Secret(bytes("c]"))))
    }

    @Test func parsesAuthentication() throws {
        #expect(try parse("AUTHENTICATE plain") == .authenticate(mechanism: "PLAIN", initialResponse: nil))
        #expect(try parse("AUTHENTICATE PLAIN =") == .authenticate(mechanism: "PLAIN", initialResponse: Secret([])))
        #expect(
            try parse("AUTHENTICATE PLAIN dGVzdAB0ZXN0AHRlc3Q=")
                == .authenticate(mechanism: "PLAIN", initialResponse: Secret(bytes("test\0test\0test"))))
    }

    @Test func parsesEnableAndID() throws {
        #expect(try parse("ENABLE condstore X-Good") == .enable(["CONDSTORE", "X-GOOD"]))
        #expect(try parse("ID NIL") == .id(nil))
        #expect(try parse("ID ()") == .id([]))
        #expect(
            try parse("ID (\"name\" \"x\" \"os\" NIL)")
                == .id([IDField(name: bytes("name"), value: bytes("x")), IDField(name: bytes("os"), value: nil)]))
    }

    @Test func parsesMailboxCommands() throws {
        let name = try MailboxName("a b")
        #expect(try parse("SELECT \"a b\"") == .select(name))
        #expect(try parse("EXAMINE {3}\r\na b") == .examine(name))
        #expect(try parse("CREATE inBox") == .create(.inbox, specialUse: []))
        #expect(
            try parse("CREATE x (USE (\\Sent \\trash))") == .create(try MailboxName("x"), specialUse: [.sent, .trash]))
        #expect(try parse("DELETE blurdybloop") == .delete(try MailboxName("blurdybloop")))
        #expect(try parse("RENAME \"a b\" zowie") == .rename(from: name, to: try MailboxName("zowie")))
        #expect(try parse("SUBSCRIBE #news.comp.mail.mime") == .subscribe(try MailboxName("#news.comp.mail.mime")))
        #expect(try parse("UNSUBSCRIBE &U,BTFw-") == .unsubscribe(try MailboxName("\u{53F0}\u{5317}")))
        #expect(
            try parse("STATUS blurdybloop (UIDNEXT MESSAGES size UIDNEXT)")
                == .status(try MailboxName("blurdybloop"), [.uidNext, .messages, .size]))
    }

    @Test func parsesLists() throws {
        let empty = try ListReference("")
        // pluto.md section 3.2: LIST "" "*" was BAD.
        #expect(try parse("LIST \"\" \"*\"") == .list(ListCommand(reference: empty, patterns: [try ListPattern("*")])))
        #expect(try parse("LIST \"\" \"\"") == .list(ListCommand(reference: empty, patterns: [try ListPattern("")])))
        #expect(
            try parse("LIST ~/Mail/ %")
                == .list(ListCommand(reference: try ListReference("~/Mail/"), patterns: [try ListPattern("%")])))
        #expect(
            try parse("LSUB \"#news.\" \"comp.mail.*\"")
                == .lsub(reference: try ListReference("#news."), pattern: try ListPattern("comp.mail.*")))
        #expect(
            try parse("LIST (SPECIAL-USE) \"\" \"*\"")
                == .list(ListCommand(selection: [.specialUse], reference: empty, patterns: [try ListPattern("*")])))
        #expect(
            try parse("LIST () \"\" (INBOX \"a%\") RETURN (SPECIAL-USE CHILDREN SUBSCRIBED STATUS (MESSAGES UNSEEN))")
                == .list(
                    ListCommand(
                        selection: [], reference: empty, patterns: [try ListPattern("INBOX"), try ListPattern("a%")],
                        returnOptions: [.specialUse, .children, .subscribed, .status([.messages, .unseen])])))
        #expect(
            try parse("LIST \"\" \"*\" RETURN ()")
                == .list(ListCommand(reference: empty, patterns: [try ListPattern("*")], returnOptions: [])))
    }

    @Test func parsesAppendUpToItsMessage() throws {
        #expect(
            try parse("APPEND saved-messages (\\Seen) {310}")
                == .append(
                    AppendCommand(
                        mailbox: try MailboxName("saved-messages"), flags: [.seen], date: nil, literalBytes: 310,
                        literalKind: .synchronizing)))
        let full = try parse("APPEND {5}\r\ninbox (\\Seen \\recent \\SEEN $x) \" 1-Feb-1994 21:52:25 -0800\" {7+}")
        #expect(
            full
                == .append(
                    AppendCommand(
                        mailbox: .inbox, flags: [.seen, .keyword(try #require(Keyword("$x")))],
                        date: DateTime(secondsSinceEpoch: 760_168_345, zoneMinutes: -480), literalBytes: 7,
                        literalKind: .nonSynchronizing)))
    }

    @Test func parsesStore() throws {
        let set = MessageSet.sequence(SequenceSet(compacting: [2, 3, 4].compactMap { SequenceNumber($0) }))
        let deleted = StoreChange(mode: .add, isSilent: false, flags: [.deleted])
        #expect(try parse("STORE 2:4 +FLAGS (\\Deleted)") == .store(set, deleted))
        #expect(try parse("STORE 2:4 +flags \\Deleted") == .store(set, deleted))
        #expect(
            try parse("STORE 2:4 -FLAGS.SILENT \\Seen $a $A ")
                == .store(
                    set,
                    StoreChange(mode: .remove, isSilent: true, flags: [.seen, .keyword(try #require(Keyword("$a")))])))
        #expect(try parse("STORE 2:4 FLAGS ()") == .store(set, StoreChange(mode: .replace, isSilent: false, flags: [])))
    }

    @Test func parsesCopyMoveAndExpunge() throws {
        let uids = UIDSet(compacting: [7].compactMap { UID($0) })
        #expect(try parse("UID COPY 7 MEETING") == .copy(.uid(uids), try MailboxName("MEETING")))
        #expect(try parse("uid move 7 x") == .move(.uid(uids), try MailboxName("x")))
        #expect(try parse("UID EXPUNGE 7") == .uidExpunge(uids))
        let numbers = SequenceSet(compacting: [2, 3, 4].compactMap { SequenceNumber($0) })
        #expect(try parse("COPY 2:4 MEETING") == .copy(.sequence(numbers), try MailboxName("MEETING")))
        #expect(try parse("MOVE 2:4 x") == .move(.sequence(numbers), try MailboxName("x")))
    }

    @Test func errorsCarryTheTag() {
        for text in ["a1 FOO", "a1 LOGIN", "a1 FETCH 0 FLAGS", "a1 ", "a1 SELECT \u{E9}", "a1 LOGIN \"x"] {
            #expect { try CommandParser.parse(CommandText(text)) } throws: { ($0 as? IMAPError)?.tag == Tag("a1") }
        }
        for text in ["", " ", "a1", "+ NOOP", "* NOOP", "(a NOOP", "\u{E9} NOOP", "{5}", "a+b NOOP"] {
            #expect { try CommandParser.parse(CommandText(text)) } throws: { error in
                (error as? IMAPError)?.tag == nil && (error as? IMAPError)?.code == .syntax
            }
        }
    }

    @Test func unknownCommandsAreBadAndNoMore() {
        // pluto.md D9: an unknown first command ended the connection.
        for text in ["a FOO", "a XYZZY 1 2 3", "a UID", "a UID NOOP", "a UID FOO 1", "a X-\u{1}"] {
            #expect { try CommandParser.parse(CommandText(text)) } throws: { error in
                guard let error = error as? IMAPError else { return false }
                return error.status == .bad && error.scope == .command && error.tag == Tag("a")
            }
        }
    }

    @Test func errorsNeverShowCredentials() {
        for text in [
            "a LOGIN joe hunter2 hunter2", "a LOGIN joe \"hunter2", "a AUTHENTICATE PLAIN hunter2!", "a hunter2",
        ] {
            #expect { try CommandParser.parse(CommandText(text)) } throws: { !"\($0)".contains("hunter2") }
        }
    }
}

@Suite struct InvalidCommandTests {
    @Test(arguments: [
        "NOOP x", "NOOP\t", "CAPABILITY CAPABILITY", "LOGOUT(", "IDLE 1", "EXPUNGE 1", "LOGIN", "LOGIN a", "LOGIN a ",
        "LOGIN  a b", "LOGIN a b c", "LOGIN \"a b", "LOGIN \"a\\b\" c", "LOGIN \"a\rb\" c", "LOGIN \"a\nb\" c",
        "LOGIN (a) b",
        "LOGIN \"a\"b c", "LOGIN a {5}", "LOGIN a {5}\r\nabc", "LOGIN a {-1}", "LOGIN a {-1}\r\nabc", "LOGIN a {}",
        "LOGIN a {4294967296}", "LOGIN a {99999999999999999999}", "LOGIN a {1", "LOGIN a {x}\r\nb", "LOGIN a {1}x",
        "AUTHENTICATE", "AUTHENTICATE PLAIN x", "AUTHENTICATE PLAIN dGVz dA==", "AUTHENTICATE \"PLAIN\"", "ENABLE",
        "ENABLE ", "ENABLE (A)", "ID", "ID (", "ID (\"a\")", "ID (\"a\" \"b\"", "ID (a b)", "SELECT", "SELECT a b",
        "SELECT a(b", "SELECT \"a\0b\"", "CREATE x (FOO)", "CREATE x (USE)", "CREATE x (USE \\Sent)",
        "CREATE x (USE (\\Sent)",
        "RENAME a", "RENAME a b c", "STATUS a", "STATUS a ()", "STATUS a (FOO)", "STATUS a MESSAGES",
        "STATUS a (MESSAGES",
        "LIST", "LIST \"\"", "LIST (FOO) \"\" *", "LIST (RECURSIVEMATCH) \"\" *", "LIST \"\" ()", "LIST \"\" * RETURN",
        "LIST \"\" * RETURN (FOO)", "LIST \"\" * RETURN (STATUS)", "LSUB \"\"", "LSUB () \"\" *", "APPEND", "APPEND x",
        "APPEND x y", "APPEND x {5}\r\nhello", "APPEND x {5} {6}", "APPEND x (\\Foo) {5}", "APPEND x (\\Seen {5}",
        "APPEND x \"1-Feb-1994\" {5}", "APPEND x (\\Seen){5}", "APPEND x {-1}", "APPEND x {4294967296}",
        "APPEND x \"abc\"",
        "FETCH", "FETCH 1", "FETCH 1 ()", "FETCH 1 (FLAGS", "FETCH 1 FLAGS UID", "FETCH 1 (ALL)", "FETCH 1 FOO",
        "FETCH 0 FLAGS", "FETCH 1:0 FLAGS", "FETCH a FLAGS", "FETCH 1 BODY[", "FETCH 1 BODY[0]", "FETCH 1 BODY[1.]",
        "FETCH 1 BODY[MIME]", "FETCH 1 BODY[FOO]", "FETCH 1 BODY[HEADER.FIELDS]", "FETCH 1 BODY[HEADER.FIELDS ()]",
        "FETCH 1 BODY[]<0>", "FETCH 1 BODY[]<0.0>", "FETCH 1 BODY[]<0.1", "FETCH 1 BODY[]<.1>", "FETCH 1 BODY[]<-1.1>",
        "FETCH 1 BODY[]<4294967296.1>", "FETCH 1 BODY[4294967296]", "FETCH 1 BODY.PEEK", "FETCH 1 BODY[1.0]",
        "FETCH 1 BODY[HEADER.TEXT]", "FETCH 1 RFC822.PEEK", "FETCH 1 BODY[.1]", "FETCH 1 (FLAGS  UID)", "STORE 1",
        "STORE 1 FLAGS", "STORE 1 FOO (\\Seen)", "STORE 1 +FLAGS (\\Foo)", "STORE 1 +-FLAGS (\\Seen)",
        "STORE 1 FLAGS (\\)",
        "STORE 1 FLAGS \\*", "STORE 1 FLAGS (\\Seen) x", "STORE 1 FLAGS.LOUD (\\Seen)", "COPY 1", "COPY x 1",
        "COPY 1 a b", "MOVE 1",
        "SEARCH", "SEARCH ", "SEARCH FOO", "SEARCH ()", "SEARCH (ALL", "SEARCH ALL)", "SEARCH NOT", "SEARCH OR ALL",
        "SEARCH SUBJECT", "SEARCH HEADER x", "SEARCH BEFORE x", "SEARCH ON 31-Feb-2020", "SEARCH ON \"1-Feb-2020",
        "SEARCH LARGER -1", "SEARCH LARGER 4294967296", "SEARCH KEYWORD \\Seen", "SEARCH UID", "SEARCH UID 0",
        "SEARCH RETURN (FOO) ALL", "SEARCH RETURN (MIN", "SEARCH RETURN ALL ALL", "SEARCH CHARSET",
        "SEARCH CHARSET UTF-8",
        "SEARCH ALL  ALL", "SEARCH 1:", "SEARCH BODY a{", "UID EXPUNGE", "UID CLOSE", "UID  FETCH 1 FLAGS",
    ])
    func areRefusedWithBad(text: String) {
        #expect { try parse(text) } throws: { error in
            guard let error = error as? IMAPError else { return false }
            return error.status == .bad && error.tag == Tag("a") && error.scope == .command
        }
    }

    @Test(arguments: [
        "SELECT &", "SELECT a&b", "SELECT &AGE-", "SELECT \"\u{E9}\"", "CREATE \"a\tb\"", "CREATE \"\"", "CREATE &AAo-",
        "SELECT {1}\r\n\n", "LIST \"\" \"&\"", "LIST & *", "CREATE x (USE (\\Foo))", "SEARCH CHARSET KOI8-R ALL",
        "COPY 1 &",
    ])
    func wellFormedButImpossibleArgumentsAreRefusedWithNo(text: String) {
        #expect { try parse(text) } throws: { ($0 as? IMAPError)?.status == .no && ($0 as? IMAPError)?.tag == Tag("a") }
    }

    @Test func aNULIsRefusedWhereverItStands() {
        for text in ["NOOP\0", "\0NOOP", "LOGIN \0 b", "LOGIN \"\0\" b", "LOGIN {1}\r\n\0 b", "FETCH 1\0 FLAGS"] {
            #expect { try parse(text) } throws: { ($0 as? IMAPError)?.status == .bad }
        }
    }

    @Test func namesOfTheLimitsAreInTheMessages() {
        let many = Array(repeating: "FLAGS", count: 101).joined(separator: " ")
        #expect { try parse("FETCH 1 (\(many))") } throws: { "\($0)".contains("100") }
        let flags = (0...100).map { "k\($0)" }.joined(separator: " ")
        for text in ["STORE 1 FLAGS (\(flags))", "STORE 1 FLAGS \(flags)"] {
            #expect { try parse(text) } throws: { ($0 as? IMAPError)?.code == .tooManyElements }
        }
        let path = Array(repeating: "1", count: 65).joined(separator: ".")
        #expect { try parse("FETCH 1 BODY[\(path)]") } throws: { ($0 as? IMAPError)?.code == .tooManyElements }
        let long = String(repeating: "x", count: 31)
        #expect { try parse("ID (\"\(long)\" NIL)") } throws: { "\($0)".contains("30") }
        let value = String(repeating: "x", count: 1_025)
        #expect { try parse("ID (\"x\" \"\(value)\")") } throws: { "\($0)".contains("1024") }
        let keyword = String(repeating: "k", count: 129)
        #expect(throws: IMAPError.self) { try parse("STORE 1 FLAGS \(keyword)") }
    }
}
