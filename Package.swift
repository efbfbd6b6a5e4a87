// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import PackageDescription

/// The fast loop: `KITS_ONLY=1` leaves only the pure kits and their tests, which need nothing but the standard library.
let kitsOnly = ["1", "simulation"].contains(Context.environment["KITS_ONLY"] ?? "")

/// `KITS_ONLY=mirror` leaves what the mirror service is made of.
let mirrorOnly = Context.environment["KITS_ONLY"] == "mirror"

/// `KITS_ONLY=simulation` leaves only what `make simulate` runs: optimising the other tests takes minutes.
let simulationOnly = Context.environment["KITS_ONLY"] == "simulation"

let house: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

func product(_ name: String, _ package: String) -> Target.Dependency { .product(name: name, package: package) }

var dependencies: [Package.Dependency] = []

var products: [Product] = [
    .library(name: "CRDTKit", targets: ["CRDTKit"]),
    .library(name: "IMAPCore", targets: ["IMAPCore"]),
    .library(name: "SyncJobs", targets: ["SyncJobs"]),
    .library(name: "BenchKit", targets: ["BenchKit"]),
]

var targets: [Target] = [
    .target(name: "CRDTKit", swiftSettings: house),
    .target(name: "IMAPCore", swiftSettings: house),
    .target(name: "SyncJobs", swiftSettings: house),
    // What every benchmark is made of: clocks, comparisons, reports, clean-up.
    .target(name: "BenchKit", path: "Benchmarks/BenchKit", swiftSettings: house),
    .testTarget(name: "BenchKitTests", dependencies: ["BenchKit"], path: "Tests/BenchKit", swiftSettings: house),
    .target(name: "TestSupport", path: "Tests/TestSupport/Pure", swiftSettings: house),
    // Counts the calls of the allocator; only test executables have it.
    .target(name: "AllocationCounter", path: "Tests/TestSupport/Allocations"),
    .testTarget(
        name: "CRDTKitTests", dependencies: ["CRDTKit", "TestSupport"], path: "Tests/CRDTKit", swiftSettings: house),
    .testTarget(
        name: "SyncJobsTests", dependencies: ["SyncJobs", "TestSupport"], path: "Tests/SyncJobs", swiftSettings: house),
    // Whole groups of replicas under a seeded network, clock and disk.
    .testTarget(
        name: "SimulationTests", dependencies: ["AllocationCounter", "CRDTKit", "TestSupport"],
        path: "Tests/Simulation", swiftSettings: house),
    .testTarget(
        name: "IMAPCoreTests", dependencies: ["IMAPCore", "TestSupport"], path: "Tests/IMAPCore",
        resources: [.copy("Fixtures")], swiftSettings: house),
]

if simulationOnly {
    products.removeAll { $0.name != "CRDTKit" }
    targets.removeAll { !["AllocationCounter", "CRDTKit", "TestSupport", "SimulationTests"].contains($0.name) }
}

