// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import IMAPCore

/// Whole sessions without changes from outside; they also serve the split and disconnect tests.
extension Transcript {
    static let login = Transcript(
        name: "login",
        text: filled(
            """
            S: * OK [CAPABILITY {T}] IMAP server ready
            C: a1 CAPABILITY
            S: * CAPABILITY {T}
            S: a1 OK CAPABILITY completed
            C: a2 ID ("name" "test" "version" NIL)
            S: * ID NIL
            S: a2 OK ID completed
            C: a3 LOGIN user wrong
            S: a3 NO [AUTHENTICATIONFAILED] User or password is wrong
            C: a4 LOGIN {4}
            S: + Ready for the literal
            C: user {6+}
            C: secret
            S: a4 OK [CAPABILITY {A}] Logged in
            C: a5 NAMESPACE
            S: * NAMESPACE (("" "/")) NIL NIL
            S: a5 OK NAMESPACE completed
            C: a6 ENABLE CONDSTORE X-FOO
            S: * ENABLED CONDSTORE
            S: a6 OK ENABLE completed
            C: a7 NOOP
            S: a7 OK NOOP completed
            C: a8 LOGOUT
            S: * BYE Logging out
            S: a8 OK LOGOUT completed
            """))

    static let plain = Transcript(
        name: "plain",
        text: filled(
            """
            S: * OK [CAPABILITY {T}] IMAP server ready
            C: a1 AUTHENTICATE PLAIN
            S: +\u{20}
            C: *
            S: a1 BAD AUTHENTICATE was cancelled.
            C: a2 AUTHENTICATE PLAIN
            S: +\u{20}
            C: AHVzZXIAc2VjcmV0
            S: a2 OK [CAPABILITY {A}] Logged in
            C: a3 LOGOUT
            S: * BYE Logging out
            S: a3 OK LOGOUT completed
            """))

    static let mailboxes = Transcript(
        name: "mailboxes",
        text: filled(
            """
            S: * OK [CAPABILITY {T}] IMAP server ready
            C: a1 AUTHENTICATE PLAIN AHVzZXIAc2VjcmV0
            S: a1 OK [CAPABILITY {A}] Logged in
            C: b1 LIST "" ""
            S: * LIST (\\Noselect) "/" ""
            S: b1 OK LIST completed
            C: b2 CREATE Drafts (USE (\\Drafts))
            S: b2 OK CREATE completed
            C: b3 CREATE Work
            S: b3 NO [ALREADYEXISTS] It exists
            C: b4 LIST "" *
            S: * LIST (\\Noselect \\HasChildren) "/" Archive
            S: * LIST (\\HasNoChildren) "/" Archive/2025
            S: * LIST (\\HasNoChildren \\Drafts) "/" Drafts
            S: * LIST (\\HasNoChildren) "/" INBOX
            S: * LIST (\\HasChildren) "/" Work
            S: * LIST (\\HasNoChildren) "/" Work/Done
            S: b4 OK LIST completed
            C: b5 SUBSCRIBE Work/Done
            S: b5 OK SUBSCRIBE completed
            C: b6 LSUB "" %
            S: * LSUB (\\Noselect) "/" Work
            S: b6 OK LSUB completed
            C: b7 STATUS Work (MESSAGES RECENT UIDNEXT UIDVALIDITY UNSEEN SIZE APPENDLIMIT)
            S: * STATUS Work (MESSAGES 0 RECENT 0 UIDNEXT 1 UIDVALIDITY 101 UNSEEN 0 SIZE 0 APPENDLIMIT 67108864)
            S: b7 OK STATUS completed
            C: b8 LIST (SUBSCRIBED) "" * RETURN (STATUS (MESSAGES))
            S: * LIST (\\Subscribed \\HasNoChildren) "/" Work/Done
            S: * STATUS Work/Done (MESSAGES 0)
            S: b8 OK LIST completed
            C: b9 RENAME Drafts Sketches/
            S: b9 OK RENAME completed
            C: c1 DELETE Sketches
            S: c1 OK DELETE completed
            C: c2 UNSUBSCRIBE Work/Done
            S: c2 OK UNSUBSCRIBE completed
            C: c3 DELETE INBOX
            S: c3 NO [CANNOT] INBOX cannot be deleted
            C: c4 LOGOUT
            S: * BYE Logging out
            S: c4 OK LOGOUT completed
            """))

