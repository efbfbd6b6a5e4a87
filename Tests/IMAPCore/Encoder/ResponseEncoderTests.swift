// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import IMAPCore
import TestSupport
import Testing

@Suite struct ResponseEncoderTests {
    private func text(_ response: ServerResponse) -> String {
        String(decoding: ResponseEncoder.encoded(response), as: UTF8.self)
    }

    private func code(_ code: ResponseCode) -> String {
        text(.untagged(StatusCondition(.ok, code: code, text: "x")))
    }

    @Test func writesStatusResponses() throws {
        let tag = try #require(Tag("a1"))
        #expect(text(.tagged(tag, StatusCondition(.ok, text: "done"))) == "a1 OK done\r\n")
        #expect(text(.tagged(tag, StatusCondition(.bye, text: "done"))) == "a1 BAD done\r\n")
        #expect(text(.untagged(StatusCondition(.preauth, text: "hi"))) == "* PREAUTH hi\r\n")
        #expect(text(.continuation("go on")) == "+ go on\r\n")
        #expect(text(.challenge([])) == "+ \r\n")
        #expect(text(.challenge(Array("foo".utf8))) == "+ Zm9v\r\n")
    }

    @Test func writesResponseCodes() throws {
        let uids = [3, 4, 5].compactMap { UID($0) }
        let validity = try #require(UIDValidity(38505))
        #expect(code(.readOnly) == "* OK [READ-ONLY] x\r\n")
        #expect(code(.appendUID(validity, uids[0])) == "* OK [APPENDUID 38505 3] x\r\n")
        let set = UIDSet(compacting: uids)
        #expect(
            code(.copyUID(validity, source: set, destination: UIDSet(compacting: [uids[2]])))
                == "* OK [COPYUID 38505 3:5 5] x\r\n")
        #expect(code(.badCharset(SearchCharset.allCases)) == "* OK [BADCHARSET (US-ASCII UTF-8)] x\r\n")
        #expect(code(.badCharset([])) == "* OK [BADCHARSET] x\r\n")
        #expect(code(.capability([.imap4rev1, .authPlain])) == "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] x\r\n")
        #expect(
            code(.permanentFlags([.flag(.seen), .newKeywords])) == "* OK [PERMANENTFLAGS (\\Seen \\*)] x\r\n")
        #expect(code(.uidNext(uids[1])) == "* OK [UIDNEXT 4] x\r\n")
        #expect(code(.uidValidity(validity)) == "* OK [UIDVALIDITY 38505] x\r\n")
        #expect(code(.unseen(try #require(SequenceNumber(12)))) == "* OK [UNSEEN 12] x\r\n")
    }

    @Test func codesWithoutArgumentsHaveTheirRegisteredNames() {
        let names: [(ResponseCode, String)] = [
            (.alert, "ALERT"), (.alreadyExists, "ALREADYEXISTS"), (.authenticationFailed, "AUTHENTICATIONFAILED"),
            (.authorizationFailed, "AUTHORIZATIONFAILED"), (.cannot, "CANNOT"), (.clientBug, "CLIENTBUG"),
            (.closed, "CLOSED"), (.contactAdmin, "CONTACTADMIN"), (.corruption, "CORRUPTION"), (.expired, "EXPIRED"),
            (.expungeIssued, "EXPUNGEISSUED"), (.inUse, "INUSE"), (.limit, "LIMIT"), (.nonExistent, "NONEXISTENT"),
            (.noPermission, "NOPERM"), (.overQuota, "OVERQUOTA"), (.parse, "PARSE"),
            (.privacyRequired, "PRIVACYREQUIRED"), (.readOnly, "READ-ONLY"), (.readWrite, "READ-WRITE"),
            (.serverBug, "SERVERBUG"), (.tooBig, "TOOBIG"), (.tryCreate, "TRYCREATE"),
            (.uidNotSticky, "UIDNOTSTICKY"), (.unavailable, "UNAVAILABLE"), (.useAttribute, "USEATTR"),
        ]
        for (value, name) in names { #expect(code(value) == "* OK [\(name)] x\r\n") }
    }

    @Test func textCannotInjectLinesOrCodes() {
        #expect(text(.untagged(StatusCondition(.ok, text: "a\r\n* BYE\0\u{E9}"))) == "* OK a??* BYE??\r\n")
        #expect(text(.untagged(StatusCondition(.ok, text: "[ALERT] x"))) == "* OK (ALERT] x\r\n")
        #expect(text(.untagged(StatusCondition(.ok, text: ""))) == "* OK -\r\n")
        #expect(text(.continuation("\n")) == "+ ?\r\n")
        #expect(text(.capability([Capability("X\r\nY Z")])) == "* CAPABILITY XYZ\r\n")
    }

    @Test(arguments: [
        ("INBOX", "INBOX"), ("a b", "\"a b\""), ("NIL", "\"NIL\""), ("nil", "\"nil\""), ("a\"b\\c", "\"a\\\"b\\\\c\""),
        ("\u{53F0}\u{5317}", "\"&U,BTFw-\""), ("a/b.c", "a/b.c"), ("a*%(){", "\"a*%(){\""), ("a]", "\"a]\""),
    ])
    func mailboxNamesAreSafe(name: String, wire: String) throws {
        let list = ListResponse(
            attributes: [.hasNoChildren, .specialUse(.sent)], delimiter: UInt8(ascii: "/"),
            mailbox: try MailboxName(name))
        #expect(text(.list(list)) == "* LIST (\\HasNoChildren \\Sent) \"/\" \(wire)\r\n")
        #expect(text(.lsub(list)) == "* LSUB (\\HasNoChildren \\Sent) \"/\" \(wire)\r\n")
        let status = MailboxStatus(mailbox: try MailboxName(name), values: [.messages(3), .size(7), .appendLimit(nil)])
        #expect(text(.status(status)) == "* STATUS \(wire) (MESSAGES 3 SIZE 7 APPENDLIMIT NIL)\r\n")
    }

    @Test func writesTheRootAndOddDelimiters() throws {
        let root = ListResponse(attributes: [.noSelect], delimiter: UInt8(ascii: "/"), mailbox: nil)
        #expect(text(.list(root)) == "* LIST (\\Noselect) \"/\" \"\"\r\n")
        let flat = ListResponse(attributes: [], delimiter: nil, mailbox: .inbox, hasSubscribedChildren: true)
        #expect(text(.list(flat)) == "* LIST () NIL INBOX (\"CHILDINFO\" (\"SUBSCRIBED\"))\r\n")
        let backslash = ListResponse(attributes: [], delimiter: UInt8(ascii: "\\"), mailbox: .inbox)
        #expect(text(.list(backslash)) == "* LIST () \"\\\\\" INBOX\r\n")
        let evil = ListResponse(attributes: [], delimiter: 0x0A, mailbox: .inbox)
        #expect(text(.list(evil)) == "* LIST () NIL INBOX\r\n")
    }

    @Test func writesMailboxData() throws {
        #expect(text(.flags([.seen, .keyword(try #require(Keyword("$a")))])) == "* FLAGS (\\Seen $a)\r\n")
        #expect(text(.exists(23)) == "* 23 EXISTS\r\n")
        #expect(text(.exists(0)) == "* 0 EXISTS\r\n")
        #expect(text(.recent(5)) == "* 5 RECENT\r\n")
        #expect(text(.expunge(try #require(SequenceNumber(44)))) == "* 44 EXPUNGE\r\n")
        #expect(text(.search([2, 84, 882])) == "* SEARCH 2 84 882\r\n")
        #expect(text(.search([])) == "* SEARCH\r\n")
        #expect(text(.capability([.appendLimit(64)])) == "* CAPABILITY APPENDLIMIT=64\r\n")
        #expect(text(.enabled([])) == "* ENABLED\r\n")
        #expect(text(.id(nil)) == "* ID NIL\r\n")
        let fields = [
            IDField(name: Array("name".utf8), value: Array("Kuiper".utf8)), IDField(name: [0x78], value: nil),
        ]
        #expect(text(.id(fields)) == "* ID (\"name\" \"Kuiper\" \"x\" NIL)\r\n")
        let own = Namespace(prefix: "", delimiter: UInt8(ascii: "/"))
        #expect(
            text(.namespace(personal: [own], otherUsers: [], shared: [])) == "* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n")
    }

    @Test func writesExtendedSearchResults() throws {
        let tag = try #require(Tag("A282"))
        let full = ExtendedSearchResult(tag: tag, isUID: true, min: 2, max: 15, all: [2...2, 10...15], count: 7)
        #expect(
            text(.extendedSearch(full)) == "* ESEARCH (TAG \"A282\") UID MIN 2 MAX 15 ALL 2,10:15 COUNT 7\r\n")
        let none = ExtendedSearchResult(tag: tag, isUID: false, all: [])
        #expect(text(.extendedSearch(none)) == "* ESEARCH (TAG \"A282\")\r\n")
    }

    @Test func errorsKeepTheirTagAndScope() throws {
        func reply(_ error: IMAPError) -> String {
            var output: [UInt8] = []
            ResponseEncoder.encode(error, into: &output)
            return String(decoding: output, as: UTF8.self)
        }
        #expect(reply(IMAPError(code: .syntax, message: "m", tag: Tag("a"))) == "a BAD m\r\n")
        #expect(reply(IMAPError(code: .syntax, message: "m")) == "* BAD m\r\n")
        let tooBig = IMAPError(code: .messageTooBig, message: "m", tag: Tag("a"), responseCode: .tooBig)
        #expect(reply(tooBig) == "a NO [TOOBIG] m\r\n")
        #expect(reply(IMAPError(code: .lostFraming, message: "m", scope: .connection, tag: Tag("a"))) == "* BYE m\r\n")
    }
}

