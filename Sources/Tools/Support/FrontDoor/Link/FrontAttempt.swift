// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import NIOCore
internal import NIOSSL
internal import Synchronization

/// An attempt to connect that can be given up at any moment: while the connection is made, during the handshake, or after it.
final class FrontAttempt: Sendable {
    private struct State {
        var channel: (any Channel)?
        var isGivenUp = false
    }

    private let state = Mutex(State())

    /// The attempt uses a channel from now on.
    ///
    /// - Parameter channel: a channel that is about to connect.
    /// - Throws: ``FrontFault`` when the attempt was given up before.
    func use(_ channel: any Channel) throws(FrontFault) {
        let isGivenUp = state.withLock { state in
            state.channel = channel
            return state.isGivenUp
        }
        if isGivenUp { throw FrontFault(code: .timeout, reason: "the attempt was given up") }
    }

    /// Whether the attempt was given up.
    var isGivenUp: Bool { state.withLock { $0.isGivenUp } }

    /// Gives the attempt up; called on any thread, any number of times.
    func giveUp() {
        let channel = state.withLock { state in
            state.isGivenUp = true
            return state.channel
        }
        if let channel { channel.eventLoop.execute { Self.abort(channel) } }
    }

    /// Closes a connection to a node without waiting for the other end; on its event loop.
    ///
    /// - Parameter channel: the connection.
    static func abort(_ channel: any Channel) {
        // Beneath TLS, which would wait for the node's goodbye.
        if let tls = try? channel.pipeline.syncOperations.context(handlerType: NIOSSLClientHandler.self) {
            tls.close(promise: nil)
        } else {
            channel.close(promise: nil)
        }
    }
}
