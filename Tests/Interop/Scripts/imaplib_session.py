# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: Kuiper contributors
"""A whole session with Python's imaplib against a live server: mailboxes, messages, searches, two sessions at once.

Usage: imaplib_session.py tls|starttls PORT CAFILE USER PASSWORD
"""
import imaplib
import re
import ssl
import sys
import time

MODE, PORT, AUTHORITY, USER, PASSWORD = sys.argv[1:6]
SECONDS = 60
DATE = '"07-Feb-1994 21:52:25 -0800"'
MAIL = (
    b"From: Ann <ann@example.org>\r\nTo: Bob <bob@example.org>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= %d\r\n"
    b"Date: Mon, 7 Feb 1994 21:52:25 -0800\r\nMessage-ID: <%d@example.org>\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: multipart/mixed; boundary=xyz\r\n\r\n--xyz\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Content-Transfer-Encoding: quoted-printable\r\n\r\nzw=C3=B6lf Boxk=C3=A4mpfer %d\r\n--xyz\r\n"
    b"Content-Type: application/octet-stream; name=a.bin\r\nContent-Transfer-Encoding: base64\r\n\r\nAAECAwQ=\r\n"
    b"--xyz--\r\n"
)
CAPABILITIES = (
    "IMAP4REV1 LITERAL+ SASL-IR ID NAMESPACE IDLE UNSELECT UIDPLUS MOVE CHILDREN SPECIAL-USE ENABLE ESEARCH "
    "STATUS=SIZE CONDSTORE"
)


def mail(number):
    return MAIL % (number, number, number)


def check(condition, *context):
    """Like assert, but it cannot be switched off."""
    if not condition:
        raise AssertionError(*context)


def ok(reply):
    check(reply[0] == "OK", reply)
    return reply[1]


def no(reply):
    check(reply[0] == "NO", reply)
    return reply[1]


def connect(login=True):
    context = ssl.create_default_context(cafile=AUTHORITY)
    if MODE == "tls":
        client = imaplib.IMAP4_SSL("127.0.0.1", int(PORT), ssl_context=context, timeout=SECONDS)
    else:
        client = imaplib.IMAP4("127.0.0.1", int(PORT), timeout=SECONDS)
        check("STARTTLS" in client.capabilities and "LOGINDISABLED" in client.capabilities, client.capabilities)
        try:
            client.login(USER, PASSWORD)
            raise AssertionError("login without TLS was taken")
        except imaplib.IMAP4.error as error:
            check("PRIVACYREQUIRED" in str(error), error)
        ok(client.starttls(context))
        check("STARTTLS" not in client.capabilities, client.capabilities)
    if login:
        ok(client.login(USER, PASSWORD))
    return client


def authentication():
    client = connect(login=False)
    try:
        client.login(USER, PASSWORD + "x")
        raise AssertionError("a wrong password was taken")
    except imaplib.IMAP4.error as error:
        check("AUTHENTICATIONFAILED" in str(error), error)
    ok(client.authenticate("PLAIN", lambda _: b"\0" + USER.encode() + b"\0" + PASSWORD.encode()))
    ok(client.select("INBOX"))
    check(client.logout()[0] == "BYE")


def capabilities(one):
    known = one.capability()[1][0].decode().upper().split()
    for capability in CAPABILITIES.split():
        check(capability in known, capability, known)
    check(any(word.startswith("APPENDLIMIT=") for word in known), known)
    check("LOGINDISABLED" not in known, known)
    kind, _ = one.xatom("ID", '("name" "imaplib")')
    check(kind == "OK")
    check(b"NIL" in ok(one.namespace())[0])
    ok(one.enable("CONDSTORE"))


def mailboxes(one):
    ok(one.noop())
    ok(one.create("Work"))
    no(one.create("Work"))
    ok(one.create("Work/Deep/Er"))
    ok(one.create("K&APw-che"))
    names = b"\n".join(ok(one.list()))
    for name in b"INBOX Work Work/Deep Work/Deep/Er K&APw-che Archive Drafts Junk Sent Trash".split():
        check(re.search(rb' "/" "?' + re.escape(name) + rb'"?$', names, re.M), name, names)
    for use in [b"Archive", b"Drafts", b"Junk", b"Sent", b"Trash"]:
        check(re.search(rb"\([^)]*\\" + use + rb'\b[^)]*\) "/" "?' + use, names), use, names)
    check(re.search(rb'\([^)]*\\HasChildren[^)]*\) "/" "?Work"?$', names, re.M), names)
    check(re.search(rb'\([^)]*\\HasNoChildren[^)]*\) "/" "?K&APw-che"?$', names, re.M), names)
    ok(one.subscribe("Work"))
    check(b"Work" in b"\n".join(ok(one.lsub())))
    ok(one.unsubscribe("Work"))
    check(not any(b"Work" in (line or b"") for line in ok(one.lsub())))
    ok(one.rename("Work", "Play"))
    below = ok(one.list('""', '"Play/*"'))
    check(len(below) == 2 and b"Play/Deep/Er" in b"\n".join(below), below)
    check(len(ok(one.list('""', '"Play/%"'))) == 1)
    no(one.select("Work"))
    no(one.delete("Work"))
    no(one.delete("INBOX"))
    for bad in ["../x", '"a//b"', "./y", '"Play/../../z"']:
        no(one.create(bad))


