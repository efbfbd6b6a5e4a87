// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import NodeSupport
import PeerTransport
import Testing
import X509

@Suite struct NodeIdentityTests {
    private func read(_ pem: String) throws -> Certificate {
        try #require(try PEMFiles.certificates(in: pem, file: "test").first)
    }

    @Test(arguments: NodeRole.allCases) func survivesItsURI(role: NodeRole) throws {
        let identity = try #require(NodeIdentity(role: role, name: "eu-west.worker_1"))
        #expect(identity.uri == "urn:kuiper:pluto:\(role.rawValue):eu-west.worker_1")
        #expect(NodeIdentity(uri: identity.uri) == identity)
    }

    @Test(arguments: [
        "", "urn:kuiper:pluto:", "urn:kuiper:pluto:worker", "urn:kuiper:pluto:worker:", "urn:kuiper:pluto:boss:a",
        "urn:kuiper:pluto:worker:a:b", "urn:kuiper:pluto:worker:a b", "urn:kuiper:pluto:worker:-a",
        "urn:kuiper:pluto:worker:é", "URN:kuiper:pluto:worker:a", "urn:kuiper:pluto:Worker:a",
        "urn:kuiper:pluto:worker:a\n", "urn:kuiper:pluto:worker:" + String(repeating: "a", count: 65),
    ]) func refusesOtherTexts(uri: String) {
        #expect(NodeIdentity(uri: uri) == nil)
    }

    @Test(arguments: [
        ("a", true), ("worker-1", true), ("9", true), (String(repeating: "a", count: 64), true), ("", false),
        (".a", false), ("a|b", false), ("a:b", false), ("a;b", false), ("a/b", false), ("a\0", false),
        (String(repeating: "a", count: 65), false),
    ]) func namesAreWhatFilesAndCertificatesCarry(name: String, isName: Bool) {
        #expect(NodeIdentity.isName(name) == isName)
    }

    @Test func readsACertificateAndNothingElse() throws {
        let authority = try MeshAuthority.make()
        let identity = try #require(NodeIdentity(role: .storage, name: "storage"))
        let issued = try authority.issue(for: identity, hosts: ["127.0.0.1", "0.0.0.0", "storage.example"])
        let certificate = try read(issued.certificatePEM)
        #expect(NodeIdentity(certificate: certificate) == identity)
        #expect(String(describing: certificate.subject) == "CN=storage,OU=storage,O=Kuiper")
        #expect(certificate.subject != certificate.issuer)
        #expect(NodeIdentity(certificateDER: []) == nil)
        #expect(NodeIdentity(certificateDER: [0x30, 0x03, 0x02, 0x01, 0x00]) == nil)
        let root = try read(authority.certificatePEM)
        #expect(NodeIdentity(certificate: root) == nil)
    }

    @Test func aCertificateWithoutOurURINamesNobody() throws {
        let authority = try MeshAuthority.make()
        let issued = try authority.issue(commonName: "w", unit: "worker", uri: "urn:other:worker:w", hosts: [])
        #expect(NodeIdentity(certificate: try read(issued.certificatePEM)) == nil)
    }
}
