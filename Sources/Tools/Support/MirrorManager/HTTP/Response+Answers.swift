// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import HTTPTypes
internal import Hummingbird
internal import MirrorWire
internal import NIOCore

extension Response {
    /// A JSON document.
    static func json(_ bytes: [UInt8], status: HTTPResponse.Status = .ok) -> Response {
        json(ByteBuffer(bytes: bytes), status: status)
    }

    /// A JSON document.
    static func json(_ buffer: ByteBuffer, status: HTTPResponse.Status = .ok) -> Response {
        Response(
            status: status, headers: [.contentType: MirrorWire.jsonType], body: ResponseBody(byteBuffer: buffer))
    }

    /// `{"message":…}`.
    static func message(_ text: String) -> Response { .json(MessageAnswer(text).json) }

    /// `{"error":…}`.
    static func error(_ status: HTTPResponse.Status, _ text: String, isFenced: Bool = false) -> Response {
        .json(ErrorAnswer(text, isFenced: isFenced).json, status: status)
    }

    /// Plain text.
    static func text(
        _ status: HTTPResponse.Status, _ text: String, type: String = "text/plain; charset=utf-8"
    ) -> Response {
        Response(
            status: status, headers: [.contentType: type], body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }

    /// What tunasync's manager says of paths that it does not know.
    static var notFoundPage: Response { .text(.notFound, "404 page not found", type: "text/plain") }

    /// Sends a client to the same path without the slash at its end, as tunasync's manager does.
    static func redirect(to path: String, query: String, isRead: Bool) -> Response {
        let target = query.isEmpty ? path : "\(path)?\(query)"
        guard isRead else { return Response(status: .temporaryRedirect, headers: [.location: target]) }
        var response = Response.text(
            .movedPermanently, "<a href=\"\(escaped(target))\">Moved Permanently</a>.\n\n",
            type: "text/html; charset=utf-8")
        response.headers[.location] = target
        return response
    }

    /// The answer to a refusal.
    static func refusal(_ refusal: Refusal) -> Response {
        switch refusal {
        case .invalid(let message): .error(.badRequest, message)
        case .unknown(let message): .error(.notFound, message)
        case .fenced(let message): .error(.conflict, message, isFenced: true)
        case .full(let message): .error(.insufficientStorage, message)
        }
    }

    private static func escaped(_ text: String) -> String {
        text.reduce(into: "") { result, character in
            switch character {
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "&": result += "&amp;"
            case "\"": result += "&#34;"
            case "'": result += "&#39;"
            default: result.append(character)
            }
        }
    }
}

extension HTTPResponse.Status {
    /// 507: there is no room for what was sent.
    static var insufficientStorage: HTTPResponse.Status { .init(code: 507, reasonPhrase: "Insufficient Storage") }
}
