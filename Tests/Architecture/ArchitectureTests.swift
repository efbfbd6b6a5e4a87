// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Foundation
import Testing

/// The rules of the house that a compiler does not check: who may import whom, and what every file has.
@Suite("Architecture")
struct ArchitectureTests {
    /// What each target may import. Arrows point down: a name that is not here is not allowed.
    static let allowed: [(folder: String, imports: Set<String>)] = [
        ("Sources/CRDTKit", []),
        ("Sources/IMAPCore", []),
        ("Sources/SyncJobs", []),
        ("Sources/Tools/Support/MirrorWire", ["Glibc", "SyncJobs"]),
        ("Sources/Tools/Support/MirrorConfig", ["Glibc", "NodeSupport", "SyncJobs"]),
        (
            "Sources/Tools/Support/MirrorRun",
            ["CMirrorRun", "CZlib", "Glibc", "Logging", "MirrorConfig", "SyncJobs", "Synchronization"]
        ),
        (
            "Sources/Tools/Support/MirrorWorker",
            [
                "AsyncHTTPClient", "Dispatch", "FoundationEssentials", "Glibc", "HTTPTypes", "Hummingbird",
                "HummingbirdCore",
                "HummingbirdTLS", "Logging", "MirrorConfig", "MirrorRun", "MirrorWire", "NIOCore", "NIOHTTP1", "NIOSSL",
                "NodeSupport", "ServiceLifecycle", "Storage", "SyncJobs", "Synchronization",
            ]
        ),
        (
            "Sources/Tools/Support/MirrorManager",
            [
                "AsyncHTTPClient", "CPostgreSQL", "CZlib", "Crypto", "Glibc", "HTTPTypes", "Hummingbird",
                "HummingbirdCore", "Logging", "MirrorConfig", "MirrorWire", "NIOCore", "NIOHTTP1", "NIOPosix", "NIOSSL",
                "NodeSupport", "ServiceLifecycle", "Storage", "SyncJobs", "Synchronization",
            ]
        ),
        (
            "Sources/Tools/mirror",
            [
                "ArgumentParser", "AsyncHTTPClient", "Dispatch", "FoundationEssentials", "Glibc", "Logging",
                "MirrorConfig", "MirrorManager", "MirrorWire", "MirrorWorker", "NIOCore", "NIOHTTP1", "NIOPosix",
                "NIOSSL", "NodeSupport", "ServiceLifecycle", "Storage", "SyncJobs", "Synchronization",
            ]
        ),
        ("Benchmarks/BenchKit", ["Foundation", "Glibc", "Synchronization"]),
        ("Sources/Tools/Support/Storage", ["CRDTKit", "CLMDB", "Glibc", "Synchronization"]),
        (
            "Sources/Tools/Support/NodeSupport",
            [
                "Crypto", "CryptoExtras", "Dispatch", "FoundationEssentials", "Glibc", "Logging", "NIOCore", "NIOHTTP1",
                "NIOPosix", "NIOSSL", "ServiceLifecycle", "SwiftASN1", "Synchronization", "TOMLKit", "UnixSignals",
                "X509",
            ]
        ),
        (
            "Sources/Tools/Support/MailStore",
            ["CRDTKit", "Crypto", "Glibc", "Logging", "Storage", "Synchronization"]
        ),
        (
            "Sources/Tools/Support/IMAPService",
            [
                "CRDTKit", "Glibc", "IMAPCore", "Logging", "MailStore", "NIOCore", "NIOPosix", "NIOSSL", "NodeSupport",
                "ServiceLifecycle", "Synchronization",
            ]
        ),
        (
            "Sources/Tools/Support/UserDatabase",
            ["CPostgreSQL", "Crypto", "FoundationEssentials", "Glibc", "Logging", "NodeSupport", "Synchronization"]
        ),
        (
            "Sources/Tools/Support/PeerTransport",
            [
                "CRDTKit", "FoundationEssentials", "Glibc", "Logging", "NIOCore", "NIOPosix", "NIOSSL", "NIOTLS",
                "NodeSupport", "ServiceLifecycle", "SwiftASN1", "Synchronization", "X509",
            ]
        ),
        (
            "Sources/Tools/Support/ReplicaService",
            [
                "CRDTKit", "Glibc", "Logging", "MailStore", "NIOCore", "NIOPosix", "NodeSupport", "PeerTransport",
                "ServiceLifecycle", "Synchronization",
            ]
        ),
        (
            "Sources/Tools/Support/FrontDoor",
            [
                "Glibc", "IMAPCore", "IMAPService", "Logging", "MailStore", "NIOCore", "NIOPosix", "NIOSSL", "NIOTLS",
                "NodeSupport", "PeerTransport", "ServiceLifecycle", "Synchronization",
            ]
        ),
        (
            "Sources/Tools/Support/PlutoService",
            [
                "CRDTKit", "Crypto", "FoundationEssentials", "FrontDoor", "Glibc", "IMAPCore", "IMAPService", "Logging",
                "MailStore", "NIOCore", "NIOHTTP1", "NIOPosix", "NIOSSL", "NodeSupport", "PeerTransport",
                "ReplicaService", "ServiceLifecycle", "SwiftASN1", "Synchronization", "UserDatabase", "X509",
            ]
        ),
        (
            "Sources/Tools/pluto",
            [
                "ArgumentParser", "Glibc", "IMAPCore", "IMAPService", "Logging", "MailStore", "NIOCore", "NIOPosix",
                "NodeSupport", "PlutoService", "ServiceLifecycle",
            ]
        ),
    ]

