// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import AsyncHTTPClient
internal import Glibc
internal import MirrorConfig
internal import MirrorWire
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL

/// Talks HTTP to a manager, ours or tunasync's.
struct ManagerClient: Sendable {
    /// What a manager answered.
    struct Reply: Sendable {
        let status: Int
        /// Whether the manager is ours: it has our routes.
        let isOurs: Bool
        let body: [UInt8]
    }

    /// The most bytes of an answer: 10,000 mirrors are 5 MB.
    static let maximumAnswerBytes = 64 << 20
    /// Documents of that size.
    static let limits: JSONLimits = {
        var limits = JSONLimits(maximumBytes: maximumAnswerBytes)
        limits.maximumValues = 8_000_000
        return limits
    }()

    private let address: ManagerAddress
    private let http: HTTPClient

    /// Opens a client for as long as a closure runs.
    ///
    /// - Parameters:
    ///   - address: the manager.
    ///   - body: what to do with it.
    /// - Returns: what the closure returned.
    /// - Throws: what it threw, and ``ControlFailure`` when the TLS files cannot be used.
    static func open<Result>(
        _ address: ManagerAddress, _ body: (ManagerClient) async throws -> Result
    ) async throws -> Result {
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: try tls(address.tls), redirectConfiguration: .disallow,
            timeout: .init(connect: .seconds(5)))
        // The manager's certificate decides, not what a server in between speaks.
        configuration.httpVersion = .http1Only
        // Who asks wants to know at once that nobody listens.
        configuration.connectionPool.retryConnectionEstablishment = false
        let http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        let result: Result
        do {
            result = try await body(ManagerClient(address: address, http: http))
        } catch {
            try await http.shutdown()
            throw error
        }
        try await http.shutdown()
        return result
    }

    private static func tls(_ settings: ClientTLSSettings) throws -> TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        do {
            if let authorities = settings.authorities {
                // Read here so that a missing file has a message of its own.
                configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(authorities))
            }
            if let certificate = settings.certificate, let key = settings.key {
                configuration.certificateChain = try NIOSSLCertificate.fromPEMFile(certificate).map { .certificate($0) }
                configuration.privateKey = .privateKey(try NIOSSLPrivateKey(file: key, format: .pem))
            }
        } catch {
            let files = [settings.authorities, settings.certificate, settings.key].compactMap { $0 }
            throw ControlFailure("cannot use the PEM files \(files.joined(separator: ", ")): \(error)")
        }
        return configuration
    }

    // MARK: Requests

    /// Asks, whatever the answer's status is.
    ///
    /// - Parameters:
    ///   - method: the method.
    ///   - path: the parts of the path; each is escaped.
    ///   - query: what follows the question mark, escaped already.
    ///   - body: a JSON text.
    ///   - timeoutSeconds: how long the whole exchange may take.
    /// - Returns: the answer.
    /// - Throws: ``ControlFailure`` when there is none.
    func send(
        _ method: String, _ path: [String], query: String = "", body: [UInt8]? = nil, timeoutSeconds: Int64 = 30
    ) async throws -> Reply {
        do {
            let response = try await http.execute(
                request(method, path, query: query, body: body), timeout: .seconds(timeoutSeconds))
            let bytes = try await response.body.collect(upTo: Self.maximumAnswerBytes)
            return Reply(
                status: Int(response.status.code), isOurs: isOurs(response), body: Array(bytes.readableBytesView))
        } catch {
            throw unreachable(error)
        }
    }

    /// Asks for what must be there.
    ///
    /// - Returns: the answer, whose status is a success.
    /// - Throws: ``ControlFailure`` with the manager's reason.
    func ask(
        _ method: String, _ path: [String], query: String = "", body: [UInt8]? = nil
    ) async throws -> Reply {
        let reply = try await send(method, path, query: query, body: body)
        guard (200..<300).contains(reply.status) else { throw Self.refusal(reply.status, reply.body) }
        return reply
    }

    /// Asks for a stream, such as a log that grows, and takes its bytes as they come.
    ///
    /// - Parameters:
    ///   - path: the parts of the path.
    ///   - query: what follows the question mark.
    ///   - take: takes each piece; false ends the stream.
    /// - Throws: ``ControlFailure`` when the stream breaks or is refused, and what `take` throws.
    func stream(_ path: [String], query: String = "", take: ([UInt8]) throws -> Bool) async throws {
        do {
            let response = try await http.execute(
                request("GET", path, query: query, body: nil), deadline: .distantFuture)
            guard response.status == .ok else {
                let bytes = try await response.body.collect(upTo: 1 << 20)
                throw Self.refusal(Int(response.status.code), Array(bytes.readableBytesView))
            }
            for try await piece in response.body where try !take(Array(piece.readableBytesView)) { return }
        } catch {
            throw unreachable(error)
        }
    }

    /// Whether the manager is ours.
    func isOurs() async throws -> Bool { try await ask("GET", ["ping"]).isOurs }

    /// Insists on our manager.
    ///
    /// - Parameter what: what tunasync's does not do, as the end of a sentence.
    /// - Throws: ``ControlFailure`` when it is tunasync's.
    func needsOurs(_ what: String) async throws {
        guard try await isOurs() else {
            throw ControlFailure("the manager at \(address.baseURL) is tunasync's own, which \(what)")
        }
    }

    private func request(_ method: String, _ path: [String], query: String, body: [UInt8]?) -> HTTPClientRequest {
        let url = address.baseURL + path.map { "/" + Self.escape($0) }.joined() + (query.isEmpty ? "" : "?\(query)")
        var request = HTTPClientRequest(url: url)
        request.method = .init(rawValue: method)
        request.headers.add(name: "User-Agent", value: "mirror-ctl/\(MirrorVersion.current)")
        if let token = address.token { request.headers.add(name: "Authorization", value: "Bearer \(token.value)") }
        if let body {
            request.headers.add(name: "Content-Type", value: MirrorWire.jsonType)
            request.body = .bytes(body)
        }
        return request
    }

    private func isOurs(_ response: HTTPClientResponse) -> Bool {
        response.headers.first(name: MirrorWire.capabilityHeader) == MirrorWire.capabilityVersion
    }

    // MARK: Failures

    private func unreachable(_ error: any Error) -> any Error {
        if error is ControlFailure || error is CancellationError { return error }
        return ControlFailure("no answer from the manager at \(address.baseURL): \(Self.reason(error))")
    }

    private static func reason(_ error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError:
            error.connectionErrors.first.map { reason($0.error) } ?? "the name has no address"
        case let error as IOError: String(cString: strerror(error.errnoCode))
        case let error as HTTPClientError where error == .connectTimeout || error == .deadlineExceeded:
            "it takes too long"
        default: "\(error)"
        }
    }

    /// What a refusal says.
    static func refusal(_ status: Int, _ body: [UInt8]) -> ControlFailure {
        // What is no JSON object is shown as it is.
        if let value = try? JSONParser.parse(body, limits: limits), let fields = try? JSONFields(value) {
            for name in ["error", "message", "msg"] {
                if case .string(let text) = fields.value(name), !text.isEmpty {
                    return ControlFailure(Console.plain(text))
                }
            }
        }
        let text = Console.plain(String(decoding: body.prefix(300), as: UTF8.self).trimmed)
        if text.isEmpty, status == 500 {
            return ControlFailure("the manager failed without a reason; give the worker with -w")
        }
        return ControlFailure("the manager answered \(status)" + (text.isEmpty ? "" : ": \(text)"))
    }

    /// A part of a path with everything escaped that is not unreserved (RFC 3986 section 2.3).
    static func escape(_ text: String) -> String {
        var escaped = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                escaped.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = Array("0123456789ABCDEF")
                escaped += "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
            }
        }
        return escaped
    }
}

extension String {
    /// Without spaces and line ends around.
    var trimmed: String {
        var text = self[...]
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}
