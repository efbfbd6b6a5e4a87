// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What the session machine wants its shell to do, in this order.
public enum SessionDirective: Hashable, Sendable {
    /// Send bytes to the client.
    case send([UInt8])
    /// Carry out a request and answer it, unless it expects no reply.
    case request(SessionRequest)
    /// Add bytes to the upload that `append` began; answered by ``SessionReply/appendDataAccepted`` for backpressure.
    case appendData([UInt8])
    /// Send what was sent so far, then do the TLS handshake as its server and call
    /// ``SessionMachine/tlsEstablished()``. All plaintext that came after STARTTLS has been dropped; bytes that the shell
    /// itself has read but not passed on belong to the handshake.
    case startTLS
    /// Send what was sent so far, then close the connection. Nothing follows.
    case close
    /// A command ended; for metrics. The name comes from a fixed list and `UNKNOWN` and never holds a client's bytes.
    case commandFinished(name: String, status: ResponseStatus)
}

/// Which time-out applies while the session waits for its client.
public enum SessionDeadline: Hashable, Sendable, CaseIterable {
    /// The client has not logged in, counted from the connection's begin.
    case login
    /// The client is logged in and says nothing (autologout, RFC 3501 section 5.4), counted from the last input.
    case idle
    /// The client owes the rest of a command or literal, counted from the last input.
    case literal
}
