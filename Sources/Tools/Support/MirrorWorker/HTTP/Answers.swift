// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import HTTPTypes
internal import Hummingbird
internal import MirrorWire
internal import NIOCore

/// The worker's answers.
enum Answers {
    /// What tunasync's worker says of every other route.
    static let notFound = bytes(.notFound, "text/plain", Array("404 page not found".utf8))

    /// A request without a token that is known.
    static var unauthorized: Response {
        var response = error(.unauthorized, "a token is needed")
        response.headers[.wwwAuthenticate] = "Bearer"
        return response
    }

    /// A body of bytes.
    static func bytes(_ status: HTTPResponse.Status, _ type: String, _ bytes: [UInt8]) -> Response {
        var headers: HTTPFields = [.contentType: type]
        if let capability = HTTPField.Name(MirrorWire.capabilityHeader) {
            headers[capability] = MirrorWire.capabilityVersion
        }
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    /// A JSON document.
    static func json(_ status: HTTPResponse.Status, _ json: [UInt8]) -> Response {
        bytes(status, MirrorWire.jsonType, json)
    }

    /// `{"msg":…}`.
    static func message(_ status: HTTPResponse.Status, _ text: String) -> Response {
        json(status, WorkerAnswer(text).json)
    }

    /// `{"msg":…}` as tunasync's worker sends it when it cannot read a request.
    static func plainMessage(_ status: HTTPResponse.Status, _ text: String) -> Response {
        bytes(status, "text/plain; charset=utf-8", WorkerAnswer(text).json)
    }

    /// `{"error":…}`.
    static func error(_ status: HTTPResponse.Status, _ text: String) -> Response {
        json(status, ErrorAnswer(text).json)
    }
}

extension String {
    /// The text without percent escapes; nothing when one is broken.
    func removingPercentEscapes() -> String? {
        var bytes: [UInt8] = []
        var rest = utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(Substring(rest.prefix(2)), radix: 16) else { return nil }
            rest = rest.dropFirst(2)
            bytes.append(value)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
