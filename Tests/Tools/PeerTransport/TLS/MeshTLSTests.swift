// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Dispatch
import FoundationEssentials
import Glibc
import Logging
import NIOSSL
import NodeSupport
import PeerTransport
import Testing

// One after the other: SIGHUP goes to all of a process, and makes every mesh in it look and complain.
@Suite(.serialized, .timeLimit(.minutes(10))) struct MeshTLSTests {
    private let folder: MeshFolder

    init() throws {
        folder = try MeshFolder()
        try folder.issue(.worker, "worker-1")
        try folder.issue(.storage, "storage")
    }

    private func connect(_ client: MeshTLS, _ server: MeshTLS) async throws -> MeshHandshake.Outcome {
        try await MeshHandshake.run(
            client: try client.clientContext(), server: try server.serverContext(applicationProtocols: []))
    }

    /// Returns when SIGHUP has a handler in this process, whoever else has one.
    private func hangupHandler() async -> any DispatchSourceSignal {
        let source = DispatchSource.makeSignalSource(signal: SIGHUP, queue: .global())
        await withCheckedContinuation { continuation in
            source.setRegistrationHandler { continuation.resume() }
            source.resume()
        }
        return source
    }

    @Test func bothEndsLearnWhoTheOtherIs() async throws {
        let worker = try folder.mesh("worker-1")
        let storage = try folder.mesh("storage")
        #expect(worker.own == NodeIdentity(role: .worker, name: "worker-1"))
        let outcome = try await connect(worker, storage)
        #expect(outcome.client == worker.own)
        #expect(outcome.server == storage.own)
        #expect(outcome.version == .tlsv13)
    }

    @Test func hostNamesDoNotMatter() async throws {
        let worker = try folder.mesh("worker-1")
        let storage = try folder.mesh("storage")
        let outcome = try await MeshHandshake.run(
            client: try worker.clientContext(), server: try storage.serverContext(applicationProtocols: []),
            hostname: "elsewhere.example")
        #expect(outcome.server == storage.own)
    }

    @Test func olderVersionsOfTLSAreRefused() async throws {
        let storage = try folder.mesh("storage")
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .none
        configuration.maximumTLSVersion = .tlsv12
        configuration.certificateChain = try NIOSSLCertificate.fromPEMFile(folder.file("worker-1.pem"))
            .map { .certificate($0) }
        configuration.privateKey = .privateKey(
            try NIOSSLPrivateKey(file: folder.file("worker-1-key.pem"), format: .pem))
        let client = try NIOSSLContext(configuration: configuration)
        let server = try storage.serverContext(applicationProtocols: [])
        await #expect(throws: (any Error).self) { try await MeshHandshake.run(client: client, server: server) }
    }

    @Test func aClientWithoutACertificateIsRefused() async throws {
        let storage = try folder.mesh("storage")
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .file(folder.file("root.pem"))
        let client = try NIOSSLContext(configuration: configuration)
        let server = try storage.serverContext(applicationProtocols: [])
        await #expect(throws: (any Error).self) { try await MeshHandshake.run(client: client, server: server) }
    }

    @Test func certificatesOfAnotherAuthorityAreRefusedAtBothEnds() async throws {
        let other = try MeshFolder()
        try other.issue(.worker, "worker-1")
        let storage = try folder.mesh("storage")
        let stranger = try other.mesh("worker-1")
        await #expect(throws: (any Error).self) { try await connect(stranger, storage) }
        await #expect(throws: (any Error).self) { try await connect(storage, stranger) }
    }

    @Test func expiredCertificatesAreRefusedByPeersAndReportedByTheirNode() async throws {
        try folder.issue(.worker, "old", lifetime: 600, now: Date().addingTimeInterval(-3_600))
        let log = LogCollector()
        let expired = try folder.mesh("old", logger: log.logger)
        #expect(log.all.contains { $0.level == .error && $0.text.contains("expired") })
        let storage = try folder.mesh("storage")
        await #expect(throws: (any Error).self) { try await connect(expired, storage) }
    }

    @Test func warnsBeforeTheEnd() throws {
        try folder.issue(.worker, "soon", lifetime: 13 * 86_400)
        let log = LogCollector()
        _ = try folder.mesh("soon", logger: log.logger)
        #expect(log.all.map(\.level) == [.warning])
        try folder.issue(.worker, "later", lifetime: 15 * 86_400)
        let quiet = LogCollector()
        _ = try folder.mesh("later", logger: quiet.logger)
        #expect(quiet.all.isEmpty)
    }

    @Test func refusesFilesThatDoNotBelongTogether() throws {
        try folder.issue(.worker, "other")
        try folder.write(
            "swapped.pem", String(decoding: Data(contentsOf: URL(filePath: folder.file("other.pem"))), as: UTF8.self))
        try folder.write(
            "swapped-key.pem",
            String(decoding: Data(contentsOf: URL(filePath: folder.file("worker-1-key.pem"))), as: UTF8.self))
        #expect(throws: NodeError.self) { try folder.mesh("swapped") }
        let stranger = try MeshAuthority.make()
        try folder.write("stranger.pem", stranger.certificatePEM)
        let untrusted = #expect(throws: NodeError.self) { try folder.mesh("worker-1", roots: "stranger.pem") }
        #expect(untrusted?.code == .certificateUntrusted)
        let anonymous = try folder.authority.issue(commonName: "w", unit: "worker", uri: "urn:x", hosts: [])
        try anonymous.write(
            certificatePath: folder.file("anonymous.pem"), keyPath: folder.file("anonymous-key.pem"))
        let unidentified = #expect(throws: NodeError.self) { try folder.mesh("anonymous") }
        #expect(unidentified?.code == .certificateUnidentified)
        let missing = #expect(throws: NodeError.self) { try folder.mesh("nobody") }
        #expect(missing?.code == .fileMissing)
    }

    @Test func newConnectionsUseNewFiles() async throws {
        let worker = try folder.mesh("worker-1")
        let storage = try folder.mesh("storage")
        let before = try worker.clientContext()
        #expect(try worker.clientContext() === before)
        try worker.reload()
        #expect(try worker.clientContext() === before, "unchanged files need no new context")
        let end = worker.notValidAfter
        try folder.issue(.worker, "worker-1", lifetime: 5 * 86_400)
        try worker.reload()
        #expect(worker.notValidAfter > end)
        #expect(try worker.clientContext() !== before)
        #expect(try await connect(worker, storage).client == worker.own)
    }

    @Test func rootsRotateWithoutAMomentWithoutTrust() async throws {
        let worker = try folder.mesh("worker-1")
        let storage = try folder.mesh("storage")
        let next = try MeshAuthority.make()
        // First both roots are trusted, one node after the other; then the leaves change, one after the other.
        try folder.write("root.pem", next.certificatePEM + folder.authority.certificatePEM)
        try storage.reload()
        _ = try await connect(worker, storage)
        try worker.reload()
        try folder.issue(.worker, "worker-1", by: next)
        try worker.reload()
        #expect(try await connect(worker, storage).client == worker.own)
        #expect(try await connect(storage, worker).server == worker.own)
        try folder.issue(.storage, "storage", by: next)
        try storage.reload()
        try folder.write("root.pem", next.certificatePEM)
        try worker.reload()
        try storage.reload()
        #expect(try await connect(worker, storage).server == storage.own)
    }

    @Test func brokenFilesChangeNothing() async throws {
        let worker = try folder.mesh("worker-1")
        let storage = try folder.mesh("storage")
        for (file, text) in [("worker-1.pem", "garbage"), ("worker-1-key.pem", ""), ("root.pem", "-----BEGIN")] {
            let before = String(decoding: try Data(contentsOf: URL(filePath: folder.file(file))), as: UTF8.self)
            try folder.write(file, text)
            #expect(throws: NodeError.self) { try worker.reload() }
            #expect(try await connect(worker, storage).client == worker.own)
            try folder.write(file, before)
        }
        try folder.issue(.worker, "worker-2", as: "worker-1")
        let changed = #expect(throws: NodeError.self) { try worker.reload() }
        #expect(changed?.code == .identityChanged)
        #expect(worker.own.name == "worker-1")
    }

    @Test func looksByItselfAndComplainsOnceAboutWhatStaysBroken() async throws {
        var limits = MeshTLS.Limits()
        limits.pollInterval = .milliseconds(5)
        limits.settleDelay = .zero
        let log = LogCollector()
        try folder.issue(.worker, "worker-1", lifetime: 30 * 86_400)
        let worker = try folder.mesh("worker-1", limits: limits, logger: log.logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await worker.run() }
            try folder.write("worker-1.pem", "garbage")
            let complaint = await log.next(atLeast: .error)
            #expect(complaint?.text.contains("worker-1.pem") == true)
            try folder.issue(.worker, "worker-1", lifetime: 40 * 86_400)
            // The two files may be found half way, which is complained about too.
            while let line = await log.next(atLeast: .notice), line.level != .notice {}
            #expect(worker.notValidAfter.timeIntervalSinceNow > 35 * 86_400)
            group.cancelAll()
            try await group.waitForAll()
        }
        #expect(log.all.filter { $0.level == .error }.count <= 2)
    }

    @Test func hangupMakesItLookAtOnce() async throws {
        var limits = MeshTLS.Limits()
        limits.pollInterval = .seconds(3_600)
        let log = LogCollector()
        try folder.issue(.worker, "worker-1", lifetime: 30 * 86_400)
        let worker = try folder.mesh("worker-1", limits: limits, logger: log.logger)
        // SIGHUP ends a process that has no handler yet; libdispatch installs one for all who ask, which must stay as it is.
        let handler = await hangupHandler()
        defer { handler.cancel() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await worker.run() }
            try folder.issue(.worker, "worker-1", lifetime: 40 * 86_400)
            // The signal is sent until it is heard: nothing says when the handler is in place.
            while worker.notValidAfter.timeIntervalSinceNow < 35 * 86_400 {
                kill(getpid(), SIGHUP)
                try await Task.sleep(for: .milliseconds(2))
            }
            group.cancelAll()
            try await group.waitForAll()
        }
    }
}
