// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import IMAPCore
import Testing

/// Every command line of the examples in RFC 3501 sections 6 and 8, and of the extensions, parses.
@Suite struct RFC3501ExamplesTests {
    @Test(arguments: [
        "abcd CAPABILITY", "a002 NOOP", "A023 LOGOUT", "a001 CAPABILITY", "a002 STARTTLS", "a001 AUTHENTICATE GSSAPI",
        "a001 LOGIN SMITH SESAME", "A142 SELECT INBOX", "A932 EXAMINE blurdybloop", "A003 CREATE owatagusiam/",
        "A004 CREATE owatagusiam/blurdybloop", "A682 LIST \"\" *", "A683 DELETE blurdybloop", "A684 DELETE foo",
        "A685 DELETE foo/bar", "A686 LIST \"\" *", "A687 DELETE foo", "A82 LIST \"\" *", "A83 DELETE blurdybloop",
        "A84 DELETE foo", "A683 RENAME blurdybloop sarasoop", "A684 RENAME foo zowie", "Z432 LIST \"\" *",
        "Z433 RENAME INBOX old-mail", "A002 SUBSCRIBE #news.comp.mail.mime", "A002 UNSUBSCRIBE #news.comp.mail.mime",
        "A101 LIST \"\" \"\"", "A102 LIST #news.comp.mail.misc \"\"", "A103 LIST /usr/staff/jones \"\"",
        "A202 LIST ~/Mail/ %", "A002 LSUB \"#news.\" \"comp.mail.*\"", "A002 LSUB \"#news.\" \"comp.%\"",
        "A042 STATUS blurdybloop (UIDNEXT MESSAGES)", "A003 APPEND saved-messages (\\Seen) {310}",
        "FXXZ CHECK", "A341 CLOSE", "A202 EXPUNGE", "A282 SEARCH FLAGGED SINCE 1-Feb-1994 NOT FROM \"Smith\"",
        "A283 SEARCH TEXT \"string not in mailbox\"", "A284 SEARCH CHARSET UTF-8 TEXT {6}\r\nXXXXXX",
        "A654 FETCH 2:4 (FLAGS BODY[HEADER.FIELDS (DATE FROM)])", "A003 STORE 2:4 +FLAGS (\\Deleted)",
        "A003 COPY 2:4 MEETING", "A999 UID FETCH 4827313:4828442 FLAGS", "a001 login mrc secret", "a002 select inbox",
        "a003 fetch 12 full", "a004 fetch 12 body[header]", "a005 store 12 +flags \\deleted", "a006 logout",
        "A003 UID EXPUNGE 3000:3002", "A003 APPEND saved-messages (\\Seen) {297}", "A004 COPY 2:4 meeting",
        "a023 ID (\"name\" \"sodr\" \"version\" \"19.34\" \"vendor\" \"Pink Floyd Music Limited\")", "a042 ID NIL",
        "A002 IDLE", "A001 NAMESPACE", "A341 UNSELECT", "a UID MOVE 42:69 foo", "t1 ENABLE CONDSTORE",
        "A282 SEARCH RETURN (MIN COUNT) FLAGGED SINCE 1-Feb-1994 NOT FROM \"Smith\"", "A283 SEARCH RETURN () FLAGGED",
        "A042 STATUS frop (MESSAGES SIZE)", "t1 STATUS INBOX (APPENDLIMIT)", "t1 CREATE MyDrafts (USE (\\Drafts))",
        "t3 LIST \"\" \"%\" RETURN (SPECIAL-USE)", "A04 LIST (SUBSCRIBED RECURSIVEMATCH) \"\" \"%\"",
        "A03 LIST () \"\" \"%\" RETURN (CHILDREN)", "BBB LIST \"\" (\"INBOX\" \"Drafts\" \"Sent/%\")",
    ])
    func parses(line: String) {
        #expect(throws: Never.self) { try CommandParser.parse(CommandText(line)) }
    }
}
