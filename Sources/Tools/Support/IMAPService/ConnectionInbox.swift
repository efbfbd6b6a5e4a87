// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import NIOCore
internal import Synchronization

/// What wakes a connection's task.
package enum ConnectionInput: Sendable {
    /// Bytes from the client.
    case bytes(ByteBuffer)
    /// The mailbox's subscription, or whoever else has a say, has something to say.
    case mailboxEvents
    /// The deadline that was set has passed.
    case deadline
    /// The server ends.
    case shutdown
    /// The client is gone; nothing follows.
    case closed
}

/// Where the event loop, the mail store and the server leave word for a connection's task: one slot each, so it is bounded whatever happens.
///
/// Bytes are read from the socket only when the task asks for them, which is the backpressure towards the client.
package final class ConnectionInbox: Sendable {
    private struct State {
        var bytes: ByteBuffer?
        var hasEvents = false
        var isPastDeadline = false
        var isShuttingDown = false
        var isClosed = false
        var isReading = false
        var waiter: CheckedContinuation<Void, Never>?
        var demand: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())

    /// Sets what asks the socket for more bytes.
    func setDemand(_ demand: @escaping @Sendable () -> Void) { state.withLock { $0.demand = demand } }

    /// Bytes have come; called on the event loop.
    func deliver(_ bytes: ByteBuffer) {
        wake { state in
            if state.bytes == nil {
                state.bytes = bytes
            } else {
                var bytes = bytes
                state.bytes?.writeBuffer(&bytes)
            }
        }
    }

    /// One reading of the socket is over, with or without bytes; called on the event loop.
    func readingCompleted() { wake { $0.isReading = false } }

    /// The subscription has something to say; called on any thread.
    package func signalEvents() { wake { $0.hasEvents = true } }

    /// The deadline has passed; called on the event loop.
    func signalDeadline() { wake { $0.isPastDeadline = true } }

    /// The server ends; called on any thread.
    package func signalShutdown() { wake { $0.isShuttingDown = true } }

    /// Whether the server ends.
    package var isShuttingDown: Bool { state.withLock { $0.isShuttingDown } }

    /// The channel is closed; called on the event loop.
    func signalClosed() { wake { $0.isClosed = true } }

    /// Forgets the bytes that have come and nobody took: what followed STARTTLS in plain text.
    func discardBytes() { state.withLock { $0.bytes = nil } }

    /// Waits for the next thing to do.
    ///
    /// - Parameters:
    ///   - wantsBytes: whether bytes are wanted; when not, none are read from the socket.
    ///   - wantsShutdown: whether a shutdown is still news.
    /// - Returns: the most urgent input.
    package func next(wantsBytes: Bool, wantsShutdown: Bool) async -> ConnectionInput {
        while true {
            let (input, demand) = state.withLock {
                take(from: &$0, wantsBytes: wantsBytes, wantsShutdown: wantsShutdown)
            }
            if let input { return input }
            demand?()
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                let isReady = state.withLock { state in
                    if ready(state, wantsBytes: wantsBytes, wantsShutdown: wantsShutdown) { return true }
                    state.waiter = continuation
                    return false
                }
                if isReady { continuation.resume() }
            }
        }
    }

    private func take(
        from state: inout State, wantsBytes: Bool, wantsShutdown: Bool
    ) -> (ConnectionInput?, (@Sendable () -> Void)?) {
        if wantsShutdown, state.isShuttingDown { return (.shutdown, nil) }
        if state.hasEvents {
            state.hasEvents = false
            return (.mailboxEvents, nil)
        }
        if wantsBytes, let bytes = state.bytes {
            state.bytes = nil
            return (.bytes(bytes), nil)
        }
        if state.isClosed { return (.closed, nil) }
        if state.isPastDeadline {
            state.isPastDeadline = false
            return (.deadline, nil)
        }
        guard wantsBytes, !state.isReading else { return (nil, nil) }
        state.isReading = true
        return (nil, state.demand)
    }

    private func ready(_ state: State, wantsBytes: Bool, wantsShutdown: Bool) -> Bool {
        state.hasEvents || state.isClosed || state.isPastDeadline || (wantsBytes && state.bytes != nil)
            || (wantsBytes && !state.isReading) || (wantsShutdown && state.isShuttingDown)
    }

    private func wake(_ change: (inout State) -> Void) {
        let waiter = state.withLock { state in
            change(&state)
            return state.waiter.take()
        }
        waiter?.resume()
    }
}
