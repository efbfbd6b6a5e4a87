// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Crypto
import FoundationEssentials
@testable import NodeSupport
import SwiftASN1
import Testing
import X509

@Suite(.timeLimit(.minutes(10))) struct CertificateStoreTests {
    private static let files = ["ca.pem", "ca-key.pem", "server.pem", "server-key.pem"]
    private let day: TimeInterval = 86_400

    private func certificate(_ folder: ScratchFolder, _ name: String) throws -> Certificate {
        try Certificate(pemEncoded: folder.read(name))
    }

    private func issued(_ identity: ServerIdentity) -> [ServerIdentity.IssueReason] {
        identity.changes.compactMap { if case .issuedServerCertificate(let reason) = $0 { reason } else { nil } }
    }

    // MARK: Making

    @Test func makesAnAuthorityAndAServerCertificate() throws {
        let folder = ScratchFolder()
        let now = Date()
        let directory = folder.file("tls")
        let identity = try CertificateStore.loadOrCreate(directory: directory, now: now)
        #expect(identity.changes == [.createdAuthority, .issuedServerCertificate(.missing)])
        #expect(identity.authorityPath == "\(directory)/ca.pem")
        #expect(identity.certificatePath == "\(directory)/server.pem")
        #expect(Set(DataDirectory.entries(of: directory)) == Set(Self.files))
        #expect(ScratchFolder.mode(directory) == 0o700)
        #expect(ScratchFolder.mode("\(directory)/ca-key.pem") == 0o600)
        #expect(ScratchFolder.mode("\(directory)/server-key.pem") == 0o600)

        let authority = try certificate(folder, "tls/ca.pem")
        let server = try certificate(folder, "tls/server.pem")
        #expect(authority.subject == authority.issuer)
        #expect(server.issuer == authority.subject)
        #expect(server.subject != server.issuer)
        #expect(server.serialNumber != authority.serialNumber)
        #expect(authority.publicKey.isValidSignature(server.signature, for: server))
        #expect(try authority.extensions.basicConstraints == .isCertificateAuthority(maxPathLength: 0))
        #expect(try authority.extensions.keyUsage == KeyUsage(keyCertSign: true, cRLSign: true))
        #expect(try server.extensions.basicConstraints == .notCertificateAuthority)
        #expect(try server.extensions.extendedKeyUsage == ExtendedKeyUsage([.serverAuth]))
        #expect(CertificateName.names(in: server) == Set(CertificateName.loopback))
        #expect(abs(authority.notValidAfter.timeIntervalSince(now) - 3_650 * day) < 2)
        #expect(abs(server.notValidAfter.timeIntervalSince(now) - 397 * day) < 2)
        #expect(identity.notValidAfter == server.notValidAfter)
    }

    @Test func twoStoresHaveAuthoritiesOfDifferentNames() throws {
        let folder = ScratchFolder()
        for name in ["a", "b"] { _ = try CertificateStore.loadOrCreate(directory: folder.file(name)) }
        #expect(try certificate(folder, "a/ca.pem").subject != certificate(folder, "b/ca.pem").subject)
    }

    @Test func opensslAcceptsTheChainAndTheHosts() throws {
        let folder = ScratchFolder()
        _ = try CertificateStore.loadOrCreate(directory: folder.path, hosts: ["mail.example.org", "192.0.2.7"])
        let checks: [[String]] = [
            [], ["-verify_hostname", "localhost"], ["-verify_hostname", "mail.example.org"],
            ["-verify_ip", "127.0.0.1"], ["-verify_ip", "::1"], ["-verify_ip", "192.0.2.7"],
        ]
        for check in checks {
            let arguments =
                ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", folder.file("ca.pem")]
                + check + [folder.file("server.pem")]
            let result = try Shell.run(arguments)
            #expect(result.status == 0, "\(result.output)")
        }
        let wrong = try Shell.run([
            "openssl", "verify", "-CAfile", folder.file("ca.pem"), "-verify_hostname", "other.example",
            folder.file("server.pem"),
        ])
        #expect(wrong.status != 0)
        for (key, certificate) in [("ca-key.pem", "ca.pem"), ("server-key.pem", "server.pem")] {
            let ofKey = try Shell.run(["openssl", "pkey", "-in", folder.file(key), "-pubout"])
            let ofCertificate = try Shell.run(["openssl", "x509", "-in", folder.file(certificate), "-pubkey", "-noout"])
            #expect(ofKey.status == 0 && ofKey.output == ofCertificate.output)
        }
    }

    // MARK: Keeping

    @Test func usesWhatIsThere() throws {
        let folder = ScratchFolder()
        _ = try CertificateStore.loadOrCreate(directory: folder.path, hosts: ["Mail.Example.org", "0.0.0.0", "::"])
        let before = try folder.snapshot()
        let again = try CertificateStore.loadOrCreate(directory: folder.path, hosts: ["mail.example.ORG"])
        #expect(again.changes.isEmpty)
        #expect(try folder.snapshot() == before)
    }

    @Test func issuesAgainThirtyDaysBeforeTheEnd() throws {
        let folder = ScratchFolder()
        let start = Date()
        _ = try CertificateStore.loadOrCreate(directory: folder.path, now: start)
        let authority = try folder.read("ca.pem")
        let server = try folder.read("server.pem")
        let early = try CertificateStore.loadOrCreate(directory: folder.path, now: start + 366 * day)
        #expect(early.changes.isEmpty)
        let due = try CertificateStore.loadOrCreate(directory: folder.path, now: start + 368 * day)
        #expect(issued(due) == [.expiring])
        #expect(try folder.read("ca.pem") == authority)
        #expect(try folder.read("server.pem") != server)
        let late = try CertificateStore.loadOrCreate(directory: folder.path, now: start + 2_000 * day)
        #expect(issued(late) == [.expiring])
    }

    @Test func issuesAgainWhenTheClockWentBack() throws {
        let folder = ScratchFolder()
        let start = Date()
        _ = try CertificateStore.loadOrCreate(directory: folder.path, now: start)
        let back = try CertificateStore.loadOrCreate(directory: folder.path, now: start - 10 * day)
        #expect(issued(back) == [.notYetValid])
    }

    @Test func neverOutlivesItsAuthorityAndReportsItsEnd() throws {
        let folder = ScratchFolder()
        let start = Date()
        _ = try CertificateStore.loadOrCreate(directory: folder.path, now: start)
        let end = try certificate(folder, "ca.pem").notValidAfter
        let late = try CertificateStore.loadOrCreate(directory: folder.path, now: end - 10 * day)
        #expect(late.notValidAfter == end)
        // Within the authority's last days the certificate cannot last longer; it is not issued at every start.
        let again = try CertificateStore.loadOrCreate(directory: folder.path, now: end - 9 * day)
        #expect(again.changes.isEmpty)
        let before = try folder.snapshot()
        let error = #expect(throws: NodeError.self) {
            try CertificateStore.loadOrCreate(directory: folder.path, now: end + day)
        }
        #expect(error?.code == .authorityUnusable)
        #expect(error?.message.contains("ca.pem") == true)
        #expect(try folder.snapshot() == before)
    }

    @Test func issuesAgainForNewHostsOnly() throws {
        let folder = ScratchFolder()
        _ = try CertificateStore.loadOrCreate(directory: folder.path, hosts: ["a.example", "192.0.2.1"])
        let fewer = try CertificateStore.loadOrCreate(directory: folder.path, hosts: ["a.example"])
        #expect(fewer.changes.isEmpty)
        let more = try CertificateStore.loadOrCreate(directory: folder.path, hosts: ["a.example", "b.example"])
        #expect(issued(more) == [.hostsChanged])
        let names = CertificateName.names(in: try certificate(folder, "server.pem"))
        #expect(names.isSuperset(of: [.name("a.example"), .name("b.example"), .name("localhost")]))
    }

    @Test func issuesAgainWhenTheKeyIsAnother() throws {
        let folder = ScratchFolder()
        _ = try CertificateStore.loadOrCreate(directory: folder.path)
        try folder.write("server-key.pem", P256.Signing.PrivateKey().pemRepresentation)
        #expect(issued(try CertificateStore.loadOrCreate(directory: folder.path)) == [.keyMismatch])
        #expect(try CertificateStore.loadOrCreate(directory: folder.path).changes.isEmpty)
    }

    @Test func issuesAgainUnderANewAuthority() throws {
        let folder = ScratchFolder()
        _ = try CertificateStore.loadOrCreate(directory: folder.path)
        try folder.remove("ca.pem")
        try folder.remove("ca-key.pem")
        let identity = try CertificateStore.loadOrCreate(directory: folder.path)
        #expect(identity.changes == [.createdAuthority, .issuedServerCertificate(.authorityChanged)])
    }

    @Test func aKeptAuthorityWithoutItsKeyServesUntilItMustSign() throws {
        let folder = ScratchFolder()
        _ = try CertificateStore.loadOrCreate(directory: folder.path)
        try folder.remove("ca-key.pem")
        #expect(try CertificateStore.loadOrCreate(directory: folder.path).changes.isEmpty)
        let before = try folder.snapshot()
        let error = #expect(throws: NodeError.self) {
            try CertificateStore.loadOrCreate(directory: folder.path, hosts: ["new.example"])
        }
        #expect(error?.code == .authorityUnusable)
        #expect(error?.message.contains("ca-key.pem") == true)
        #expect(try folder.snapshot() == before)
    }

    // MARK: Crashes

    /// The files appear in this order; a crash leaves the first so many, and perhaps a temporary file.
    @Test(arguments: 0...4)
    func completesWhatACrashLeft(written: Int) throws {
        let folder = ScratchFolder()
        _ = try CertificateStore.loadOrCreate(directory: folder.path)
        let order = ["ca-key.pem", "ca.pem", "server-key.pem", "server.pem"]
        for name in order[written...] { try folder.remove(name) }
        let kept = try folder.snapshot()
        try folder.write(".server.pem.tmp-abc", "half a certif")
        let identity = try CertificateStore.loadOrCreate(directory: folder.path)
        #expect(Set(DataDirectory.entries(of: folder.path)) == Set(Self.files))
        for name in order[..<min(written, 2)] { #expect(try folder.read(name) == kept[name]) }
        #expect(identity.changes.isEmpty == (written == 4))
        #expect(try CertificateStore.loadOrCreate(directory: folder.path).changes.isEmpty)
    }

    @Test func completesARenewalThatACrashCutInHalf() throws {
        let folder = ScratchFolder()
        let start = Date()
        _ = try CertificateStore.loadOrCreate(directory: folder.path, now: start)
        let oldCertificate = try folder.read("server.pem")
        _ = try CertificateStore.loadOrCreate(directory: folder.path, now: start + 380 * day)
        // The new key was written, the new certificate was not.
        try folder.write("server.pem", oldCertificate)
        let identity = try CertificateStore.loadOrCreate(directory: folder.path, now: start + 1 * day)
        #expect(issued(identity) == [.keyMismatch])
    }

    @Test func manyStartersAgree() async throws {
        let folder = ScratchFolder()
        let path = folder.path
        let made = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<8 {
                group.addTask { try CertificateStore.loadOrCreate(directory: path).changes.count }
            }
            return try await group.reduce(0, +)
        }
        #expect(made == 2)
        #expect(Set(DataDirectory.entries(of: path)) == Set(Self.files))
    }

    // MARK: Broken files

    @Test(arguments: files, ["", "garbage", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "half"])
    func brokenFilesAreReportedAndNothingChanges(name: String, content: String) throws {
        let folder = ScratchFolder()
        _ = try CertificateStore.loadOrCreate(directory: folder.path)
        let whole = try folder.read(name)
        try folder.write(name, content == "half" ? String(whole.prefix(whole.count / 2)) : content)
        let before = try folder.snapshot()
        let error = #expect(throws: NodeError.self) {
            try CertificateStore.loadOrCreate(directory: folder.path, hosts: ["new.example"])
        }
        #expect(error?.code == .pemMalformed)
        #expect(error?.message.hasPrefix("\(folder.file(name)): ") == true, "\(error?.message ?? "")")
        #expect(error?.message.contains("restore the file") == true)
        #expect(try folder.snapshot() == before)
    }

    @Test func aForeignAuthorityKeyIsReported() throws {
        let folder = ScratchFolder()
        _ = try CertificateStore.loadOrCreate(directory: folder.path)
        try folder.write("ca-key.pem", P256.Signing.PrivateKey().pemRepresentation)
        let before = try folder.snapshot()
        let error = #expect(throws: NodeError.self) { try CertificateStore.loadOrCreate(directory: folder.path) }
        #expect(error?.code == .keyMismatch)
        #expect(try folder.snapshot() == before)
    }

    @Test func aForeignServerCertificateIsNeverReplaced() throws {
        let folder = ScratchFolder()
        let made = try Shell.run([
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
            "/O=Somebody/CN=mail.example.org", "-keyout", folder.file("server-key.pem"), "-out",
            folder.file("server.pem"),
        ])
        #expect(made.status == 0, "\(made.output)")
        let before = try folder.snapshot()
        let error = #expect(throws: NodeError.self) { try CertificateStore.loadOrCreate(directory: folder.path) }
        #expect(error?.code == .certificateForeign)
        #expect(try folder.snapshot() == before)
    }

    @Test(arguments: ["", "a b", "bücher.example", "*.example", "a\u{0}b", "1.2.3.4.5", "-x.example"])
    func refusesHostsThatNoCertificateCanName(host: String) throws {
        let folder = ScratchFolder()
        let error = #expect(throws: NodeError.self) {
            try CertificateStore.loadOrCreate(directory: folder.file("tls"), hosts: [host])
        }
        #expect(error?.code == .hostInvalid)
        #expect(DataDirectory.entries(of: folder.path).isEmpty)
    }
}