    @Test("targets import only what lies below them", arguments: allowed.map(\.folder))
    func targetsImportOnlyWhatLiesBelow(folder: String) throws {
        let rule = try #require(Self.allowed.first { $0.folder == folder })
        let pattern =
            /^\s*(?:@\w+ )*(?:public |package |internal |private |fileprivate )?import (?:struct |class |enum |func )?(\w+)/
        for file in try Self.swiftFiles(in: folder) {
            for line in file.text.split(separator: "\n") {
                guard let match = line.firstMatch(of: pattern) else { continue }
                #expect(rule.imports.contains(String(match.1)), "\(file.path) imports \(match.1)")
            }
        }
    }

    @Test func everySourceFolderHasARule() throws {
        for file in try Self.swiftFiles(in: "Sources") {
            #expect(Self.allowed.contains { file.path.hasPrefix($0.folder + "/") }, "\(file.path) has no rule")
        }
    }

    @Test func everyImportSaysWhoSeesIt() throws {
        for file in try Self.swiftFiles(in: "Sources") {
            for line in file.text.split(separator: "\n") where line.hasPrefix("import ") {
                Issue.record("\(file.path): write \"internal \(line)\" or a wider access level")
            }
        }
    }

    @Test func everyFileNamesItsLicence() throws {
        for root in ["Sources", "Tests", "Benchmarks"] {
            for file in try Self.swiftFiles(in: root) {
                #expect(file.text.contains("SPDX-License-Identifier: Apache-2.0"), "\(file.path)")
            }
        }
    }

    @Test func filesHoldOneIdea() throws {
        for file in try Self.swiftFiles(in: "Sources") {
            let lines = file.text.split(separator: "\n", omittingEmptySubsequences: false).count
            #expect(lines <= 600, "\(file.path) has \(lines) lines")
        }
    }

    @Test func nothingOutsideIsTakenByForce() throws {
        let pattern = /\btry!|\bas!|fatalError\(/
        for file in try Self.swiftFiles(in: "Sources") {
            for line in file.text.split(separator: "\n")
            where !line.trimmingCharacters(in: .whitespaces).hasPrefix("//") {
                #expect(line.firstMatch(of: pattern) == nil, "\(file.path): \(line)")
            }
        }
    }

    private static func swiftFiles(in folder: String) throws -> [(path: String, text: String)] {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let start = root.appending(path: folder)
        guard let walker = FileManager.default.enumerator(at: start, includingPropertiesForKeys: nil) else { return [] }
        var files: [(path: String, text: String)] = []
        for case let url as URL in walker where url.pathExtension == "swift" && !url.path.contains("/.build") {
            let path = String(url.path.dropFirst(root.path.count + 1))
            files.append((path, try String(contentsOf: url, encoding: .utf8)))
        }
        return files
    }
}
