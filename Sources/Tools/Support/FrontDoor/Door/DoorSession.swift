// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import IMAPCore
internal import IMAPService
internal import Logging
internal import NIOCore
internal import NodeSupport

/// A client that has logged in and its node: the shell around one ``SpliceMachine``.
///
/// One task runs it. It writes to either side without waiting and reads from a side only while the other takes more, so
/// neither direction can stop the other, and nothing piles up.
struct DoorSession: ~Copyable {
    private let client: ConnectionChannel
    private let dialler: FrontDialler
    private let metrics: DistributorMetrics
    private let limits: IMAPServerLimits
    private let preamble: FrontPreamble
    private let candidates: [FrontCandidate]
    private let logger: Logger
    private var link: FrontLink
    private var machine: SpliceMachine
    private var knowsShutdown = false
    private var isClosing = false
    /// Since when the client has not taken what is sent to it.
    private var stalledSince: NIODeadline?
    private var commandBegan = ContinuousClock.now

    init(
        _ session: DoorDesk.Session, client: ConnectionChannel, dialler: FrontDialler, limits: IMAPServerLimits,
        splice: SpliceLimits, logger: Logger
    ) {
        self.client = client
        self.dialler = dialler
        metrics = dialler.metrics
        self.limits = limits
        preamble = session.preamble
        candidates = session.candidates
        link = session.opened.link
        machine = SpliceMachine(limits: splice)
        var logger = logger
        logger[metadataKey: "user"] = "\(session.preamble.user)"
        self.logger = logger
    }

    /// Serves the client to its end.
    ///
    /// - Parameter first: what came behind the login.
    mutating func run(_ first: [UInt8]) async {
        adopt(link)
        machine.receiveFromClient(first.span)
        await performDirectives()
        while !isClosing {
            if await takeFromNode() { continue }
            watchForStall()
            let input = await client.inbox.next(
                wantsBytes: machine.wantsClientInput && link.isWritable, wantsShutdown: !knowsShutdown)
            switch input {
            case .bytes(let bytes):
                metrics.received(bytes.readableBytes)
                commandBegan = .now
                machine.receiveFromClient(bytes.readableBytesUInt8Span)
            case .mailboxEvents: break
            case .deadline: endStall()
            case .shutdown:
                knowsShutdown = true
                machine.shutdown(reason: "The server is shutting down")
            case .closed: isClosing = true
            }
            await performDirectives()
        }
        dialler.monitor.leave(link)
        link.abort()
    }

    private func adopt(_ link: FrontLink) {
        let inbox = client.inbox
        link.inbox.setWake { inbox.signalEvents() }
        dialler.monitor.enter(link)
    }

    /// Takes one frame from the node, while the client takes what comes.
    ///
    /// - Returns: whether there was something to do.
    private mutating func takeFromNode() async -> Bool {
        guard client.channel.isWritable else { return false }
        switch link.inbox.take({ [link] in link.channel.read() }) {
        case .nothing: return false
        case .frame(let frame): take(frame)
        case .ended(let fault):
            logger.notice(
                "node was lost", metadata: ["peer": "\(link.node.name)", "reason": "\(fault)"])
            machine.linkLost(isReleased: false)
        }
        await performDirectives()
        return true
    }

    private mutating func take(_ frame: FrontFrame) {
        switch frame {
        case .data(let bytes): machine.receiveFromServer(bytes.readableBytesUInt8Span)
        case .change(let update, let bytes):
            machine.receiveFromServer(changing: update, bytes.readableBytesUInt8Span)
        case .release:
            logger.info("node gives the session up", metadata: ["peer": "\(link.node.name)"])
            machine.linkLost(isReleased: true)
        case .end: machine.serverEnded()
        case .open, .ready, .refused, .ping, .pong:
            logger.error("node sent a frame out of place", metadata: ["peer": "\(link.node.name)"])
            machine.linkLost(isReleased: false)
        }
    }

    private mutating func performDirectives() async {
        while let directive = machine.nextDirective() {
            switch directive {
            case .sendToClient(let bytes):
                metrics.sent(bytes.count)
                client.channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
            case .sendToServer(let bytes): link.send(.data(ByteBuffer(bytes: bytes)))
            case .commandFinished(let name, let status): metrics.finished(name, status, after: .now - commandBegan)
            case .reconnect(let ticket): await reconnect(ticket)
            case .close(let reason):
                isClosing = true
                logger.info("session ended", metadata: ["reason": "\(reason)"])
            }
        }
    }

    /// Finds another node, or the same one again, for as long as there is hope.
    private mutating func reconnect(_ ticket: [UInt8]) async {
        dialler.monitor.leave(link)
        link.abort()
        var preamble = preamble
        preamble.ticket = ticket
        let end = ContinuousClock.now.advanced(by: dialler.times.carryOver)
        var wait = Duration.milliseconds(50)
        while !Task.isCancelled {
            do throws(FrontFault) {
                let opened = try await dialler.open(preamble, candidates, on: client.channel.eventLoop)
                link = opened.link
                adopt(link)
                metrics.failOvers.with("carried").increment()
                logger.notice("session carried over", metadata: ["peer": "\(link.node.name)"])
                machine.linkRestored()
                return
            } catch {
                logger.warning("session could not be carried over", metadata: ["reason": "\(error)"])
                guard ContinuousClock.now < end, !client.inbox.isShuttingDown else { break }
                // Cancelled when the client is gone: then the loop ends.
                try? await Task.sleep(for: wait)
                wait = min(wait * 2, .seconds(1))
            }
        }
        metrics.failOvers.with("lost").increment()
        machine.giveUp("no node took the session over")
    }

    // MARK: Clients that do not read

    private mutating func watchForStall() {
        guard !client.channel.isWritable else {
            stalledSince = nil
            return
        }
        guard stalledSince == nil else { return }
        stalledSince = .now()
        client.setDeadline(.now() + .seconds(limits.writeSeconds))
    }

    private mutating func endStall() {
        guard let stalledSince, .now() >= stalledSince + .seconds(limits.writeSeconds) else { return }
        logger.notice("client does not take what is sent to it")
        isClosing = true
        client.abort()
    }
}