    static let reading = Transcript(
        name: "reading",
        text: filled(
            """
            S: * OK [CAPABILITY {T}] IMAP server ready
            C: a1 LOGIN user secret
            S: a1 OK [CAPABILITY {A}] Logged in
            C: a2 SELECT INBOX
            S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)
            S: * 3 EXISTS
            S: * 0 RECENT
            S: * OK [UNSEEN 2] First unseen message
            S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft \\*)] Flags that last
            S: * OK [UIDVALIDITY 100] Identifiers are valid
            S: * OK [UIDNEXT 4] Predicted next identifier
            S: * OK [HIGHESTMODSEQ 40] Highest modification
            S: a2 OK [READ-WRITE] SELECT completed
            C: a3 FETCH 1:* (FLAGS UID RFC822.SIZE)
            S: * 1 FETCH (FLAGS (\\Seen) UID 1 RFC822.SIZE 34)
            S: * 2 FETCH (FLAGS () UID 2 RFC822.SIZE 29)
            S: * 3 FETCH (FLAGS (\\Flagged) UID 3 RFC822.SIZE 25)
            S: a3 OK FETCH completed
            C: a4 UID FETCH 2:* BODY[TEXT]<2.3>
            S: * 2 FETCH (UID 2 BODY[TEXT]<2> {3}
            S: con FLAGS (\\Seen))
            S: * 3 FETCH (UID 3 BODY[TEXT]<2> {3}
            S: ird FLAGS (\\Flagged \\Seen))
            S: a4 OK UID FETCH completed
            C: a5 FETCH 1 (BODY.PEEK[HEADER.FIELDS (FROM)] ENVELOPE)
            S: * 1 FETCH (BODY[HEADER.FIELDS (FROM)] {13}
            S: From: a@b
            S:\u{20}
            S:  ENVELOPE (NIL "one" ((NIL NIL "a" "b")) ((NIL NIL "a" "b")) ((NIL NIL "a" "b")) NIL NIL NIL NIL NIL))
            S: a5 OK FETCH completed
            C: a6 STORE 1,3 +FLAGS (\\Deleted $Label)
            S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Label)
            S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Label \\*)] Flags that last
            S: * 1 FETCH (FLAGS (\\Seen \\Deleted $Label))
            S: * 3 FETCH (FLAGS (\\Flagged \\Seen \\Deleted $Label))
            S: a6 OK STORE completed
            C: a7 UID STORE 2 FLAGS.SILENT (\\Answered)
            S: a7 OK UID STORE completed
            C: a8 SEARCH DELETED SUBJECT "e"
            S: * SEARCH 1 3
            S: a8 OK SEARCH completed
            C: a9 UID SEARCH RETURN (MIN MAX COUNT ALL) ALL
            S: * ESEARCH (TAG "a9") UID MIN 1 MAX 3 ALL 1:3 COUNT 3
            S: a9 OK UID SEARCH completed
            C: b1 COPY 2:3 Work
            S: b1 OK [COPYUID 101 2:3 1:2] COPY completed
            C: b2 EXPUNGE
            S: * 3 EXPUNGE
            S: * 1 EXPUNGE
            S: b2 OK EXPUNGE completed
            C: b3 MOVE 1 Work
            S: * OK [COPYUID 101 2 3] Moved
            S: * 1 EXPUNGE
            S: b3 OK MOVE completed
            C: b4 CHECK
            S: b4 OK CHECK completed
            C: b5 APPEND INBOX (\\Seen) "01-Feb-2024 10:00:00 +0000" {5}
            S: + Ready for the literal
            C: hello
            S: * 1 EXISTS
            S: b5 OK [APPENDUID 100 4] APPEND completed
            C: b6 FETCH 1 (INTERNALDATE BODY[])
            S: * 1 FETCH (INTERNALDATE " 1-Feb-2024 10:00:00 +0000" BODY[] {5}
            S: hello)
            S: b6 OK FETCH completed
            C: b7 UNSELECT
            S: b7 OK UNSELECT completed
            C: b8 LOGOUT
            S: * BYE Logging out
            S: b8 OK LOGOUT completed
            """), prepare: threeMessages)

