// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// STARTTLS, LOGIN, AUTHENTICATE, LOGOUT.
extension SessionMachine {
    /// STARTTLS (RFC 3501 section 6.2.1).
    mutating func startTLS(_ command: CommandInProgress) {
        guard configuration.offersStartTLS, !isTLSActive else {
            reject(command, isTLSActive ? "TLS is active already." : "STARTTLS is not offered.")
            return
        }
        succeed(command)
        // A BYE may have been due by now.
        guard case .ready = progress else { return }
        // What came in the clear behind STARTTLS was not protected by it and may be somebody else's.
        _ = framer.discardBufferedInput()
        progress = .startingTLS
        outbox.append(.startTLS)
    }

    /// LOGIN (RFC 3501 section 6.2.3).
    mutating func logIn(_ command: CommandInProgress, user: [UInt8], password: Secret) {
        guard allowsLogin else {
            refuseInsecure(command)
            return
        }
        request(.authenticate(user: user, password: password), command, .authenticate)
    }

    /// AUTHENTICATE (RFC 3501 section 6.2.2, RFC 4959).
    mutating func authenticate(_ command: CommandInProgress, _ mechanism: String, _ initialResponse: Secret?) {
        guard mechanism == "PLAIN" else {
            refuse(command, Refusal(code: .cannot, text: "The only authentication mechanism is PLAIN"))
            return
        }
        guard allowsLogin else {
            refuseInsecure(command)
            return
        }
        if let initialResponse {
            checkPlain(command, initialResponse)
        } else {
            progress = .authenticating(command)
            framer.expect(.authentication)
            send(.challenge([]))
        }
    }

    /// The client's answer to the empty challenge of PLAIN.
    mutating func takeAuthenticationResponse(_ response: Secret) {
        guard case .authenticating(let command) = progress else { return }
        checkPlain(command, response)
    }

    /// `*` gives up AUTHENTICATE, which is answered with BAD (RFC 3501 section 6.2.2).
    mutating func cancelAuthentication() {
        guard case .authenticating(let command) = progress else { return }
        reject(command, "AUTHENTICATE was cancelled.")
    }

    /// LOGOUT (RFC 3501 section 6.1.3).
    mutating func logOut(_ command: CommandInProgress) {
        leaveMailbox()
        send(.untagged(StatusCondition(.bye, text: "Logging out")))
        succeed(command)
        end()
    }

    /// The store has checked the credentials.
    mutating func finishAuthentication(_ command: CommandInProgress, _ reply: SessionReply) {
        switch reply {
        case .authenticated:
            stage = .authenticated
            framer.updateLimits(configuration.limits.afterAuthentication)
            finish(command, StatusCondition(.ok, code: .capability(capabilities), text: "Logged in"))
            handOver()
        case .authenticationFailed:
            failedLogins += 1
            if failedLogins >= configuration.limits.failedLogins { ending = ending ?? "Too many failed logins" }
            refuse(command, Refusal(code: .authenticationFailed, text: "User or password is wrong"))
        case .authenticationUnavailable(let text):
            refuse(command, Refusal(code: .unavailable, text: text))
        default: failForUnexpectedReply(command)
        }
    }

    private mutating func refuseInsecure(_ command: CommandInProgress) {
        refuse(command, Refusal(code: .privacyRequired, text: "Credentials are only taken over TLS"))
    }

    /// Takes the parts out of the one message of PLAIN.
    ///
    ///     message = [authzid] UTF8NUL authcid UTF8NUL passwd          ; RFC 4616 section 2
    private mutating func checkPlain(_ command: CommandInProgress, _ response: Secret) {
        let parts = response.bytes.split(separator: 0, omittingEmptySubsequences: false)
        guard parts.count == 3, !parts[1].isEmpty else {
            reject(command, "The response is not of the mechanism PLAIN.")
            return
        }
        guard parts[0].isEmpty || parts[0] == parts[1] else {
            refuse(command, Refusal(code: .authorizationFailed, text: "Nobody can act as somebody else here"))
            return
        }
        request(
            .authenticate(user: Array(parts[1]), password: Secret(Array(parts[2]))), command, .authenticate)
    }
}
