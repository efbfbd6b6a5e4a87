// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import AsyncHTTPClient
internal import Dispatch
internal import MirrorConfig
internal import NIOCore
internal import NIOHTTP1
internal import NIOSSL

/// What a manager answered.
struct ManagerAnswer: Sendable {
    /// The HTTP status.
    var status: Int
    /// Whether it is a manager of ours, which knows more than tunasync's routes.
    var isOurs: Bool
    var body: [UInt8]

    /// Whether the manager did what it was asked to do.
    var isSuccess: Bool { (200..<300).contains(status) }

    /// The beginning of the answer, for messages.
    var excerpt: String { String(decoding: body.prefix(200), as: UTF8.self) }
}

/// The HTTP client of one manager.
final class ManagerClient: Sendable {
    private let baseURL: String
    private let token: Secret?
    private let client: HTTPClient
    private let limits: WorkerLimits

    /// Prepares a client; nothing is sent yet.
    ///
    /// - Throws: an error of the TLS library when a file of the settings cannot be used.
    init(_ address: ManagerAddress, limits: WorkerLimits) throws {
        baseURL = address.baseURL
        token = address.token
        self.limits = limits
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: try Self.tls(address.tls), redirectConfiguration: .disallow)
        configuration.httpVersion = .http1Only
        configuration.timeout.connect = .nanoseconds(Int64(limits.requestTimeout / .nanoseconds(1)))
        configuration.timeout.read = .nanoseconds(Int64(limits.requestTimeout / .nanoseconds(1)))
        // A manager closes what is idle for ten seconds; a connection that it is about to close is not used again.
        configuration.connectionPool.idleTimeout = .seconds(8)
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    deinit {
        // Nobody waits any more; a client that was closed says so, and that is all right.
        client.shutdown { _ in }
    }

    /// Asks for a document.
    ///
    /// - Throws: what kept the answer from coming.
    func get(_ path: String) async throws -> ManagerAnswer { try await send(.GET, path, body: nil) }

    /// Sends a JSON document.
    ///
    /// - Throws: what kept the answer from coming.
    func post(_ path: String, _ body: [UInt8]) async throws -> ManagerAnswer { try await send(.POST, path, body: body) }

    /// Ends all connections.
    func close() async {
        // What goes wrong while connections close concerns nobody any more.
        try? await client.shutdown()
    }

    private func send(_ method: HTTPMethod, _ path: String, body: [UInt8]?) async throws -> ManagerAnswer {
        var request = HTTPClientRequest(url: baseURL + path)
        request.method = method
        request.headers.add(name: "User-Agent", value: "mirror-worker")
        if let token { request.headers.add(name: "Authorization", value: "Bearer \(token.value)") }
        if let body {
            request.headers.add(name: "Content-Type", value: "application/json; charset=utf-8")
            request.body = .bytes(ByteBuffer(bytes: body))
        }
        do {
            return try await answer(to: request)
        } catch let error as HTTPClientError where error == .remoteConnectionClosed {
            // The manager closed the connection while it was idle; all messages may come twice.
            return try await answer(to: request)
        }
    }

    private func answer(to request: HTTPClientRequest) async throws -> ManagerAnswer {
        let timeout = TimeAmount.nanoseconds(Int64(limits.requestTimeout / .nanoseconds(1)))
        let response = try await client.execute(request, timeout: timeout)
        var buffer = try await response.body.collect(upTo: limits.maximumAnswerBytes)
        return ManagerAnswer(
            status: Int(response.status.code), isOurs: response.headers.contains(name: "Kuiper-Mirror"),
            body: buffer.readBytes(length: buffer.readableBytes) ?? [])
    }

    private static func tls(_ settings: ClientTLSSettings) throws -> TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        if let authorities = settings.authorities {
            configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(authorities))
        }
        if let certificate = settings.certificate, let key = settings.key {
            configuration.certificateChain = try NIOSSLCertificate.fromPEMFile(certificate).map { .certificate($0) }
            configuration.privateKey = .privateKey(try NIOSSLPrivateKey(file: key, format: .pem))
        }
        return configuration
    }

    /// One segment of a path, with everything escaped that has a meaning of its own.
    static func segment(_ text: String) -> String {
        var escaped = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"), UInt8(ascii: "+"), UInt8(ascii: "@"):
                escaped.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                escaped += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return escaped
    }
}
