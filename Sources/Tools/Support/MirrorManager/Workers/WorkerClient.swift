// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import AsyncHTTPClient
internal import Logging
internal import MirrorConfig
internal import MirrorWire
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL
internal import Synchronization

/// Posts commands to workers and asks them for what only they know.
final class WorkerClient: Sendable {
    /// A worker's answer to a command.
    struct Answer: Hashable, Sendable {
        let status: Int
        let message: String

        var isSuccess: Bool { (200..<300).contains(status) }
    }

    /// Why nothing can be posted.
    struct Unreachable: Error { let reason: String }

    /// How long a worker may be silent in the middle of an answer: a log that is followed grows only now and then.
    static let silence: TimeAmount = .minutes(15)
    /// The longest answer to a command or question.
    static let maximumAnswerBytes = 1 << 20
    /// How many clients for names with different addresses there may be.
    static let maximumClients = 1_024

    private struct State {
        var rules: WorkerAddressGuard
        /// By host and the address that it leads to; addresses in numbers share the empty key.
        var clients: [String: HTTPClient] = [:]
        var isClosed = false
    }

    private let state: Mutex<State>
    private let tls: TLSConfiguration?
    private let logger: Logger
    /// How long a command may take.
    let commandTimeout: TimeAmount

    init(_ settings: ManagerSettings, commandTimeout: Duration, logger: Logger) throws {
        self.commandTimeout = TimeAmount(commandTimeout)
        tls = try ClientTLS.configuration(settings.client)
        self.logger = logger
        state = Mutex(State(rules: WorkerAddressGuard(settings)))
    }

    func update(_ settings: ManagerSettings) { state.withLock { $0.rules = WorkerAddressGuard(settings) } }

    /// Judges a worker's URL.
    ///
    /// - Returns: its parts and the address to connect to.
    func check(_ url: String, peer: String) async throws -> (address: WorkerAddress, target: String) {
        let rules = state.withLock(\.rules)
        // The look-up of a name may take seconds; it must not hold a thread of the pool.
        let found = try await NIOThreadPool.singleton.runIfActive {
            WorkerAddress(url).map { AddressRules.resolve($0.host) } ?? []
        }
        return try rules.judge(url, peer: peer) { _ in found }
    }

    /// Posts a command; `enable` reaches a worker of tunasync as `start`, which it knows.
    ///
    /// - Throws: ``Unreachable``, or what the client throws, when the worker did not answer.
    func post(_ command: ClientCommand, to record: WorkerRecord) async throws -> Answer {
        let isTranslated = record.isLegacy && !command.verb.isKnownToTunasync
        let document = WorkerCommand(
            verb: isTranslated ? .start : command.verb, mirror: command.mirror, arguments: command.arguments,
            options: command.options)
        var request = HTTPClientRequest(url: record.worker.url)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: MirrorWire.jsonType)
        request.body = .bytes(document.jsonLine)
        let response = try await execute(request, record, timeout: commandTimeout)
        let body = try await response.body.collect(upTo: Self.maximumAnswerBytes)
        return Answer(status: Int(response.status.code), message: Self.message(Array(body.readableBytesView), response))
    }

    /// Asks a worker of ours for something; the answer's body is still to be read.
    ///
    /// - Parameters:
    ///   - path: behind the worker's URL, without a slash at its beginning.
    ///   - record: the worker.
    ///   - timeout: how long all of it may take.
    /// - Returns: the answer.
    /// - Throws: as ``post(_:to:)``.
    func get(_ path: String, from record: WorkerRecord, timeout: TimeAmount) async throws -> HTTPClientResponse {
        let url = record.worker.url
        var request = HTTPClientRequest(url: url + (url.hasSuffix("/") ? "" : "/") + path)
        request.method = .GET
        return try await execute(request, record, timeout: timeout)
    }

    /// Ends all connections.
    func close() async {
        let clients = state.withLock { state in
            state.isClosed = true
            defer { state.clients = [:] }
            return Array(state.clients.values)
        }
        for client in clients {
            // A client that is closed already has nothing left to end.
            try? await client.shutdown()
        }
    }

    private func execute(
        _ request: HTTPClientRequest, _ record: WorkerRecord, timeout: TimeAmount
    ) async throws -> HTTPClientResponse {
        guard !record.worker.url.isEmpty else {
            throw Unreachable(reason: "its address is not known; it must register again")
        }
        let (address, target) = try await check(record.worker.url, peer: record.peer)
        var request = request
        request.headers.add(name: "User-Agent", value: "kuiper-mirror-manager")
        if !record.worker.token.isEmpty {
            request.headers.add(name: "Authorization", value: "Bearer \(record.worker.token)")
        }
        return try await client(for: address, target).execute(request, timeout: timeout)
    }

    private func client(for address: WorkerAddress, _ target: String) throws -> HTTPClient {
        let key = address.isLiteral ? "" : "\(address.host)=\(target)"
        return try state.withLock { state in
            if let known = state.clients[key] { return known }
            guard !state.isClosed, state.clients.count < Self.maximumClients else {
                throw Unreachable(reason: "there are too many workers with names, or the manager stops")
            }
            var configuration = HTTPClient.Configuration(
                tlsConfiguration: tls, redirectConfiguration: .disallow,
                timeout: .init(connect: commandTimeout, read: Self.silence))
            configuration.httpVersion = .http1Only
            configuration.connectionPool.retryConnectionEstablishment = false
            configuration.maximumUsesPerConnection = 1
            if !address.isLiteral { configuration.dnsOverride = [address.host: target] }
            let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
            state.clients[key] = client
            return client
        }
    }

    /// Why something failed, in words without secrets.
    static func reason(_ error: any Error) -> String {
        switch error {
        case let unreachable as Unreachable: unreachable.reason
        case let refusal as Refusal: refusal.message
        case let error as HTTPClientError: error.shortDescription
        default: "\(error)"
        }
    }

    private static func message(_ body: [UInt8], _ response: HTTPClientResponse) -> String {
        // What is not JSON, or has neither member, is told by its status alone.
        if let fields = try? JSONFields(JSONParser.parse(body)) {
            for name in ["error", "msg", "message"] {
                if let text = try? fields.string(name), !text.isEmpty { return text }
            }
        }
        return "the worker answered \(response.status.code)"
    }
}
