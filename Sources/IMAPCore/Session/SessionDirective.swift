// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What the session machine wants its shell to do, in this order.
public enum SessionDirective: Hashable, Sendable {
    /// Send bytes to the client.
    case send([UInt8])
    /// Send bytes to the client that change what the session's ticket says: both or none must take effect. Only for sessions
    /// that were begun with a ticket; see ``SessionMachine/init(configuration:resuming:in:)``.
    case sendChange([UInt8], TicketUpdate)
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
    /// Send what was sent so far, then leave the client to another server, which goes on with the ticket. Every command
    /// that was answered is done, no other has been begun. Nothing follows.
    case release
    /// The client has logged in: send what was sent so far, then give the connection to whoever serves the user, with the
    /// bytes that came behind the login. Nothing follows.
    case handOver([UInt8])
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
