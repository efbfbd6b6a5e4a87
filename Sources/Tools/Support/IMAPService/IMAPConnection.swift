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
package struct IMAPConnection: ~Copyable {
    let services: SessionServices
    let desk: any LoginDesk
    let channel: ConnectionChannel
    let client: String
    var machine: SessionMachine
    var logger: Logger
    var output: SessionOutput
    var account: MailAccount?
    /// Whether the account has its mailboxes; else the first request makes them.
    var isProvisioned = true
    var open: (handle: MailboxHandle, mailbox: OpenMailbox)?
    var upload: MessageUpload?
    /// The header of what is being uploaded.
    var uploadHeader: HeaderCollector?
    private var nextHandle: UInt64 = 1
    private var commandBegan = ContinuousClock.now
    private let connectedAt = NIODeadline.now()
    private var heardAt = NIODeadline.now()
    /// When the channel will report a deadline; it may have moved on by then.
    private var alarm: NIODeadline?
    private var isEnding = false
    private var knowsShutdown = false
    /// What came behind a login that was handed over.
    private var handedOver: [UInt8]?

    /// Makes the shell of a connection that was just accepted.
    ///
    /// - Parameters:
    ///   - services: what the connections of the server share.
    ///   - desk: who lets the user in.
    ///   - channel: the connection.
    ///   - client: the client's address.
    ///   - isTLS: whether it is protected from its first byte.
    ///   - number: names the connection in the log.
    package init(
        services: SessionServices, desk: any LoginDesk, channel: ConnectionChannel, client: String, isTLS: Bool,
        number: UInt64
    ) {
        self.services = services
        self.desk = desk
        self.channel = channel
        self.client = client
        output = SessionOutput(framing: nil)
        machine = SessionMachine(configuration: services.session, isTLSActive: isTLS)
        logger = services.logger
        logger[metadataKey: "connection"] = "\(number)"
        logger[metadataKey: "client"] = "\(client)"
    }

    /// Serves the connection to its end; whatever ends it, nothing stays open in the store.
    ///
    /// - Returns: what the client sent behind its login, when the login was handed over and the connection goes on; else nil.
    @discardableResult
    package mutating func run() async -> [UInt8]? {
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
        return handedOver
    }

    /// Lets go of what the session holds, instead of running it.
    package mutating func abandon() async { await release() }

    private mutating func release() async {
        if let upload { await upload.abort() }
        upload = nil
        if let open { open.mailbox.close() }
        open = nil
    }

    private mutating func handle(_ input: ConnectionInput) async throws {
        switch input {
        case .bytes(let bytes):
            services.meter.received(bytes.readableBytes)
            commandBegan = .now
            heardAt = .now()
            machine.receive(bytes.readableBytesUInt8Span)
        case .mailboxEvents:
            deliverEvents()
        case .deadline:
            // The alarm may have rung for a deadline that has moved since.
            alarm = nil
            if let (kind, time) = deadline, time <= .now() { machine.timedOut(kind) }
        case .shutdown:
            knowsShutdown = true
            // Whoever holds the client finds another server; a client of our own has to be told.
            if output.isFramed { machine.release() } else { machine.shutdown(reason: "The server is shutting down") }
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
                if output.readableBytes >= services.limits.outputBytes { try await flush() }
            case .sendChange(let bytes, let update):
                output.writeChange(update, bytes)
                if output.readableBytes >= services.limits.outputBytes { try await flush() }
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
                guard let context = services.tls else { throw MailStoreError(.closed, "TLS is not set up") }
                try await channel.startTLS(context, after: output.take())
                machine.tlsEstablished()
            case .close:
                isEnding = true
                output.writeEnd(.closed)
            case .release:
                isEnding = true
                output.writeEnd(.released)
            case .handOver(let rest):
                isEnding = true
                handedOver = rest
            case .commandFinished(let name, let status):
                // A client that waits for a long command is not idle.
                heardAt = .now()
                services.meter.finished(name, status, after: .now - commandBegan)
            }
        }
        try await flush()
    }

    /// Sends what is gathered, and waits until the socket has taken it.
    mutating func flush() async throws {
        guard output.readableBytes > 0 else { return }
        let bytes = output.take()
        services.meter.sent(bytes.readableBytes)
        var limit = TimeAmount.seconds(services.limits.writeSeconds)
        // What is sent to somebody unknown, the greeting behind a handshake above all, ends with the time for the login.
        if case (.login, let time)? = deadline { limit = min(limit, max(.milliseconds(1), time - .now())) }
        try await channel.write(bytes, limit: limit)
    }

    /// Gives the machine what the open mailbox has to say.
    private mutating func deliverEvents() {
        guard let open else { return }
        let notices = open.mailbox.takeNotices()
        if case .overrun? = notices.last {
            // Resuming from the ticket tells the difference in one step.
            if output.isFramed {
                machine.release()
            } else {
                machine.shutdown(reason: "More has happened in the mailbox than can be told; connect again")
            }
            return
        }
        let events = events(for: notices)
        if !events.isEmpty { machine.notify(events, of: open.handle) }
    }

    /// The time-out that applies now, and when it ends.
    private var deadline: (kind: SessionDeadline, time: NIODeadline)? {
        guard let kind = machine.deadline else { return nil }
        let limit = TimeAmount(services.session.limits.timeout(for: kind))
        return (kind, (kind == .login ? connectedAt : heardAt) + limit)
    }

    /// Sees to it that the channel reports the deadline; one that only moves away costs nothing before the alarm rings.
    private mutating func setDeadline() {
        guard let time = deadline?.time, alarm.map({ time < $0 }) ?? true else { return }
        alarm = time
        channel.setDeadline(time)
    }

    mutating func makeHandle() -> MailboxHandle {
        defer { nextHandle += 1 }
        return MailboxHandle(nextHandle)
    }
}
