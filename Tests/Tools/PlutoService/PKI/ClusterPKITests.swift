// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Foundation
import NodeSupport
import PeerTransport
import Testing

@testable import PlutoService

@Suite struct ClusterPKITests {
    private static let nodes = ["eu-west-distributor", "eu-west-worker-1", "eu-west-worker-2", "storage"]
    private let folder: PKIFolder

    init() throws {
        folder = try PKIFolder()
    }

    @Test func makesWhatTheConfigurationNamesAndOpensslAgrees() throws {
        let report = try folder.pki().make()
        #expect(report.entries.count == 5)
        #expect(try folder.mode(folder.file("private")) == 0o700)
        #expect(try folder.mode(folder.rootKey) == 0o600)
        for node in Self.nodes {
            #expect(try folder.mode(folder.key(node)) == 0o600)
            #expect(try folder.mode(folder.certificate(node)) == 0o644)
            for purpose in ["sslserver", "sslclient"] {
                let result = try OpenSSL.run(
                    "verify", "-x509_strict", "-purpose", purpose, "-CAfile", folder.root, folder.certificate(node))
                #expect(result.status == 0, "\(result.output)")
            }
        }
        let problems = try ClusterConfiguration.examine(path: folder.file("config.toml"), looksAtFiles: true).problems
        // Only what is not pki init's to make is missing.
        #expect(problems.map(\.severity) == [.warning])
        #expect(problems.first?.message.contains("private/public-cert.pem") == true)
    }

    @Test func certificatesSayRoleNameAndHosts() throws {
        _ = try folder.pki().make()
        let text = try OpenSSL.run(
            "x509", "-noout", "-subject", "-issuer", "-ext", "subjectAltName,basicConstraints,extendedKeyUsage", "-in",
            folder.certificate("eu-west-worker-1")
        ).output
        #expect(text.contains("subject=O = Kuiper, OU = worker, CN = eu-west-worker-1"), "\(text)")
        #expect(text.contains("issuer=O = Kuiper, CN = Kuiper Pluto CA "))
        #expect(text.contains("URI:urn:kuiper:pluto:worker:eu-west-worker-1"))
        #expect(text.contains("IP Address:192.0.2.11"))
        #expect(!text.contains("0.0.0.0"))
        #expect(text.contains("CA:FALSE"))
        #expect(text.contains("TLS Web Server Authentication, TLS Web Client Authentication"))
        #expect(try folder.mesh("storage").own == NodeIdentity(role: .storage, name: "storage"))
    }

    @Test func replacesNothingUnlessForced() throws {
        _ = try folder.pki().make()
        let before = try folder.snapshot()
        let refused = #expect(throws: NodeError.self) { try folder.pki().make() }
        #expect(refused?.code == .fileExists)
        #expect(refused?.message.contains("root-cert.pem") == true)
        #expect(try folder.snapshot() == before)
        _ = try folder.pki { $0.replacesFiles = true }.make()
        let after = try folder.snapshot()
        #expect(after.keys == before.keys)
        #expect(after.allSatisfy { before[$0.key] != $0.value })
    }

    @Test(arguments: ["rsa:2048", "ec"]) func signsWithAnAuthorityThatIsThereAlready(kind: String) throws {
        // As the original's generator made it: no CN, one subject for all.
        let made = try OpenSSL.run(
            "req", "-x509", "-newkey", kind, "-pkeyopt",
            kind == "ec" ? "ec_paramgen_curve:P-384" : "rsa_keygen_bits:2048", "-nodes", "-days", "30", "-subj",
            "/O=Pluto's internal PKI", "-keyout", folder.file("ca-key.pem"), "-out", folder.file("ca.pem"))
        try #require(made.status == 0, "\(made.output)")
        let pki = try folder.pki {
            $0.existingAuthority = .init(
                certificatePath: folder.file("ca.pem"), keyPath: folder.file("ca-key.pem"))
        }
        let report = try pki.make()
        #expect(report.entries.first?.action == "kept")
        #expect(!FileManager.default.fileExists(atPath: folder.rootKey), "the key stays where it is")
        let result = try OpenSSL.run("verify", "-CAfile", folder.root, folder.certificate("storage"))
        #expect(result.status == 0, "\(result.output)")
        // Never longer than the authority.
        let end = try #require(report.entries.last?.notValidAfter)
        #expect(end.timeIntervalSinceNow < 31 * 86_400)
        _ = try folder.mesh("storage")
    }

