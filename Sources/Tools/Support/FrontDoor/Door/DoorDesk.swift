// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import IMAPCore
internal import IMAPService
internal import Logging
internal import NIOCore
internal import NIOSSL
internal import NodeSupport
internal import Synchronization

/// Lets the user of one connection in: checks the password, then opens the session at the user's node.
///
/// The client is told that it has logged in only when there is a node for it.
final class DoorDesk: LoginDesk {
    /// Who has logged in, and where.
    struct Session: Sendable {
        let preamble: FrontPreamble
        let candidates: [FrontCandidate]
        let opened: FrontDialler.Opened
    }

    private let gate: LoginGate
    private let placement: UserPlacement
    private let dialler: FrontDialler
    private let channel: any Channel
    private let logger: Logger
    private let state = Mutex<Session?>(nil)

    init(gate: LoginGate, placement: UserPlacement, dialler: FrontDialler, channel: any Channel, logger: Logger) {
        self.gate = gate
        self.placement = placement
        self.dialler = dialler
        self.channel = channel
        self.logger = logger
    }

    /// Takes the session that a login has opened.
    func take() -> Session? { state.withLock { $0.take() } }

    func logIn(user: [UInt8], password: Secret, client: String) async throws -> LoginResult {
        let known: AuthenticatedUser
        switch try await gate.authenticate(user: user, password: password, client: client) {
        case .accepted(let user): known = user
        case .rejected: return .rejected
        case .unavailable(let reason): return .unavailable(reason)
        }
        let candidates = placement.candidates(for: known.id)
        guard !candidates.isEmpty else {
            logger.error("no node serves the user", metadata: ["user": "\(known.name)", "id": "\(known.id)"])
            return .unavailable("No server is set up for this user; the administrator has been told")
        }
        let preamble = FrontPreamble(
            user: known.name.value, userID: known.id.rawValue, group: "", client: client,
            protection: await protection())
        do throws(FrontFault) {
            let opened = try await dialler.open(preamble, candidates, on: channel.eventLoop)
            state.withLock { $0 = Session(preamble: preamble, candidates: candidates, opened: opened) }
            return .accepted(known.name, nil)
        } catch {
            logger.error("no node takes the user", metadata: ["user": "\(known.name)", "reason": "\(error)"])
            return .unavailable("Your mail cannot be reached at the moment; please try again later")
        }
    }

    private func protection() async -> String {
        // A connection without TLS has no version, and neither has one that has just ended.
        guard let version = try? await channel.nioSSL_tlsVersion().get() else { return "" }
        return switch version {
        case .tlsv1: "TLSv1"
        case .tlsv11: "TLSv1.1"
        case .tlsv12: "TLSv1.2"
        case .tlsv13: "TLSv1.3"
        }
    }
}
