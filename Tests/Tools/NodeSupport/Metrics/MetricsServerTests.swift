// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Logging
import NIOCore
import NIOPosix
import NodeSupport
import ServiceLifecycle
import Testing

@Suite(.timeLimit(.minutes(10))) struct MetricsServerTests {
    private func withServer(
        limits: MetricsServer.Limits = .init(), _ body: (MetricsServer, MetricsRegistry) async throws -> Void
    ) async throws {
        let registry = MetricsRegistry()
        let server = try await MetricsServer.bind(
            HostPort(host: "127.0.0.1", port: 0), registry: registry, group: MultiThreadedEventLoopGroup.singleton,
            limits: limits)
        do {
            try await body(server, registry)
        } catch {
            await server.close()
            throw error
        }
        await server.close()
    }

    private func request(_ line: String, close: Bool = true) -> String {
        "\(line) HTTP/1.1\r\nHost: x\r\n\(close ? "Connection: close\r\n" : "")\r\n"
    }

    @Test func servesMetricsInTheTextFormat() async throws {
        try await withServer { server, registry in
            try registry.counter("x_total", help: "X.").increment(by: 5)
            #expect(server.address.port > 0)
            let answer = try await RawConnection.exchange(server.address, request("GET /metrics?a=b"))
            let parts = answer.split(separator: "\r\n\r\n", omittingEmptySubsequences: false)
            #expect(parts.count == 2)
            #expect(parts[0].hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(parts[0].contains("Content-Type: text/plain; version=0.0.4; charset=utf-8"))
            #expect(parts[0].contains("Content-Length: \(parts[1].utf8.count)"))
            #expect(try ExpositionGrammar(String(parts[1])).value("x_total") == 5)
        }
    }

    @Test(arguments: [
        ("GET /healthz", "200 OK", "ok\n"), ("GET /", "404 Not Found", "not found; there are /metrics and /healthz\n"),
        ("GET /metrics/x", "404 Not Found", "not found; there are /metrics and /healthz\n"),
        ("POST /metrics", "405 Method Not Allowed", "only GET and HEAD\n"),
        ("DELETE /healthz", "405 Method Not Allowed", "only GET and HEAD\n"),
        ("POST /x", "404 Not Found", "not found; there are /metrics and /healthz\n"), ("HEAD /healthz", "200 OK", ""),
        ("HEAD /metrics", "200 OK", ""), ("HEAD /x", "404 Not Found", ""),
    ])
    func answersEveryRequest(line: String, status: String, body: String) async throws {
        try await withServer { server, _ in
            let answer = try await RawConnection.exchange(server.address, request(line))
            #expect(answer.hasPrefix("HTTP/1.1 \(status)\r\n"), "\(answer)")
            #expect(answer.hasSuffix("\r\n\r\n\(body)"))
            #expect(answer.contains("Allow: GET, HEAD") == status.hasPrefix("405"))
        }
    }

    @Test func keepsAConnectionForSeveralRequestsAlsoPipelined() async throws {
        try await withServer { server, _ in
            let connection = try await RawConnection.open(server.address)
            for _ in 0..<3 {
                try await connection.send(request("GET /healthz", close: false))
                _ = try await connection.wait(forSuffix: "\r\n\r\nok\n")
            }
            try await connection.send(request("GET /healthz", close: false) + request("GET /healthz"))
            let all = try await connection.waitForEnd()
            #expect(all.split(separator: "200 OK", omittingEmptySubsequences: false).count == 6)
        }
    }

    @Test(arguments: ["garbage\r\n\r\n", "GET\r\n\r\n", "\u{0}\u{1}\u{2}\r\n\r\n", "GET / HTTP/9.9\r\n\r\n"])
    func garbageGetsABadRequestAndTheEnd(text: String) async throws {
        try await withServer { server, _ in
            let answer = try await RawConnection.exchange(server.address, text)
            #expect(answer.isEmpty || answer.hasPrefix("HTTP/1.1 400") || answer.hasPrefix("HTTP/1.1 505"), "\(answer)")
            #expect(try await RawConnection.exchange(server.address, request("GET /healthz")).contains("200 OK"))
        }
    }

    @Test func oversizedHeadsAndBodiesEndTheConnection() async throws {
        try await withServer { server, _ in
            let long = String(repeating: "a", count: 200_000)
            let many = (0..<100).map { "H\($0): x\r\n" }.joined()
            let attempts = [
                "GET /\(long) HTTP/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\nLong: \(long)\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: x\r\n\(many)\r\n",
                "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n\(long)",
            ]
            for attempt in attempts {
                let answer = try await RawConnection.exchange(server.address, attempt)
                #expect(!answer.contains("200 OK"))
                #expect(try await RawConnection.exchange(server.address, request("GET /healthz")).contains("200 OK"))
            }
        }
    }

    @Test func connectionsBeyondTheLimitAreClosedAndOthersGoOn() async throws {
        var limits = MetricsServer.Limits()
        limits.maximumConnections = 2
        // On a busy machine the test may be slower than a scraper.
        limits.maximumIdle = .seconds(300)
        try await withServer(limits: limits) { server, _ in
            var held: [RawConnection] = []
            for _ in 0..<2 {
                let connection = try await RawConnection.open(server.address)
                try await connection.send(request("GET /healthz", close: false))
                _ = try await connection.wait(forSuffix: "ok\n")
                held.append(connection)
            }
            #expect(try await RawConnection.exchange(server.address, request("GET /healthz")).isEmpty)
            try await held[1].send(request("GET /healthz"))
            _ = try await held[1].waitForEnd()
            // The place is free once the server has noted the end, which the client may see a moment earlier.
            var answer = ""
            for _ in 0..<1_000 where answer.isEmpty {
                answer = try await RawConnection.exchange(server.address, request("GET /healthz"))
            }
            #expect(answer.hasSuffix("ok\n"))
            try await held[0].send(request("GET /healthz"))
            #expect(try await held[0].waitForEnd().hasSuffix("ok\n"))
        }
    }

    @Test(arguments: [
        "", "GET /healthz HTTP/1.1\r\nHo", "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\na",
    ])
    func silenceEndsTheConnection(start: String) async throws {
        var limits = MetricsServer.Limits()
        limits.maximumIdle = .milliseconds(30)
        try await withServer(limits: limits) { server, _ in
            let connection = try await RawConnection.open(server.address)
            // On a busy machine the server may have closed before this is sent.
            if !start.isEmpty { try? await connection.send(start) }
            #expect(try await connection.waitForEnd().isEmpty)
        }
    }

    @Test func stopsGracefullyInAServiceGroup() async throws {
        let server = try await MetricsServer.bind(
            HostPort(host: "127.0.0.1", port: 0), registry: MetricsRegistry(),
            group: MultiThreadedEventLoopGroup.singleton)
        let group = ServiceGroup(
            services: [server], logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            let idle = try await RawConnection.open(server.address)
            try await idle.send(request("GET /healthz", close: false))
            _ = try await idle.wait(forSuffix: "ok\n")
            await group.triggerGracefulShutdown()
            _ = try await idle.waitForEnd()
            try await tasks.waitForAll()
        }
        await #expect(throws: (any Error).self) { try await RawConnection.open(server.address) }
        await server.close()
    }

    @Test func saysWhenTheAddressIsTaken() async throws {
        try await withServer { server, registry in
            let error = await #expect(throws: NodeError.self) {
                try await MetricsServer.bind(
                    server.address, registry: registry, group: MultiThreadedEventLoopGroup.singleton)
            }
            #expect(error?.code == .addressUnavailable)
            #expect(error?.message.contains(server.address.description) == true)
        }
    }

    @Test func listensOnVersion6() async throws {
        let server = try await MetricsServer.bind(
            try HostPort(parsing: "[::1]:0"), registry: MetricsRegistry(), group: MultiThreadedEventLoopGroup.singleton)
        #expect(server.address.host == "::1")
        let answer = try await RawConnection.exchange(server.address, request("GET /healthz"))
        #expect(answer.hasSuffix("ok\n"))
        await server.close()
    }
}
