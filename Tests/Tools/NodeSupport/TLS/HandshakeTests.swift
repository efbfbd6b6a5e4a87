// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import NIOSSL
import NodeSupport
import Testing

@Suite(.timeLimit(.minutes(10))) struct HandshakeTests {
    private let folder = ScratchFolder()
    private let identity: ServerIdentity

    init() throws {
        identity = try CertificateStore.loadOrCreate(directory: folder.path, hosts: ["mail.example.org"])
    }

    @Test(arguments: ["localhost", "mail.example.org", nil])
    func clientsThatTrustTheAuthorityConnect(hostname: String?) async throws {
        // Without a host name the client verifies the address it connected to, 127.0.0.1.
        let greeting = try await Handshake.run(
            server: identity.context, trusting: folder.file("ca.pem"), hostname: hostname)
        #expect(greeting == "hello")
    }

    @Test(arguments: [TLSVersion.tlsv12, .tlsv13])
    func speaksBothVersions(version: TLSVersion) async throws {
        let greeting = try await Handshake.run(
            server: identity.context, trusting: folder.file("ca.pem"), hostname: "localhost"
        ) {
            $0.minimumTLSVersion = version
            $0.maximumTLSVersion = version
        }
        #expect(greeting == "hello")
    }

    @Test(arguments: [TLSVersion.tlsv1, .tlsv11])
    func refusesOldVersions(version: TLSVersion) async {
        await #expect(throws: (any Error).self) {
            try await Handshake.run(
                server: identity.context, trusting: folder.file("ca.pem"), hostname: "localhost"
            ) {
                $0.maximumTLSVersion = version
            }
        }
    }

    @Test func refusesCiphersWithoutForwardSecrecy() async {
        await #expect(throws: (any Error).self) {
            try await Handshake.run(
                server: identity.context, trusting: folder.file("ca.pem"), hostname: "localhost"
            ) {
                $0.maximumTLSVersion = .tlsv12
                $0.cipherSuites = "AES128-GCM-SHA256:ECDHE-ECDSA-AES128-SHA"
            }
        }
    }

    @Test func clientsRefuseAnotherNameOrAuthority() async throws {
        await #expect(throws: (any Error).self) {
            try await Handshake.run(
                server: identity.context, trusting: folder.file("ca.pem"), hostname: "other.example")
        }
        let other = ScratchFolder()
        _ = try CertificateStore.loadOrCreate(directory: other.path)
        await #expect(throws: (any Error).self) {
            try await Handshake.run(server: identity.context, trusting: other.file("ca.pem"), hostname: "localhost")
        }
    }

    @Test(arguments: [("localhost", true), ("mail.example.org", true), ("other.example", false)])
    func opensslConnectsAndVerifiesTheName(hostname: String, isNamed: Bool) async throws {
        try await Handshake.withServer(identity.context) { address in
            let result = try Shell.run([
                "openssl", "s_client", "-connect", address.description, "-CAfile", folder.file("ca.pem"),
                "-verify_hostname", hostname, "-verify_return_error", "-brief",
            ])
            #expect(result.output.contains("Verification: OK") == isNamed, "\(result.output)")
            #expect(result.output.contains("Protocol version: TLSv1.3") == isNamed, "\(result.output)")
        }
    }

    @Test func theOperatorsLoaderServesTheSameFiles() async throws {
        let loaded = try PEMFiles.load(certificate: folder.file("server.pem"), key: folder.file("server-key.pem"))
        let greeting = try await Handshake.run(
            server: loaded.context, trusting: folder.file("ca.pem"), hostname: "localhost")
        #expect(greeting == "hello")
    }
}
