// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import HTTPTypes
internal import Hummingbird
internal import Logging
internal import MirrorConfig
internal import MirrorWire

/// Browsers' sessions.
extension ManagerService {
    func logIn(_ inquiry: Inquiry) throws -> Response {
        let token = try JSONFields(JSONParser.parse(inquiry.body)).string("token")
        let digest = TokenTable.Digest(of: token)
        guard let principal = access.principal(for: digest) else {
            audit("refused a session", inquiry)
            return .error(.unauthorized, "the token is not known")
        }
        let secret = access.sessions.begin(digest)
        let seconds = SessionTable.lifetime.components.seconds
        var response = Response.json(SessionAnswer(principal, access).json)
        response.headers[.setCookie] = cookie(secret, lifetimeSeconds: seconds)
        logger.notice(
            "audit: began a session", metadata: ["who": "\(principal.name)", "from": "\(inquiry.remote)"])
        return response
    }

    func logOut(_ inquiry: Inquiry) -> Response {
        if let secret = AccessControl.cookie(inquiry.headers) { access.sessions.end(secret) }
        var response = Response.message("the session is over")
        response.headers[.setCookie] = cookie("", lifetimeSeconds: 0)
        return response
    }

    func whoAmI(_ inquiry: Inquiry) -> Response { .json(SessionAnswer(inquiry.principal, access).json) }

    private func cookie(_ secret: String, lifetimeSeconds: Int64) -> String {
        let secure = isSecure ? "; Secure" : ""
        return
            "\(AccessControl.cookieName)=\(secret); Path=/; Max-Age=\(lifetimeSeconds); HttpOnly; SameSite=Strict\(secure)"
    }
}

/// Who somebody is to the manager.
private struct SessionAnswer {
    let principal: Principal
    let isReadingOpen: Bool

    init(_ principal: Principal, _ access: AccessControl) {
        self.principal = principal
        isReadingOpen = access.isReadingOpen
    }

    var json: [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            writer.name("name")
            writer.string(principal.name)
            writer.name("role")
            writer.string(principal.role?.rawValue ?? "")
            writer.name("scope")
            writer.array { writer in for name in principal.scope { writer.string(name) } }
            writer.name("reading_open")
            writer.bool(isReadingOpen)
        }
        return writer.finish()
    }
}
