// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import NIOCore
internal import NIOSSL
internal import Synchronization

/// An attempt to connect that can be given up at any moment: while the connection is made, during the handshake, or after it.
///
/// A host with several addresses is tried with a channel for each, of which one remains (RFC 8305).
final class FrontAttempt: Sendable {
    /// A channel, and what its handler does.
    struct Candidate {
        let channel: any Channel
        let inbox: FrontInbox
        /// Completes when the handshake has.
        let handshake: EventLoopFuture<Void>
    }

    private struct State {
        var candidates: [Candidate] = []
        var isGivenUp = false
    }

    private let state = Mutex(State())

    /// The attempt uses a channel from now on.
    ///
    /// - Parameter candidate: a channel that is about to connect.
    /// - Throws: ``FrontFault`` when the attempt was given up before.
    func use(_ candidate: Candidate) throws(FrontFault) {
        let isGivenUp = state.withLock { state in
            state.candidates.append(candidate)
            return state.isGivenUp
        }
        if isGivenUp { throw FrontFault(code: .timeout, reason: "the attempt was given up") }
    }

    /// What belongs to a channel that the attempt uses.
    func candidate(_ channel: any Channel) -> Candidate? {
        state.withLock { $0.candidates.first { $0.channel === channel } }
    }

    /// Whether the attempt was given up.
    var isGivenUp: Bool { state.withLock { $0.isGivenUp } }

    /// Gives the attempt up; called on any thread, any number of times.
    func giveUp() {
        let candidates = state.withLock { state in
            state.isGivenUp = true
            return state.candidates
        }
        for candidate in candidates {
            candidate.channel.eventLoop.execute { Self.abort(candidate.channel) }
        }
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