def messages(one):
    for number in range(1, 6):
        flags = r"(\Flagged $Work)" if number == 2 else None
        reply = ok(one.append("Play", flags, DATE, mail(number)))
        check(re.search(rb"\[APPENDUID \d+ %d\]" % number, reply[0]), reply)
    check(b"TRYCREATE" in no(one.append("Nowhere", None, None, b"Subject: x\r\n\r\n"))[0])
    status = ok(one.status("Play", "(MESSAGES RECENT UIDNEXT UIDVALIDITY UNSEEN SIZE)"))[0]
    for item in [b"MESSAGES 5", b"RECENT 0", b"UIDNEXT 6", b"UNSEEN 5", b"SIZE %d" % (5 * len(mail(1)))]:
        check(item in status, item, status)
    check(ok(one.select("Play")) == [b"5"])
    check(int(one.response("UIDVALIDITY")[1][0]) > 0)
    check(one.response("UIDNEXT")[1] == [b"6"])

    data = ok(one.fetch("1:5", "(UID FLAGS RFC822.SIZE INTERNALDATE)"))
    check(len(data) == 5 and b"RFC822.SIZE %d" % len(mail(1)) in data[0], data)
    # The same instant and, for a server that keeps it, the same zone.
    check(all(imaplib.Internaldate2tuple(line) == imaplib.Internaldate2tuple(
        b"INTERNALDATE " + DATE.encode()) for line in data), data)
    check(b"$Work" in data[1] and rb"\Flagged" in data[1], data)
    check(ok(one.fetch("3", "(BODY.PEEK[])"))[0][1] == mail(3))
    check(ok(one.fetch("3", "(BODY.PEEK[2])"))[0][1] == b"AAECAwQ=")
    check(ok(one.fetch("3", "(BODY.PEEK[]<5.10>)"))[0][1] == mail(3)[5:15])
    header = ok(one.fetch("3", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])"))[0][1]
    check(header == b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= 3\r\n\r\n", header)
    structure = ok(one.fetch("3", "(BODYSTRUCTURE ENVELOPE)"))[0]
    check(b'"MIXED"' in structure.upper() and b'"ann" "example.org"' in structure, structure)
    check(rb"\Seen" not in ok(one.fetch("3", "(FLAGS)"))[0])
    ok(one.fetch("3", "(RFC822)"))
    check(rb"\Seen" in ok(one.fetch("3", "(FLAGS)"))[0])


def searches(one):
    def found(*keys):
        return [int(number) for number in ok(one.search(None, *keys))[0].split()]

    check(found("ALL") == [1, 2, 3, 4, 5])
    check(found("FLAGGED") == [2] and found("KEYWORD", "$Work") == [2])
    check(found("SEEN") == [3] and found("UNSEEN", "NOT", "2") == [1, 4, 5])
    check(found("FROM", "ann", "SENTON", "7-Feb-1994", "LARGER", "100") == [1, 2, 3, 4, 5])
    check(found("SENTBEFORE", "7-Feb-1994") == [] and found("SINCE", "1-Jan-1994") == [1, 2, 3, 4, 5])
    check(found("OR", "SUBJECT", '" 4"', "UID", "5") == [4, 5])
    one.literal = "ZWÖLF BOXKÄMPFER 2".encode()
    check(ok(one.search("UTF-8", "BODY")) == [b"2"])
    one.literal = "grüße".encode()
    check(len(ok(one.search("UTF-8", "SUBJECT"))[0].split()) == 5)
    check(b"BADCHARSET" in no(one.search("KOI9-X", "ALL"))[0])


def wait_for(session, pattern):
    """Reads untagged responses until one matches."""
    for _ in range(20):
        line = session.readline()
        if re.match(pattern, line):
            return
        check(line.startswith(b"* "), line)
    raise AssertionError(pattern)


def another_session_sees_changes(one):
    two = connect()
    ok(two.select("Play"))
    tag = two._new_tag()
    two.send(tag + b" IDLE\r\n")
    check(two.readline().startswith(b"+"))
    ok(one.store("1", "+FLAGS", r"(\Deleted)"))
    began = time.monotonic()
    wait_for(two, rb"\* 1 FETCH .*\\Deleted")
    check(time.monotonic() - began < 1, "a change took a second to be seen")
    check(ok(one.expunge()) == [b"1"])
    wait_for(two, rb"\* 1 EXPUNGE\r\n")
    ok(one.append("Play", None, None, mail(6)))
    wait_for(two, rb"\* 5 EXISTS\r\n")
    two.send(b"DONE\r\n")
    wait_for(two, tag + rb" OK")
    check(ok(two.fetch("5", "(UID)")) == [b"5 (UID 6)"])
    two.logout()


def modification_sequences(one):
    """CONDSTORE was enabled at the beginning: see capabilities()."""
    def sequence(line):
        return int(re.search(rb"MODSEQ \(?(\d+)", line)[1])

    ok(one.noop())
    # What the commands before have left over.
    one.response("FETCH")
    highest = sequence(ok(one.status("Play", "(HIGHESTMODSEQ)"))[0])
    check(sequence(ok(one.fetch("2", "(MODSEQ)"))[0]) <= highest)
    two = connect()
    ok(two.select("Play"))
    check(int(two.response("HIGHESTMODSEQ")[1][0]) == highest)
    changed = ok(two._simple_command("STORE", "2", "(UNCHANGEDSINCE %d)" % highest, "+FLAGS.SILENT", r"(\Answered)"))
    check(b"MODIFIED" not in changed[0], changed)
    modified = ok(one._simple_command("STORE", "1:2", "(UNCHANGEDSINCE %d)" % highest, "+FLAGS", r"(\Answered)"))
    check(b"[MODIFIED 2]" in modified[0], modified)
    one.response("FETCH")
    kind, _ = one._simple_command("UID", "FETCH", "1:*", "(FLAGS)", "(CHANGEDSINCE %d)" % highest)
    news = one.response("FETCH")[1]
    check(kind == "OK" and len(news) == 2, news)
    check(all(rb"\Answered" in line and sequence(line) > highest for line in news), news)
    latest = max(sequence(line) for line in news)
    check(ok(one.search(None, "MODSEQ", str(highest + 1))) == [b"1 2 (MODSEQ %d)" % latest])
    ok(one.store("1:2", "-FLAGS.SILENT", r"(\Answered)"))
    one.response("FETCH")
    two.logout()


def copies_and_moves(one):
    ok(one.noop())
    check(re.search(rb"\[COPYUID \d+ 2:3 1:2\]", ok(one.copy("1:2", "INBOX"))[0]))
    ok(one._simple_command("MOVE", "3", "Archive"))
    check(b"MESSAGES 1" in ok(one.status("Archive", "(MESSAGES)"))[0])
    ok(one.uid("STORE", "2", "FLAGS.SILENT", r"(\Seen Custom)"))
    flags = ok(one.uid("FETCH", "2", "FLAGS"))[0]
    check(b"Custom" in flags and rb"\Seen" in flags and b"$Work" not in flags, flags)
    check(b"TRYCREATE" in no(one.copy("1", "Nowhere"))[0])
    check(ok(one.uid("SEARCH", None, "ALL")) == [b"2 3 5 6"])
    ok(one.check())


def read_only(one):
    ok(one.select("Play", readonly=True))
    no(one.store("1", "+FLAGS", r"(\Deleted)"))
    ok(one.close())
    ok(one.select("Play"))
    ok(one.store("1", "+FLAGS.SILENT", r"(\Deleted)"))
    ok(one.unselect())
    check(b"MESSAGES 4" in ok(one.status("Play", "(MESSAGES)"))[0])
    ok(one.select("Play"))
    ok(one.close())
    check(b"MESSAGES 3" in ok(one.status("Play", "(MESSAGES)"))[0])
    ok(one.delete("Play"))
    check(one.logout()[0] == "BYE")


def main():
    authentication()
    one = connect()
    capabilities(one)
    mailboxes(one)
    messages(one)
    searches(one)
    another_session_sees_changes(one)
    modification_sequences(one)
    copies_and_moves(one)
    read_only(one)
    print("session complete")


main()
