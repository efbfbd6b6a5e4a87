// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Crypto
import NodeSupport
import Testing

@Suite struct PEMFilesTests {
    private let folder = ScratchFolder()

    private func make(_ name: String, _ keyArguments: [String]) throws {
        let result = try Shell.run(
            ["openssl", "req", "-x509", "-nodes", "-subj", "/CN=\(name)", "-addext", "subjectAltName=DNS:localhost"]
                + keyArguments + ["-keyout", folder.file("\(name)-key.pem"), "-out", folder.file("\(name).pem")])
        #expect(result.status == 0, "\(result.output)")
    }

    private func load(_ certificate: String, _ key: String) throws -> ServerIdentity {
        try PEMFiles.load(certificate: folder.file(certificate), key: folder.file(key))
    }

    @Test(arguments: [
        ["-newkey", "rsa:2048"], ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
        ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
    ])
    func loadsWhatOpensslMakesAndServesIt(arguments: [String]) async throws {
        try make("a", arguments)
        let identity = try load("a.pem", "a-key.pem")
        #expect(identity.authorityPath == nil)
        #expect(identity.changes.isEmpty)
        let greeting = try await Handshake.run(
            server: identity.context, trusting: folder.file("a.pem"), hostname: "localhost")
        #expect(greeting == "hello")
    }

    @Test func loadsOldKeyFormsAndCommentsAndChains() throws {
        let parameters = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        try make("a", parameters)
        try make("b", parameters)
        let converted = try Shell.run([
            "openssl", "ec", "-in", folder.file("a-key.pem"), "-out", folder.file("sec1.pem"),
        ])
        #expect(converted.status == 0)
        let prefix = "Bag Attributes\n    friendlyName: x\n"
        let group = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
        try folder.write("sec1.pem", prefix + group + folder.read("sec1.pem"))
        try folder.write("chain.pem", prefix + folder.read("a.pem") + "\n# then\n" + folder.read("b.pem"))
        _ = try load("chain.pem", "sec1.pem")
        let wrongOrder = #expect(throws: NodeError.self) { try load("chain.pem", "b-key.pem") }
        #expect(wrongOrder?.code == .keyMismatch)
        #expect(wrongOrder?.message.contains("first") == true)
    }

    @Test func namesTheFileThatIsWrong() throws {
        try make("a", ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"])
        try folder.write("other-key.pem", P256.Signing.PrivateKey().pemRepresentation)
        try folder.write("garbage.pem", "nothing")
        let encrypted = try Shell.run([
            "openssl", "pkcs8", "-topk8", "-in", folder.file("a-key.pem"), "-passout", "pass:x", "-out",
            folder.file("locked.pem"),
        ])
        #expect(encrypted.status == 0)
        let cases: [(String, String, NodeError.Code, String)] = [
            ("a.pem", "other-key.pem", .keyMismatch, "other-key.pem"), ("no.pem", "a-key.pem", .fileMissing, "no.pem"),
            ("a.pem", "no.pem", .fileMissing, "no.pem"), ("garbage.pem", "a-key.pem", .pemMalformed, "garbage.pem"),
            ("a.pem", "garbage.pem", .pemMalformed, "garbage.pem"),
            ("a-key.pem", "a-key.pem", .pemMalformed, "a-key.pem"),
            ("a.pem", "a.pem", .pemMalformed, "a.pem"), ("a.pem", "locked.pem", .pemMalformed, "encrypted"),
        ]
        for (certificate, key, code, text) in cases {
            let error = #expect(throws: NodeError.self) { try load(certificate, key) }
            #expect(error?.code == code)
            #expect(error?.message.contains(text) == true)
        }
    }
}
