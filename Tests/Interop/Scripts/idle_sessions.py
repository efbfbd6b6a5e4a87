# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: Kuiper contributors
"""Opens sessions over TLS, selects INBOX in each, leaves every second one in IDLE, and prints the server's memory.

Usage: idle_sessions.py COUNT PORT CAFILE USER PASSWORD PID
Prints: resident=KIB anonymous=KIB
"""
import imaplib
import ssl
import sys

COUNT, PORT, AUTHORITY, USER, PASSWORD, PID = sys.argv[1:7]


def memory(key):
    with open("/proc/%s/status" % PID) as status:
        for line in status:
            if line.startswith(key + ":"):
                return int(line.split()[1])
    raise AssertionError(key)


context = ssl.create_default_context(cafile=AUTHORITY)
sessions = []
for number in range(int(COUNT)):
    session = imaplib.IMAP4_SSL("127.0.0.1", int(PORT), ssl_context=context, timeout=60)
    session.login(USER, PASSWORD)
    kind, _ = session.select("INBOX")
    if kind != "OK":
        raise AssertionError(kind)
    if number % 2:
        session.send(b"i IDLE\r\n")
        if not session.readline().startswith(b"+"):
            raise AssertionError("no continuation")
    sessions.append(session)
print("resident=%d anonymous=%d" % (memory("VmRSS"), memory("RssAnon")))
# The last session still works while all others are there.
sessions[0].noop()
