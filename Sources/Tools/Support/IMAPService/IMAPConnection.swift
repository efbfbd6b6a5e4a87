// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import IMAPCore
internal import Logging
internal import MailStore
internal import NIOCore
internal import NIOSSL
internal import NodeSupport

/// The shell around one ``SessionMachine``: carries bytes, requests and events between the socket, the mail store and the machine.
///
/// One task runs it from the first byte to the last. It waits in one place, ``ConnectionInbox/next(wantsBytes:wantsShutdown:)``, and for the
/// store's replies; what the client sends meanwhile stays in the socket.
struct IMAPConnection: ~Copyable {
    let server: IMAPServer
    let channel: ConnectionChannel
    let client: String
    var machine: SessionMachine
    var logger: Logger
    var output = ByteBuffer()
    var account: MailAccount?
    var open: (handle: MailboxHandle, mailbox: OpenMailbox)?
    var upload: MessageUpload?
    private var nextHandle: UInt64 = 1
    private var commandBegan = ContinuousClock.now
    private let connectedAt = NIODeadline.now()
    private var heardAt = NIODeadline.now()
    private var isEnding = false
    private var knowsShutdown = false

    init(server: IMAPServer, channel: ConnectionChannel, client: String, isTLS: Bool, number: UInt64) {
        self.server = server
        self.channel = channel
        self.client = client
        machine = SessionMachine(configuration: server.configuration.session, isTLSActive: isTLS)
        logger = server.logger
        logger[metadataKey: "connection"] = "\(number)"
        logger[metadataKey: "client"] = "\(client)"
    }

    /// Serves the connection to its end; whatever ends it, nothing stays open in the store.
    mutating func run() async {
        do {
            machine.open()
            setDeadline()
            try await performDirectives()
            while !isEnding {
                setDeadline()
                if upload != nil { channel.acknowledgeAtOnce() }
                let input = await channel.inbox.next(wantsBytes: machine.wantsInput, wantsShutdown: !knowsShutdown)
                try await handle(input)
            }
            try await flush()
        } catch let error as BrokenResponse {
            logger.error("connection closed in the middle of a response", metadata: ["reason": "\(error.cause)"])
        } catch {
            // Most often the client went away; there is nobody to tell but the operator who asks for it.
            logger.debug("connection ended", metadata: ["reason": "\(error)"])
        }
        await release()
    }

    private mutating func release() async {
        if let upload { await upload.abort() }
        upload = nil
        if let open { open.mailbox.close() }
        open = nil
    }

    private mutating func handle(_ input: ConnectionInput) async throws {
        switch input {
        case .bytes(let bytes):
            server.metrics.receivedBytes.increment(by: UInt64(bytes.readableBytes))
            commandBegan = .now
            heardAt = .now()
            machine.receive(bytes.readableBytesUInt8Span)
        case .mailboxEvents:
            deliverEvents()
        case .deadline:
            // The alarm may have rung for a deadline that has moved since.
            if let (kind, time) = deadline, time <= .now() { machine.timedOut(kind) }
        case .shutdown:
            knowsShutdown = true
            machine.shutdown(reason: "The server is shutting down")
        case .closed:
            isEnding = true
            machine.inputClosed()
        }
        try await performDirectives()
    }

    /// Carries out all that the machine wants, until it waits for input.
    private mutating func performDirectives() async throws {
        while let directive = machine.nextDirective() {
            switch directive {
            case .send(let bytes):
                output.writeBytes(bytes)
                if output.readableBytes >= server.configuration.limits.outputBytes { try await flush() }
            case .request(let request):
                let reply = try await perform(request)
                // The machine knows a mailbox, and so takes its events, once it is selected; of any other reply the events come first.
                if case .selected? = reply {
                    if let reply { machine.complete(reply) }
                    deliverEvents()
                } else {
                    deliverEvents()
                    if let reply { machine.complete(reply) }
                }
            case .appendData(let bytes):
                machine.complete(await add(bytes))
            case .startTLS:
                let farewell = output
                output = ByteBuffer()
                try await channel.startTLS(server.configuration.tls, after: farewell)
                machine.tlsEstablished()
            case .close:
                isEnding = true
            case .commandFinished(let name, let status):
                // A client that waits for a long command is not idle.
                heardAt = .now()
                server.metrics.finished(name, status, after: .now - commandBegan)
            }
        }
        try await flush()
    }

    /// Sends what is gathered, and waits until the socket has taken it.
    mutating func flush() async throws {
        guard output.readableBytes > 0 else { return }
        server.metrics.sentBytes.increment(by: UInt64(output.readableBytes))
        let bytes = output
        output = ByteBuffer()
        var limit = TimeAmount.seconds(server.configuration.limits.writeSeconds)
        // What is sent to somebody unknown, the greeting behind a handshake above all, ends with the time for the login.
        if case (.login, let time)? = deadline { limit = min(limit, max(.milliseconds(1), time - .now())) }
        try await channel.write(bytes, limit: limit)
    }

    /// Gives the machine what the open mailbox has to say.
    private mutating func deliverEvents() {
        guard let open else { return }
        let notices = open.mailbox.takeNotices()
        if case .overrun? = notices.last {
            machine.shutdown(reason: "More has happened in the mailbox than can be told; connect again")
            return
        }
        let events = notices.compactMap { event(for: $0) }
        if !events.isEmpty { machine.notify(events, of: open.handle) }
    }

    /// The time-out that applies now, and when it ends.
    private var deadline: (kind: SessionDeadline, time: NIODeadline)? {
        guard let kind = machine.deadline else { return nil }
        let limit = TimeAmount(server.configuration.session.limits.timeout(for: kind))
        return (kind, (kind == .login ? connectedAt : heardAt) + limit)
    }

    private func setDeadline() {
        if let deadline { channel.setDeadline(deadline.time) }
    }

    mutating func makeHandle() -> MailboxHandle {
        defer { nextHandle += 1 }
        return MailboxHandle(nextHandle)
    }
}
