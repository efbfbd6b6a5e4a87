# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: Kuiper contributors
"""Sends commands in the clear behind STARTTLS, in the same segment and in the next one: none may be carried out.

Usage: starttls_injection.py PORT CAFILE USER PASSWORD
"""
import socket
import ssl
import sys

PORT, AUTHORITY, USER, PASSWORD = sys.argv[1:5]


def line(connection):
    """Reads one line and not a byte more."""
    result = b""
    while not result.endswith(b"\r\n"):
        byte = connection.recv(1)
        if not byte:
            raise AssertionError("the connection ended after %r" % result)
        result += byte
    return result


def session(injected):
    """Injects bytes; they must be dropped."""
    context = ssl.create_default_context(cafile=AUTHORITY)
    with socket.create_connection(("127.0.0.1", int(PORT)), timeout=60) as plain:
        line(plain)
        plain.sendall(b"a STARTTLS\r\n" + injected)
        answer = line(plain)
        if not answer.startswith(b"a OK"):
            raise AssertionError(answer)
        with context.wrap_socket(plain, server_hostname="localhost") as protected:
            protected.sendall(b"c NOOP\r\n")
            answer = line(protected)
            if not answer.startswith(b"c OK"):
                raise AssertionError("after %r the server said %r" % (injected, answer))
            protected.sendall(b"d LOGIN %s %s\r\n" % (USER.encode(), PASSWORD.encode()))
            answer = line(protected)
            if not answer.startswith(b"d OK"):
                raise AssertionError(answer)


for injected in [
    b"",
    b"b NOOP\r\n",
    b"b LOGIN %s %s\r\n" % (USER.encode(), PASSWORD.encode()),
    # Half a command, which would swallow the first command under TLS.
    b"b LOGIN {8}\r\n",
    b"b ID (",
]:
    session(injected)
try:
    session(b"b NOOP\r\n" * 5000)
except (ssl.SSLError, ConnectionError):
    # What the server had not read with STARTTLS is no handshake; it was not carried out either.
    pass
print("nothing was injected")
