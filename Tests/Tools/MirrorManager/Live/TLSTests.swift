// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import AsyncHTTPClient
import FoundationEssentials
import LiveTestSupport
import MirrorConfig
import MirrorManager
import MirrorWire
import NIOCore
import NIOHTTP1
import NIOSSL
import NodeSupport
import Testing

@Suite struct TLSTests {
    private func status(_ url: String, authority: String, certificate: String? = nil, key: String? = nil) async throws
        -> UInt
    {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.trustRoots = .file(authority)
        if let certificate, let key {
            tls.certificateChain = try NIOSSLCertificate.fromPEMFile(certificate).map { .certificate($0) }
            tls.privateKey = .privateKey(try NIOSSLPrivateKey(file: key, format: .pem))
        }
        let client = HTTPClient(
            eventLoopGroupProvider: .singleton, configuration: HTTPClient.Configuration(tlsConfiguration: tls))
        do {
            let response = try await client.execute(HTTPClientRequest(url: url + "/ping"), timeout: .seconds(120))
            _ = try await response.body.collect(upTo: 1_024)
            try await client.shutdown()
            return response.status.code
        } catch {
            // The first error is the one to tell.
            try? await client.shutdown()
            throw error
        }
    }

    @Test func theManagerSpeaksTLSAndAsksForCertificatesWhenItIsToldTo() async throws {
        let folder = try TemporaryDirectory("mirror-tls")
        let server = try CertificateStore.loadOrCreate(directory: folder.file("server"), hosts: ["127.0.0.1"])
        // A certificate that is its own authority.
        let own = (certificate: folder.file("client.pem"), key: folder.file("client-key.pem"))
        let made = try ChildProcess.run([
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", "/CN=worker", "-addext", "extendedKeyUsage=clientAuth", "-keyout", own.key, "-out",
            own.certificate,
        ])
        try #require(made.ending == .exited(0), "\(made.output)")
        let authority = try #require(server.authorityPath)
        var settings = TestManager.open
        settings.server = ListenSettings(
            host: "127.0.0.1", port: 0, certificate: folder.file("server/server.pem"),
            key: folder.file("server/server-key.pem"))
        try await TestManager.run(settings) { manager async throws in
            #expect(manager.base.hasPrefix("https://"))
            #expect(try await status(manager.base, authority: authority) == 200)
            await #expect(throws: (any Error).self) {
                _ = try await status(manager.base, authority: own.certificate)
            }
            // From the next connection on, clients must show who they are.
            settings.server.clientAuthorities = own.certificate
            #expect(manager.manager.reload(settings).isEmpty)
            await #expect(throws: (any Error).self) { _ = try await status(manager.base, authority: authority) }
            #expect(
                try await status(manager.base, authority: authority, certificate: own.certificate, key: own.key) == 200)
        }
    }

    @Test func commandsReachWorkersWithTLS() async throws {
        let folder = try TemporaryDirectory("mirror-tls")
        let server = try CertificateStore.loadOrCreate(directory: folder.file("tls"), hosts: ["127.0.0.1"])
        var inner = TestManager.open
        inner.server = ListenSettings(
            host: "127.0.0.1", port: 0, certificate: folder.file("tls/server.pem"),
            key: folder.file("tls/server-key.pem"))
        // Any server with TLS will do for a worker: it answers 404, which the old route does not mind.
        try await TestManager.run(inner) { worker async throws in
            var settings = TestManager.open
            settings.client.authorities = server.authorityPath
            try await TestManager.run(settings) { manager async throws in
                for host in ["127.0.0.1", "localhost"] {
                    let url = worker.base.replacing("127.0.0.1", with: host) + "/"
                    #expect(try await manager.post("/workers", Worker(id: "w1", url: url)).status == 200)
                    let command = ClientCommand(verb: .start, mirror: "m", worker: "w1", options: [:])
                    #expect(try await manager.post("/cmd", command).status == 200)
                }
            }
            try await TestManager.run { manager async throws in
                _ = try await manager.post("/workers", Worker(id: "w1", url: worker.base + "/"))
                let command = ClientCommand(verb: .start, mirror: "m", worker: "w1", options: [:])
                #expect(try await manager.post("/cmd", command).status == 500)
            }
        }
    }
}
