// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Synchronization

/// The sessions of browsers: random numbers that stand for a token.
final class SessionTable: Sendable {
    /// How long a session lasts.
    static let lifetime: Duration = .seconds(12 * 3_600)
    /// How many there may be; the oldest goes when there are more.
    static let maximumSessions = 4_096

    private struct Session {
        let token: TokenTable.Digest
        let end: ContinuousClock.Instant
    }

    private let sessions = Mutex<[TokenTable.Digest: Session]>([:])

    /// Begins a session.
    ///
    /// - Parameters:
    ///   - token: the token that it stands for.
    ///   - now: the time.
    /// - Returns: what the browser shows from now on.
    func begin(_ token: TokenTable.Digest, now: ContinuousClock.Instant = .now) -> String {
        var generator = SystemRandomNumberGenerator()
        let words = (0..<4).map { _ in generator.next() }
        let secret = words.map { word in
            let digits = String(word, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
        sessions.withLock { sessions in
            sessions = sessions.filter { $0.value.end > now }
            if sessions.count >= Self.maximumSessions, let oldest = sessions.min(by: { $0.value.end < $1.value.end }) {
                sessions[oldest.key] = nil
            }
            sessions[TokenTable.Digest(of: secret)] = Session(token: token, end: now + Self.lifetime)
        }
        return secret
    }

    /// The token that a session stands for; nothing when it is over.
    func token(for secret: String, now: ContinuousClock.Instant = .now) -> TokenTable.Digest? {
        let digest = TokenTable.Digest(of: secret)
        return sessions.withLock { sessions in
            guard let session = sessions[digest] else { return nil }
            if session.end <= now {
                sessions[digest] = nil
                return nil
            }
            return session.token
        }
    }

    /// Ends a session.
    func end(_ secret: String) {
        let digest = TokenTable.Digest(of: secret)
        sessions.withLock { $0[digest] = nil }
    }
}
