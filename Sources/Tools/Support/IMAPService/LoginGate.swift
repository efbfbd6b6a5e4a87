// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import IMAPCore
package import NodeSupport
internal import Synchronization

/// Checks credentials, with a delay that grows with the failures of an address and of a name.
package final class LoginGate: Sendable {
    private let authenticator: any Authenticator
    private let throttle: Mutex<LoginThrottle>

    /// Puts a gate in front of a directory of users.
    ///
    /// - Parameters:
    ///   - authenticator: who knows the users.
    ///   - delays: how the delay after failed logins grows.
    package init(authenticator: any Authenticator, delays: LoginThrottle.Limits = LoginThrottle.Limits()) {
        self.authenticator = authenticator
        throttle = Mutex(LoginThrottle(limits: delays))
    }

    /// Checks a name and a password.
    ///
    /// - Parameters:
    ///   - user: the name as the client sent it.
    ///   - password: the password.
    ///   - client: the client's address.
    /// - Returns: the outcome, after the delay that earlier failures have earned.
    /// - Throws: `CancellationError` when the task is cancelled meanwhile.
    package func authenticate(user: [UInt8], password: Secret, client: String) async throws -> AuthenticationOutcome {
        guard let name = String(validating: user, as: UTF8.self) else { return .rejected }
        let delay = throttle.withLock { $0.delay(client: client, user: name, now: .now) }
        if delay > .zero { try await Task.sleep(for: delay) }
        let outcome = await authenticator.authenticate(user: name, password: password.bytes, client: client)
        throttle.withLock { throttle in
            switch outcome {
            case .accepted: throttle.recordSuccess(client: client, user: name, now: .now)
            case .rejected: throttle.recordFailure(client: client, user: name, now: .now)
            case .unavailable: break
            }
        }
        return outcome
    }
}