    static let mistakes = Transcript(
        name: "mistakes",
        text: filled(
            """
            S: * OK [CAPABILITY {T}] IMAP server ready
            C: a1 LOGIN user secret
            S: a1 OK [CAPABILITY {A}] Logged in
            C: a2 FETCH 1 FLAGS
            S: a2 BAD FETCH is not possible now: the session is logged in and no mailbox is selected.
            C: a3 APPEND Nowhere {4}
            S: a3 NO [TRYCREATE] No such mailbox
            C: a4 APPEND Nowhere {4+}
            S: a4 NO [TRYCREATE] No such mailbox
            C: mail
            C: a5 APPEND INBOX {100000000}
            S: a5 NO [TOOBIG] A message of 100000000 bytes is larger than the 67108864 allowed.
            C: a6 SELECT Nowhere
            S: a6 NO [NONEXISTENT] No such mailbox
            C: a7 EXAMINE INBOX
            S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)
            S: * 3 EXISTS
            S: * 0 RECENT
            S: * OK [UNSEEN 2] First unseen message
            S: * OK [PERMANENTFLAGS ()] The mailbox is read-only
            S: * OK [UIDVALIDITY 100] Identifiers are valid
            S: * OK [UIDNEXT 4] Predicted next identifier
            S: * OK [HIGHESTMODSEQ 40] Highest modification
            S: a7 OK [READ-ONLY] EXAMINE completed
            C: a8 STORE 1 +FLAGS (\\Seen)
            S: a8 NO [READ-ONLY] The mailbox is selected read-only
            C: a9 FETCH 2 BODY[TEXT]
            S: * 2 FETCH (BODY[TEXT] {13}
            S: second body
            S: )
            S: a9 OK FETCH completed
            C: b1 FETCH 4 FLAGS
            S: b1 BAD A sequence number is larger than the 3 messages of the mailbox.
            C: b2 UID FETCH 4:* FLAGS
            S: * 3 FETCH (UID 3 FLAGS (\\Flagged))
            S: b2 OK UID FETCH completed
            C: b3 UID FETCH 90 FLAGS
            S: b3 OK UID FETCH completed
            C: b4 IDLE
            S: + idling
            C: NOOP
            S: b4 BAD IDLE ends with DONE.
            C: b5 IDLE
            S: + idling
            C: DONE
            S: b5 OK IDLE completed
            C: b6 CLOSE
            S: b6 OK CLOSE completed
            C: b7 LOGOUT
            S: * BYE Logging out
            S: b7 OK LOGOUT completed
            """), prepare: threeMessages)

    static let modSequences = Transcript(
        name: "modification sequences",
        text: filled(
            """
            S: * OK [CAPABILITY {T}] IMAP server ready
            C: a1 LOGIN user secret
            S: a1 OK [CAPABILITY {A}] Logged in
            C: a2 SELECT INBOX (CONDSTORE)
            S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)
            S: * 3 EXISTS
            S: * 0 RECENT
            S: * OK [UNSEEN 2] First unseen message
            S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft \\*)] Flags that last
            S: * OK [UIDVALIDITY 100] Identifiers are valid
            S: * OK [UIDNEXT 4] Predicted next identifier
            S: * OK [HIGHESTMODSEQ 40] Highest modification
            S: a2 OK [READ-WRITE] SELECT completed
            C: a3 FETCH 1:* (FLAGS) (CHANGEDSINCE 20)
            S: * 2 FETCH (FLAGS () MODSEQ (30))
            S: * 3 FETCH (FLAGS (\\Flagged) MODSEQ (40))
            S: a3 OK FETCH completed
            C: a4 STORE 2:3 (UNCHANGEDSINCE 30) +FLAGS.SILENT (\\Deleted)
            S: * 2 FETCH (UID 2 MODSEQ (50))
            S: * 3 FETCH (UID 3 FLAGS (\\Flagged) MODSEQ (40))
            S: a4 OK [MODIFIED 3] STORE completed
            C: a5 UID SEARCH MODSEQ "/flags/\\\\deleted" all 40
            S: * SEARCH 2 3 (MODSEQ 50)
            S: a5 OK UID SEARCH completed
            C: a6 FETCH 1 FLAGS (CHANGEDSINCE 0)
            S: a6 BAD A modification sequence begins with 1 here.
            C: a7 FETCH 1 FLAGS (VANISHED CHANGEDSINCE 5)
            S: a7 BAD The parameter or modifier is not known.
            C: a8 LIST "" INBOX RETURN (STATUS (HIGHESTMODSEQ))
            S: * LIST (\\HasNoChildren) "/" INBOX
            S: * STATUS INBOX (HIGHESTMODSEQ 50)
            S: a8 OK LIST completed
            C: a9 IDLE
            S: + idling
            X: flags INBOX 1 \\Answered
            X: deliver
            S: * 1 FETCH (UID 1 FLAGS (\\Answered) MODSEQ (60))
            C: DONE
            S: a9 OK IDLE completed
            C: b1 LOGOUT
            S: * BYE Logging out
            S: b1 OK LOGOUT completed
            """), prepare: threeMessages)

    static let all = [login, plain, mailboxes, reading, mistakes, modSequences]
}
