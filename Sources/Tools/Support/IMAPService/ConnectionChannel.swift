// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
package import NIOCore
internal import NIOSSL

/// The task's half of a connection: writing with backpressure, deadlines, and the change to TLS.
package struct ConnectionChannel: Sendable {
    /// The channel.
    package let channel: any Channel
    /// Where word for the connection's task is left.
    package let inbox: ConnectionInbox
    private let handler: NIOLoopBound<ConnectionHandler>

    /// Puts the handler at the end of a channel's pipeline; must run on its event loop.
    ///
    /// - Parameter channel: the channel; not reading by itself.
    /// - Throws: what NIO says of a pipeline that is closed.
    package init(channel: any Channel) throws {
        let inbox = ConnectionInbox()
        let handler = ConnectionHandler(inbox: inbox)
        try channel.pipeline.syncOperations.addHandler(handler)
        self.channel = channel
        self.inbox = inbox
        self.handler = NIOLoopBound(handler, eventLoop: channel.eventLoop)
        inbox.setDemand { channel.read() }
    }

    /// Writes bytes and waits until the socket has taken them; closes the connection if that takes longer than the limit.
    ///
    /// - Parameters:
    ///   - bytes: the bytes.
    ///   - limit: the longest that it may take.
    /// - Throws: the channel's error when the connection has ended.
    package func write(_ bytes: ByteBuffer, limit: TimeAmount) async throws {
        // All in one turn of the event loop; most often the socket takes everything at once, and there is nothing to wait for.
        if channel.eventLoop.inEventLoop {
            let (written, outcome) = Self.write(bytes, to: channel, limit: limit)
            if let outcome { try outcome.get() } else { try await written.get() }
        } else {
            try await channel.eventLoop.flatSubmit { [channel] in Self.write(bytes, to: channel, limit: limit).written }
                .get()
        }
    }

    /// Writes on the event loop.
    ///
    /// - Returns: the future, and what came of it if that is known.
    private static func write(
        _ bytes: ByteBuffer, to channel: any Channel, limit: TimeAmount
    ) -> (written: EventLoopFuture<Void>, outcome: Result<Void, any Error>?) {
        let written = channel.writeAndFlush(bytes)
        var outcome: Result<Void, any Error>?
        written.assumeIsolated().whenComplete { outcome = $0 }
        if outcome == nil {
            let alarm = channel.eventLoop.assumeIsolated().scheduleTask(in: limit) { abort(channel) }
            written.assumeIsolated().whenComplete { _ in alarm.cancel() }
        }
        return (written, outcome)
    }

    /// Acknowledges what comes next at once.
    ///
    /// Many clients send a literal and its final line end in two writes; the second waits for the acknowledgement of the first (Nagle's algorithm), which the
    /// system would otherwise delay by 40 ms because there is no reply to send with it yet. The system forgets the option after a while, so it is
    /// set for each literal.
    func acknowledgeAtOnce() {
        let option = ChannelOptions.Types.SocketOption(level: .tcp, name: NIOBSDSocket.Option(rawValue: TCP_QUICKACK))
        // A socket that does not know the option, or is closed, goes on as before.
        channel.setOption(option, value: 1).whenFailure { _ in }
    }

    /// Sets the time after which the inbox reports a deadline.
    ///
    /// - Parameter deadline: the time.
    package func setDeadline(_ deadline: NIODeadline) {
        channel.eventLoop.execute { [handler] in handler.value.setDeadline(deadline) }
    }

    /// Sends the last plain text, forgets what the client sent after its STARTTLS, and goes on in TLS, in one turn of the event loop, so that
    /// neither side's next byte can be taken for the other kind (RFC 3501 section 6.2.1; the injection of CVE-2011-0411).
    func startTLS(_ context: NIOSSLContext, after farewell: ByteBuffer) async throws {
        try await channel.eventLoop.submit { [channel, inbox] in
            channel.writeAndFlush(farewell, promise: nil)
            inbox.discardBytes()
            try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context), position: .first)
        }.get()
    }

    /// Closes; what was written before is sent first, and TLS says goodbye, for as long as the client plays along.
    ///
    /// - Parameter limit: the longest that it may take.
    package func close(within limit: TimeAmount) async {
        let alarm = channel.eventLoop.scheduleTask(in: limit) { [channel] in Self.abort(channel) }
        defer { alarm.cancel() }
        // The channel may be closed already, which is what is wanted.
        try? await channel.close().get()
    }

    /// Closes at once, whatever is still to be sent; from any thread.
    package func abort() { channel.eventLoop.execute { [channel] in Self.abort(channel) } }

    /// Closes without asking TLS, which would wait for the client's goodbye; on the event loop.
    ///
    /// - Parameter channel: the channel.
    package static func abort(_ channel: any Channel) {
        if let tls = try? channel.pipeline.syncOperations.context(handlerType: NIOSSLServerHandler.self) {
            tls.close(promise: nil)
        } else {
            channel.close(promise: nil)
        }
    }
}
