// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import HTTPTypes
internal import MirrorConfig
internal import Synchronization

/// Decides who may ask for what.
final class AccessControl: Sendable {
    /// The decision about a request.
    enum Decision: Sendable {
        case admitted(Principal)
        case refused(HTTPResponse.Status, String)
    }

    /// What a route asks of who uses it.
    private enum Requirement {
        case nothing
        case reading
        case role(TokenSettings.Role)
        case worker(String)
    }

    private struct Rules {
        var tokens: TokenTable
        var allowsLegacy: Bool
        var isReadingOpen: Bool
    }

    /// The name of the cookie of browsers' sessions.
    static let cookieName = "kuiper_mirror"

    let sessions = SessionTable()
    private let rules: Mutex<Rules>

    init(_ settings: ManagerSettings) { rules = Mutex(Self.rules(settings)) }

    /// Takes over changed settings; sessions of tokens that are gone are of no use from now on.
    func update(_ settings: ManagerSettings) { rules.withLock { $0 = Self.rules(settings) } }

    /// Whether peers without tokens may do what tunasync's API offers.
    var allowsLegacy: Bool { rules.withLock(\.allowsLegacy) }

    /// Whether anybody may read.
    var isReadingOpen: Bool { rules.withLock(\.isReadingOpen) }

    /// Who has a token; nothing when nobody has it.
    func principal(for digest: TokenTable.Digest) -> Principal? {
        rules.withLock(\.tokens).principal(for: digest)
    }

    /// Decides about a request.
    func admit(_ request: HTTPRequest, _ route: Route) -> Decision {
        let rules = rules.withLock { $0 }
        let headers = request.headerFields
        if request.method != .get, request.method != .head, let reason = Self.foreignOrigin(request) {
            return .refused(.forbidden, reason)
        }
        let principal: Principal
        if let text = headers[.authorization] {
            guard let secret = Self.bearer(text),
                let known = rules.tokens.principal(for: TokenTable.Digest(of: secret))
            else { return .refused(.unauthorized, "the token is not known") }
            principal = known
        } else if let secret = Self.cookie(headers), let token = sessions.token(for: secret),
            let known = rules.tokens.principal(for: token)
        {
            principal = known
        } else {
            principal = .anonymous(rules.allowsLegacy ? .admin : nil)
        }
        return decide(principal, Self.requirement(of: route), rules)
    }

    private func decide(_ principal: Principal, _ requirement: Requirement, _ rules: Rules) -> Decision {
        let isAllowed: Bool
        switch requirement {
        case .nothing: isAllowed = true
        case .reading: isAllowed = rules.isReadingOpen || principal.has(.read)
        case .role(let role): isAllowed = principal.has(role)
        case .worker(let id): isAllowed = principal.has(.worker) && principal.covers(worker: id)
        }
        if isAllowed { return .admitted(principal) }
        guard principal.role != nil else { return .refused(.unauthorized, "a token is needed") }
        return .refused(.forbidden, "the token \(principal.name) does not allow this")
    }

    private static func requirement(of route: Route) -> Requirement {
        switch route {
        case .ping, .health, .page, .logIn, .logOut, .whoAmI: .nothing
        case .jobs, .mirrorRows, .events, .history, .explain, .mirrorZ, .metrics: .reading
        case .workers, .workerRows, .workerJobs, .logs, .log: .role(.read)
        case .trigger: .role(.trigger)
        case .register: .role(.worker)
        case .postStatus(let id), .postSchedules(let id), .workerEvents(let id), .heartbeat(let id): .worker(id)
        case .postSize(let id): .worker(id)
        case .command, .placedCommand: .role(.operate)
        case .flushDisabled, .removeWorker, .forget: .role(.admin)
        }
    }

    private static func rules(_ settings: ManagerSettings) -> Rules {
        Rules(
            tokens: TokenTable(settings.tokens), allowsLegacy: settings.allowsLegacy,
            isReadingOpen: settings.isReadingOpen)
    }

    /// A page of another site that makes a browser post here; programs send neither of these headers.
    private static func foreignOrigin(_ request: HTTPRequest) -> String? {
        let headers = request.headerFields
        if let name = HTTPField.Name("Sec-Fetch-Site"), let site = headers[name], site != "same-origin", site != "none"
        {
            return "requests of other sites are refused"
        }
        guard let origin = headers[.origin], let host = request.authority else { return nil }
        let authority = origin.split(separator: "://", maxSplits: 1).last.map(String.init) ?? origin
        return authority.lowercased() == host.lowercased() ? nil : "requests of other sites are refused"
    }

    private static func bearer(_ text: String) -> String? {
        let parts = text.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        return String(parts[1].drop { $0 == " " })
    }

    /// The session that a browser shows.
    static func cookie(_ headers: HTTPFields) -> String? {
        for field in headers[values: .cookie] {
            for pair in field.split(separator: ";") {
                let parts = pair.drop { $0 == " " }.split(separator: "=", maxSplits: 1)
                if parts.count == 2, parts[0] == cookieName { return String(parts[1]) }
            }
        }
        return nil
    }
}