if !kitsOnly {
    dependencies += [
        // Sockets, event loops, byte buffers and the HTTP codec of the metrics endpoint.
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        // TLS for every listener.
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        // SHA-256 of bodies; scrypt for stored passwords.
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        // The demo's own certificate authority and server certificates.
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
        // The logging front end; our JSON handler stands behind it.
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        // Command-line parsing with help texts.
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        // Start, graceful stop and signals of the services in one process.
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        // Reading TOML configuration files.
        .package(url: "https://github.com/LebJe/TOMLKit", from: "0.6.0"),
        // The HTTP servers of mirror's manager and worker: routing, bodies, streaming answers, TLS.
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        // The request and response types of those servers.
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        // HTTP clients of mirror: worker to manager, manager to worker, control client, webhooks.
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    ]
    products += [.executable(name: "pluto", targets: ["pluto"]), .executable(name: "mirror", targets: ["mirror"])]
    targets += [
        // LMDB, linked statically from Debian's liblmdb-dev.
        .systemLibrary(name: "CLMDB", path: "Sources/Tools/Support/CLMDB", providers: [.apt(["liblmdb-dev"])]),
        .target(
            name: "Storage", dependencies: ["CRDTKit", "CLMDB"], path: "Sources/Tools/Support/Storage",
            swiftSettings: house),
        .target(
            name: "NodeSupport",
            dependencies: [
                product("Logging", "swift-log"), product("ServiceLifecycle", "swift-service-lifecycle"),
                product("UnixSignals", "swift-service-lifecycle"), product("NIOCore", "swift-nio"),
                product("NIOPosix", "swift-nio"), product("NIOHTTP1", "swift-nio"),
                product("NIOSSL", "swift-nio-ssl"), product("X509", "swift-certificates"),
                product("SwiftASN1", "swift-asn1"), product("Crypto", "swift-crypto"),
                product("CryptoExtras", "swift-crypto"), product("TOMLKit", "TOMLKit"),
            ], path: "Sources/Tools/Support/NodeSupport", swiftSettings: house),
        .testTarget(
            name: "NodeSupportTests",
            dependencies: [
                "NodeSupport", "TestSupport", product("Logging", "swift-log"),
                product("ServiceLifecycle", "swift-service-lifecycle"),
                product("UnixSignals", "swift-service-lifecycle"), product("NIOCore", "swift-nio"),
                product("NIOPosix", "swift-nio"), product("NIOTLS", "swift-nio"),
                product("NIOSSL", "swift-nio-ssl"), product("X509", "swift-certificates"),
                product("SwiftASN1", "swift-asn1"), product("Crypto", "swift-crypto"),
            ], path: "Tests/Tools/NodeSupport", swiftSettings: house),
        .target(
            name: "MailStore",
            dependencies: ["CRDTKit", "Storage", product("Crypto", "swift-crypto"), product("Logging", "swift-log")],
            path: "Sources/Tools/Support/MailStore", swiftSettings: house),
        .target(
            name: "IMAPService",
            dependencies: [
                "CRDTKit", "IMAPCore", "MailStore", "NodeSupport", product("Logging", "swift-log"),
                product("ServiceLifecycle", "swift-service-lifecycle"), product("NIOCore", "swift-nio"),
                product("NIOPosix", "swift-nio"), product("NIOSSL", "swift-nio-ssl"),
            ], path: "Sources/Tools/Support/IMAPService", swiftSettings: house),
        // libpq, PostgreSQL's own client library, for users that live in a database.
        .systemLibrary(
            name: "CPostgreSQL", path: "Sources/Tools/Support/CPostgreSQL", pkgConfig: "libpq",
            providers: [.apt(["libpq-dev"])]),
        .target(
            name: "UserDatabase",
            dependencies: [
                "NodeSupport", "CPostgreSQL", product("Logging", "swift-log"), product("Crypto", "swift-crypto"),
            ],
            path: "Sources/Tools/Support/UserDatabase", swiftSettings: house),
        .testTarget(
            name: "UserDatabaseTests",
            dependencies: [
                "UserDatabase", "NodeSupport", "TestSupport", "LiveTestSupport", product("Logging", "swift-log"),
                product("Crypto", "swift-crypto"),
            ], path: "Tests/Tools/UserDatabase", swiftSettings: house),
        .target(
            name: "PeerTransport",
            dependencies: [
                "CRDTKit", "NodeSupport", product("Logging", "swift-log"), product("NIOCore", "swift-nio"),
                product("NIOPosix", "swift-nio"), product("NIOTLS", "swift-nio"), product("NIOSSL", "swift-nio-ssl"),
                product("X509", "swift-certificates"), product("SwiftASN1", "swift-asn1"),
                product("ServiceLifecycle", "swift-service-lifecycle"),
            ], path: "Sources/Tools/Support/PeerTransport", swiftSettings: house),
        .testTarget(
            name: "PeerTransportTests",
            dependencies: [
                "PeerTransport", "NodeSupport", "CRDTKit", "TestSupport", "LiveTestSupport",
                product("Logging", "swift-log"),
                product("NIOCore", "swift-nio"), product("NIOPosix", "swift-nio"), product("NIOSSL", "swift-nio-ssl"),
                product("X509", "swift-certificates"),
            ], path: "Tests/Tools/PeerTransport", swiftSettings: house),
        .target(
            name: "ReplicaService",
            dependencies: [
                "CRDTKit", "MailStore", "NodeSupport", "PeerTransport", product("Logging", "swift-log"),
                product("NIOCore", "swift-nio"), product("NIOPosix", "swift-nio"),
                product("ServiceLifecycle", "swift-service-lifecycle"),
            ], path: "Sources/Tools/Support/ReplicaService", swiftSettings: house),
        // Groups of real services over real stores in one process.
        .target(
            name: "ReplicaTestSupport",
            dependencies: [
                "ReplicaService", "PeerTransport", "MailStore", "NodeSupport", "CRDTKit", "LiveTestSupport",
                product("Logging", "swift-log"), product("NIOCore", "swift-nio"), product("NIOPosix", "swift-nio"),
            ], path: "Tests/TestSupport/Replica", swiftSettings: house),
        .testTarget(
            name: "ReplicaServiceTests",
            dependencies: [
                "ReplicaTestSupport", "ReplicaService", "PeerTransport", "MailStore", "NodeSupport", "CRDTKit",
                "TestSupport",
                "LiveTestSupport",
                product("Logging", "swift-log"), product("NIOCore", "swift-nio"), product("NIOPosix", "swift-nio"),
                product("NIOSSL", "swift-nio-ssl"),
            ], path: "Tests/Tools/ReplicaService", swiftSettings: house),
        .target(
            name: "FrontDoor",
            dependencies: [
                "IMAPCore", "IMAPService", "MailStore", "NodeSupport", "PeerTransport", product("Logging", "swift-log"),
                product("NIOCore", "swift-nio"), product("NIOPosix", "swift-nio"), product("NIOTLS", "swift-nio"),
                product("NIOSSL", "swift-nio-ssl"), product("ServiceLifecycle", "swift-service-lifecycle"),
            ], path: "Sources/Tools/Support/FrontDoor", swiftSettings: house),
        .testTarget(
            name: "FrontDoorTests",
            dependencies: [
                "FrontDoor", "IMAPService", "IMAPCore", "CRDTKit", "MailStore", "NodeSupport", "PeerTransport",
                "IMAPTestSupport", "TestSupport",
                product("Logging", "swift-log"), product("NIOCore", "swift-nio"), product("NIOPosix", "swift-nio"),
                product("NIOSSL", "swift-nio-ssl"), product("ServiceLifecycle", "swift-service-lifecycle"),
            ], path: "Tests/Tools/FrontDoor", swiftSettings: house),
        .target(
            name: "PlutoService",
            dependencies: [
                "CRDTKit", "FrontDoor", "IMAPCore", "IMAPService", "MailStore", "NodeSupport", "PeerTransport",
                "ReplicaService", "UserDatabase", product("Logging", "swift-log"), product("NIOCore", "swift-nio"),
                product("NIOPosix", "swift-nio"), product("NIOHTTP1", "swift-nio"), product("NIOSSL", "swift-nio-ssl"),
                product("ServiceLifecycle", "swift-service-lifecycle"), product("X509", "swift-certificates"),
                product("SwiftASN1", "swift-asn1"), product("Crypto", "swift-crypto"),
            ], path: "Sources/Tools/Support/PlutoService", swiftSettings: house),
        .testTarget(
            name: "PlutoServiceTests",
            dependencies: [
                "PlutoService", "FrontDoor", "NodeSupport", "PeerTransport", "TestSupport",
                "LiveTestSupport",
                product("Logging", "swift-log"), product("NIOCore", "swift-nio"), product("NIOPosix", "swift-nio"),
                product("NIOSSL", "swift-nio-ssl"), product("ServiceLifecycle", "swift-service-lifecycle"),
                product("X509", "swift-certificates"), product("SwiftASN1", "swift-asn1"),
                product("Crypto", "swift-crypto"),
            ], path: "Tests/Tools/PlutoService", swiftSettings: house),
        .executableTarget(
            name: "pluto",
            dependencies: [
                "IMAPService", "MailStore", "NodeSupport", "PlutoService", product("Logging", "swift-log"),
                product("ServiceLifecycle", "swift-service-lifecycle"),
                product("ArgumentParser", "swift-argument-parser"),
            ], path: "Sources/Tools/pluto", swiftSettings: house),
        .testTarget(
            name: "StorageTests", dependencies: ["Storage", "CRDTKit", "TestSupport", "storage-torture"],
            path: "Tests/Tools/Storage", swiftSettings: house),
        // Writes numbered batches until it is killed: the subject of the storage tests' power cuts.
        .executableTarget(
            name: "storage-torture", dependencies: ["Storage", "CRDTKit"], path: "Tests/Tools/StorageTorture",
            swiftSettings: house),
        .testTarget(
            name: "MailStoreTests",
            dependencies: [
                "MailStore", "Storage", "CRDTKit", "TestSupport", product("Logging", "swift-log"),
                product("Crypto", "swift-crypto"),
            ], path: "Tests/Tools/MailStore", swiftSettings: house),
        // A client that says what a test wants, byte by byte.
        .target(
            name: "IMAPTestSupport",
            dependencies: [
                product("NIOCore", "swift-nio"), product("NIOPosix", "swift-nio"), product("NIOSSL", "swift-nio-ssl"),
            ], path: "Tests/TestSupport/IMAP", swiftSettings: house),
        .testTarget(
            name: "IMAPServiceTests",
            dependencies: [
                "AllocationCounter", "IMAPTestSupport", "IMAPService", "LiveTestSupport", "MailStore", "NodeSupport",
                "IMAPCore", "CRDTKit", "TestSupport",
                product("Logging", "swift-log"),
                product("ServiceLifecycle", "swift-service-lifecycle"), product("NIOCore", "swift-nio"),
                product("NIOPosix", "swift-nio"), product("NIOSSL", "swift-nio-ssl"),
            ], path: "Tests/Tools/IMAPService", swiftSettings: house),
        // A benchmark program that measures nothing: the subject of the tests of refusals and interrupts.
        .executableTarget(
            name: "bench-probe", dependencies: ["BenchKit"], path: "Tests/Tools/BenchProbe", swiftSettings: house),
        .testTarget(
            name: "BenchProgramTests", dependencies: ["BenchKit", "LiveTestSupport", "bench-probe"],
            path: "Tests/Tools/BenchKit", swiftSettings: house),
        // Real processes, real clients, temporary directories.
        .target(name: "LiveTestSupport", path: "Tests/TestSupport/Live", swiftSettings: house),
        .testTarget(
            name: "InteropTests", dependencies: ["LiveTestSupport", "TestSupport", "pluto"], path: "Tests/Interop",
            resources: [.copy("Scripts")], swiftSettings: house),
        // Whole clusters of processes on loopback, with faults.
        .testTarget(
            name: "ClusterTests", dependencies: ["CRDTKit", "LiveTestSupport", "TestSupport", "pluto"],
            path: "Tests/Cluster", swiftSettings: house),
        // Measures logs, links, and replicas end to end; part of `make bench`.
        .executableTarget(
            name: "node-bench",
            dependencies: [
                "BenchKit", "CRDTKit", "CLMDB", "Storage", "MailStore", "NodeSupport", "PeerTransport",
                "ReplicaService", "ReplicaTestSupport", "LiveTestSupport", product("Logging", "swift-log"),
                product("NIOCore", "swift-nio"), product("NIOPosix", "swift-nio"), product("NIOSSL", "swift-nio-ssl"),
            ], path: "Benchmarks/Nodes", swiftSettings: house),
        // The JSON documents and times of mirror's HTTP interface, as tunasync's peers expect them.
        .target(
            name: "MirrorWire", dependencies: ["SyncJobs"], path: "Sources/Tools/Support/MirrorWire",
            swiftSettings: house),
        .testTarget(
            name: "MirrorWireTests", dependencies: ["MirrorWire", "SyncJobs", "TestSupport"],
            path: "Tests/Tools/MirrorWire", swiftSettings: house),
        // Reads, checks and compares mirror's configuration files.
        .target(
            name: "MirrorConfig", dependencies: ["SyncJobs", "NodeSupport"],
            path: "Sources/Tools/Support/MirrorConfig", swiftSettings: house),
        .testTarget(
            name: "MirrorConfigTests",
            dependencies: ["MirrorConfig", "SyncJobs", "NodeSupport", "TestSupport", "LiveTestSupport"],
            path: "Tests/Tools/MirrorConfig", resources: [.copy("Fixtures")], swiftSettings: house),
        // What Linux offers beyond POSIX and Swift's Glibc module leaves out; nothing but a header.
        .systemLibrary(name: "CMirrorRun", path: "Sources/Tools/Support/CMirrorRun"),
        // gzip, for logs of runs and answers over HTTP; linked from Debian's zlib1g-dev.
        .systemLibrary(name: "CZlib", path: "Sources/Tools/Support/CZlib", providers: [.apt(["zlib1g-dev"])]),
        // Carries out one run of one mirror: processes, hooks, logs, limits, publication.
        .target(
            name: "MirrorRun",
            dependencies: [
                "SyncJobs", "MirrorConfig", "NodeSupport", "CMirrorRun", "CZlib", product("Logging", "swift-log"),
            ],
            path: "Sources/Tools/Support/MirrorRun", swiftSettings: house),
        .testTarget(
            name: "MirrorRunTests",
            dependencies: [
                "MirrorRun", "MirrorConfig", "SyncJobs", "NodeSupport", "TestSupport", "LiveTestSupport",
                product("Logging", "swift-log"),
            ], path: "Tests/Tools/MirrorRun", swiftSettings: house),
        // The worker: schedule, runs, what it tells its managers, its own HTTP interface.
        .target(
            name: "MirrorWorker",
            dependencies: [
                "SyncJobs", "MirrorConfig", "MirrorRun", "MirrorWire", "NodeSupport", "Storage",
                product("Logging", "swift-log"), product("ServiceLifecycle", "swift-service-lifecycle"),
                product("NIOCore", "swift-nio"), product("NIOHTTP1", "swift-nio"), product("NIOPosix", "swift-nio"),
                product("NIOSSL", "swift-nio-ssl"), product("Hummingbird", "hummingbird"),
                product("HummingbirdCore", "hummingbird"), product("HummingbirdTLS", "hummingbird"),
                product("HTTPTypes", "swift-http-types"), product("AsyncHTTPClient", "async-http-client"),
            ], path: "Sources/Tools/Support/MirrorWorker", swiftSettings: house),
        .testTarget(
            name: "MirrorWorkerTests",
            dependencies: [
                "MirrorWorker", "MirrorManager", "MirrorRun", "MirrorConfig", "MirrorWire", "SyncJobs", "NodeSupport",
                "Storage",
                "TestSupport", "LiveTestSupport", product("Logging", "swift-log"), product("NIOCore", "swift-nio"),
                product("NIOHTTP1", "swift-nio"),
                product("NIOSSL", "swift-nio-ssl"), product("ServiceLifecycle", "swift-service-lifecycle"),
                product("Hummingbird", "hummingbird"),
                product("HTTPTypes", "swift-http-types"), product("AsyncHTTPClient", "async-http-client"),
            ], path: "Tests/Tools/MirrorWorker", swiftSettings: house),
        // The manager: records of workers, mirrors and runs, HTTP interface, web page, events.
        .target(
            name: "MirrorManager",
            dependencies: [
                "MirrorConfig", "MirrorWire", "SyncJobs", "NodeSupport", "Storage", "CPostgreSQL", "CZlib",
                product("Logging", "swift-log"), product("ServiceLifecycle", "swift-service-lifecycle"),
                product("NIOCore", "swift-nio"), product("NIOPosix", "swift-nio"), product("NIOSSL", "swift-nio-ssl"),
                product("Hummingbird", "hummingbird"), product("HummingbirdCore", "hummingbird"),
                product("HTTPTypes", "swift-http-types"), product("AsyncHTTPClient", "async-http-client"),
                product("Crypto", "swift-crypto"),
            ], path: "Sources/Tools/Support/MirrorManager", resources: [.embedInCode("Page/Assets")],
            swiftSettings: house),
        .testTarget(
            name: "MirrorManagerTests",
            dependencies: [
                "MirrorManager", "MirrorConfig", "MirrorWire", "SyncJobs", "NodeSupport", "Storage", "TestSupport",
                "LiveTestSupport", product("Logging", "swift-log"), product("NIOCore", "swift-nio"),
                product("ServiceLifecycle", "swift-service-lifecycle"), product("Hummingbird", "hummingbird"),
                product("HTTPTypes", "swift-http-types"), product("AsyncHTTPClient", "async-http-client"),
                product("Crypto", "swift-crypto"), product("NIOPosix", "swift-nio"), product("NIOSSL", "swift-nio-ssl"),
            ], path: "Tests/Tools/MirrorManager", swiftSettings: house),
        .executableTarget(
            name: "mirror",
            dependencies: [
                "MirrorManager", "MirrorWorker", "MirrorRun", "MirrorConfig", "MirrorWire", "SyncJobs", "NodeSupport",
                "Storage",
                product("Logging", "swift-log"), product("ServiceLifecycle", "swift-service-lifecycle"),
                product("NIOCore", "swift-nio"), product("NIOPosix", "swift-nio"),
                product("NIOHTTP1", "swift-nio"), product("NIOSSL", "swift-nio-ssl"),
                product("AsyncHTTPClient", "async-http-client"),
                product("ArgumentParser", "swift-argument-parser"),
            ], path: "Sources/Tools/mirror", swiftSettings: house),
        // Measures manager, scheduler and worker; part of `make bench`.
        .executableTarget(
            name: "mirror-bench", dependencies: ["BenchKit", "SyncJobs"], path: "Benchmarks/Mirror",
            swiftSettings: house),
        // Real managers, workers, rsync daemons and browsers.
        .testTarget(
            name: "MirrorInteropTests",
            dependencies: [
                "MirrorWire", "SyncJobs", "LiveTestSupport", "TestSupport", "mirror", product("NIOCore", "swift-nio"),
                product("NIOHTTP1", "swift-nio"),
                product("AsyncHTTPClient", "async-http-client"),
            ], path: "Tests/MirrorInterop", swiftSettings: house),
        .testTarget(name: "ArchitectureTests", path: "Tests/Architecture", swiftSettings: house),
    ]
}

if mirrorOnly {
    let kept: Set<String> = [
        "ArchitectureTests", "BenchKit", "CLMDB", "CMirrorRun", "CPostgreSQL", "CRDTKit", "CZlib", "LiveTestSupport",
        "NodeSupport", "Storage", "SyncJobs", "SyncJobsTests", "TestSupport", "mirror", "mirror-bench",
    ]
    products.removeAll { !["SyncJobs", "mirror"].contains($0.name) }
    targets.removeAll { !kept.contains($0.name) && !$0.name.hasPrefix("Mirror") }
}

let package = Package(
    name: "kuiper", platforms: [.macOS(.v26)], products: products, dependencies: dependencies, targets: targets)