@Suite struct FetchEncoderTests {
    @Test func composesAResponseItemByItem() throws {
        var output: [UInt8] = []
        var fetch = FetchEncoder(try #require(SequenceNumber(12)), into: &output)
        fetch.flags([.seen, .recent], into: &output)
        fetch.uid(try #require(UID(42)), into: &output)
        fetch.internalDate(DateTime(secondsSinceEpoch: 837_596_665, zoneMinutes: -420), into: &output)
        fetch.rfc822Size(4286, into: &output)
        fetch.encoded(.envelope, Array("(NIL)".utf8), into: &output)
        fetch.literal(for: .rfc822, byteCount: 3, into: &output)
        output.append(contentsOf: Array("abc".utf8))
        fetch.missing(.bodySection(BodySection(path: [9], kind: .all), peek: true, partial: nil), into: &output)
        fetch.finish(into: &output)
        #expect(
            String(decoding: output, as: UTF8.self)
                == "* 12 FETCH (FLAGS (\\Seen \\Recent) UID 42 INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" "
                + "RFC822.SIZE 4286 ENVELOPE (NIL) RFC822 {3}\r\nabc BODY[9] NIL)\r\n")
    }

    @Test(arguments: [
        "BODY[]", "BODY[HEADER]", "BODY[TEXT]", "BODY[1]", "BODY[1.2.3]", "BODY[1.MIME]", "BODY[4.2.HEADER]",
        "BODY[HEADER.FIELDS (SUBJECT)]", "BODY[3.HEADER.FIELDS.NOT (From X-a)]", "RFC822.HEADER", "RFC822.TEXT",
        "BODY[HEADER.FIELDS (\"a b\")]", "BODYSTRUCTURE", "BODY",
    ])
    func repeatsTheLabelThatTheClientWrote(label: String) throws {
        let command = try CommandParser.parse(CommandText("a FETCH 1 (\(label))"))
        guard case .fetch(_, let items, _) = command.body else {
            Issue.record("not a FETCH")
            return
        }
        var output: [UInt8] = []
        var fetch = FetchEncoder(try #require(SequenceNumber(1)), into: &output)
        fetch.literal(for: items[0], byteCount: 0, into: &output)
        #expect(String(decoding: output, as: UTF8.self) == "* 1 FETCH (\(label) {0}\r\n")
    }

    @Test func aPartialKeepsOnlyItsOrigin() throws {
        let item = FetchItem.bodySection(
            BodySection(path: [], kind: .all), peek: true, partial: PartialRange(offset: 7, maximumBytes: 9))
        var output: [UInt8] = []
        var fetch = FetchEncoder(try #require(SequenceNumber(1)), into: &output)
        fetch.literal(for: item, byteCount: 0, into: &output)
        #expect(String(decoding: output, as: UTF8.self) == "* 1 FETCH (BODY[]<7> {0}\r\n")
    }

    @Test func fieldNamesCannotInjectAnything() throws {
        let section = BodySection(path: [], kind: .headerFields([Array("a)]\r\nb".utf8)]))
        var output: [UInt8] = []
        var fetch = FetchEncoder(try #require(SequenceNumber(1)), into: &output)
        fetch.missing(.bodySection(section, peek: false, partial: nil), into: &output)
        #expect(
            String(decoding: output, as: UTF8.self) == "* 1 FETCH (BODY[HEADER.FIELDS ({6}\r\na)]\r\nb)] NIL")
    }
}