    @Test func refusesAnAuthorityThatCannotSign() throws {
        _ = try folder.pki().make()
        func attempt(_ certificate: String, _ key: String, now: Date = Date()) throws {
            _ = try folder.pki(now: now) {
                $0.existingAuthority = .init(certificatePath: certificate, keyPath: key)
                $0.replacesFiles = true
            }.make()
        }
        let before = try folder.snapshot()
        let mismatch = #expect(throws: NodeError.self) { try attempt(folder.root, folder.key("storage")) }
        #expect(mismatch?.code == .keyMismatch)
        let leaf = #expect(throws: NodeError.self) {
            try attempt(folder.certificate("storage"), folder.key("storage"))
        }
        #expect(leaf?.code == .authorityUnusable)
        let expired = #expect(throws: NodeError.self) {
            try attempt(folder.root, folder.rootKey, now: Date().addingTimeInterval(11 * 365 * 86_400))
        }
        #expect(expired?.code == .authorityUnusable)
        #expect(try folder.snapshot() == before)
    }

    @Test func validityIsAsked() throws {
        let now = Date()
        let report = try folder.pki(now: now) {
            $0.leafDays = 3
            $0.authorityDays = 2
        }.make()
        #expect(report.firstEnd.map { abs($0.timeIntervalSince(now) - 2 * 86_400) < 2 } == true)
        #expect(report.entries.allSatisfy { $0.notValidAfter.timeIntervalSince(now) < 2 * 86_400 + 2 })
    }

    @Test func renewalGivesNewPairsThatRunningNodesTake() throws {
        _ = try folder.pki { $0.leafDays = 1 }.make()
        let running = try folder.mesh("storage")
        let before = try folder.snapshot()
        let report = try folder.pki().renew()
        #expect(report.entries.map(\.action) == Array(repeating: "issued", count: 4))
        let after = try folder.snapshot()
        #expect(after["root-cert.pem"] == before["root-cert.pem"])
        #expect(after["root-key.pem"] == before["root-key.pem"])
        #expect(after.filter { before[$0.key] != $0.value }.count == 8)
        try running.reload()
        #expect(running.notValidAfter.timeIntervalSinceNow > 80 * 86_400)
    }

    @Test func renewalCanSkipWhatIsStillGoodAndAddsNewNodes() throws {
        _ = try folder.pki { $0.leafDays = 20 }.make()
        try FileManager.default.removeItem(atPath: folder.certificate("storage"))
        try FileManager.default.removeItem(atPath: folder.key("eu-west-worker-1"))
        let report = try folder.pki { $0.endingWithinDays = 10 }.renew()
        let actions = Dictionary(uniqueKeysWithValues: report.entries.map { ($0.subject, $0.action) })
        #expect(
            actions == [
                "storage storage": "issued", "worker eu-west-worker-1": "issued", "worker eu-west-worker-2": "kept",
                "distributor eu-west-distributor": "kept",
            ])
        _ = try folder.mesh("storage")
        let all = try folder.pki { $0.endingWithinDays = 30 }.renew()
        #expect(all.entries.filter { $0.action == "issued" }.count == 2)
    }

    @Test func theAuthorityChangesInThreeStepsWithoutAMomentWithoutTrust() async throws {
        _ = try folder.pki().make()
        let first = try folder.read("private/root-cert.pem")
        let storage = try folder.mesh("storage")
        let worker = try folder.mesh("eu-west-worker-1")
        /// Every mixture of a node that took the new files and one that did not yet must work.
        func connectInEveryOrder() async throws {
            try await Mutual.handshake(client: worker, server: storage)
            try worker.reload()
            try await Mutual.handshake(client: worker, server: storage)
            try await Mutual.handshake(client: storage, server: worker)
            try storage.reload()
            try await Mutual.handshake(client: worker, server: storage)
        }

        let added = try folder.pki().renewWithNewAuthority()
        #expect(added.entries.prefix(2).map(\.action) == ["added", "kept"])
        try await connectInEveryOrder()
        _ = try folder.pki().renew()
        try await connectInEveryOrder()
        _ = try folder.pki(now: Date().addingTimeInterval(ClusterPKI.settlingTime + 10)).renew()
        try await connectInEveryOrder()
        #expect(try folder.read("private/root-cert.pem") != first)
        #expect(try folder.mode(folder.rootKey) == 0o600)
    }

    @Test func anOldAuthorityLeavesWhenNobodyNeedsIt() throws {
        _ = try folder.pki().make()
        let first = try folder.read("private/root-cert.pem")
        func bundle() throws -> Int {
            try folder.read("private/root-cert.pem").split(separator: "BEGIN CERTIFICATE").count - 1
        }
        _ = try folder.pki().renewWithNewAuthority()
        #expect(try bundle() == 2)
        let again = #expect(throws: NodeError.self) { try folder.pki().renewWithNewAuthority() }
        #expect(again?.code == .authorityUnusable)
        let second = try folder.pki().renew()
        #expect(try bundle() == 2)
        #expect(second.advice.contains { $0.contains("stays trusted") })
        // Too early: a running node may not have looked yet.
        #expect(try folder.pki { $0.endingWithinDays = 1 }.renew().entries.allSatisfy { $0.action == "kept" })
        #expect(try bundle() == 2)
        let third = try folder.pki(now: Date().addingTimeInterval(ClusterPKI.settlingTime + 10)).renew()
        #expect(try bundle() == 1)
        #expect(third.entries.contains { $0.action == "removed" })
        #expect(try folder.read("private/root-cert.pem") != first)
        for node in Self.nodes { _ = try folder.mesh(node) }
    }

    @Test func aRenewalWithoutAnAuthoritySaysWhatIsMissing() throws {
        let missing = #expect(throws: NodeError.self) { try folder.pki().renew() }
        #expect(missing?.code == .fileMissing)
        #expect(missing?.message.contains("root-cert.pem") == true)
    }

    @Test func makesAPublicCertificateThatIsItsOwnAuthority() throws {
        let report = try folder.pki { $0.publicHosts = ["mail.example.org"] }.makePublic()
        #expect(report.entries.map(\.subject) == ["public eu-west-distributor"])
        let certificate = folder.file("private/public-cert.pem")
        #expect(try folder.mode(folder.file("private/public-key.pem")) == 0o600)
        for (option, host) in [
            ("-verify_hostname", "mail.example.org"), ("-verify_hostname", "localhost"), ("-verify_ip", "192.0.2.1"),
            ("-verify_ip", "127.0.0.1"),
        ] {
            let result = try OpenSSL.run(
                "verify", "-purpose", "sslserver", option, host, "-CAfile", certificate, certificate)
            #expect(result.status == 0, "\(result.output)")
        }
        _ = try PEMFiles.load(certificate: certificate, key: folder.file("private/public-key.pem"))
        let refused = #expect(throws: NodeError.self) { try folder.pki().makePublic() }
        #expect(refused?.code == .fileExists)
    }

    @Test func theReportHasALineForEachFile() throws {
        let report = try folder.pki(now: Date(timeIntervalSince1970: 1_800_000_000)).make()
        let lines = report.description.split(separator: "\n")
        #expect(lines.count == 7)
        #expect(lines[0].hasPrefix("made    authority"))
        #expect(lines[4].hasPrefix("issued  storage storage"))
        #expect(lines[4].contains("until 2027-04-15"))
        #expect(lines[4].hasSuffix("private/internal-storage-cert.pem"))
    }

    @Test func checksFilesThatCannotBeUsed() throws {
        func told() throws -> [String] {
            try ClusterConfiguration.examine(path: folder.file("config.toml"), looksAtFiles: true).problems
                .map(\.message)
        }
        #expect(try told().contains { $0.contains("RootCertLoc: there is no file") })
        _ = try folder.pki(now: Date().addingTimeInterval(-80 * 86_400)).make()
        _ = try folder.pki().makePublic()
        #expect(
            try told().filter { $0.contains("ends within 10 days") || $0.contains("ends within 11 days") }.count == 4)
        _ = try folder.pki().renew()
        #expect(try told() == [])
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: folder.key("storage"))
        #expect(try told().count == 1)
        #expect(try told().first?.contains("[Storage]: everybody on this machine may use") == true)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: folder.key("storage"))
        let worker = try folder.read("private/internal-eu-west-worker-1-cert.pem")
        let workerKey = try folder.read("private/internal-eu-west-worker-1-key.pem")
        try folder.write("private/internal-storage-cert.pem", worker)
        try folder.write("private/internal-storage-key.pem", workerKey)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: folder.key("storage"))
        let swapped = try told()
        #expect(swapped.count == 1)
        #expect(
            swapped.first?.contains("is the certificate of worker eu-west-worker-1, not of storage storage") == true)
    }
}
