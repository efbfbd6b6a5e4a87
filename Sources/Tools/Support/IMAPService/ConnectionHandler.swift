// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import NIOCore
internal import NIOSSL

/// The event loop's half of a connection: passes what comes to the inbox, and keeps the time.
///
/// Confined to its event loop; the connection's task talks to it through ``ConnectionChannel``.
final class ConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let inbox: ConnectionInbox
    private var deadline: NIODeadline?
    private var alarm: (time: NIODeadline, task: Scheduled<Void>)?
    private var context: ChannelHandlerContext?

    init(inbox: ConnectionInbox) { self.inbox = inbox }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        cancelAlarm()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { inbox.deliver(unwrapInboundIn(data)) }

    func channelReadComplete(context: ChannelHandlerContext) {
        inbox.readingCompleted()
        context.fireChannelReadComplete()
    }

    func channelInactive(context: ChannelHandlerContext) {
        cancelAlarm()
        inbox.signalClosed()
        context.fireChannelInactive()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        // A task that waits for the socket to take more looks again.
        inbox.signalEvents()
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A broken transport or TLS record stream has one end: the connection's task sees it closed and cleans up.
        context.close(promise: nil)
    }

    /// Moves the deadline; an alarm that rings early looks at it and waits on, so that a busy connection costs no timers.
    func setDeadline(_ deadline: NIODeadline) {
        self.deadline = deadline
        guard let context else { return }
        if let alarm, alarm.time <= deadline { return }
        cancelAlarm()
        schedule(deadline, context)
    }

    private func schedule(_ time: NIODeadline, _ context: ChannelHandlerContext) {
        let task = context.eventLoop.assumeIsolated().scheduleTask(deadline: time) { self.ring() }
        alarm = (time, task)
    }

    private func cancelAlarm() {
        alarm?.task.cancel()
        alarm = nil
    }

    private func ring() {
        alarm = nil
        guard let deadline, let context else { return }
        if deadline <= NIODeadline.now() {
            self.deadline = nil
            inbox.signalDeadline()
        } else {
            schedule(deadline, context)
        }
    }
}
