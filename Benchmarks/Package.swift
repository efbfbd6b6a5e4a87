// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import PackageDescription

let house: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

let package = Package(
    name: "kuiper-benchmarks", platforms: [.macOS(.v26)],
    dependencies: [
        .package(name: "kuiper", path: ".."),
        // A reference of crdt.encode and crdt.decode.
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
    ],
    targets: [
        .executableTarget(
            name: "kuiper-bench",
            dependencies: [
                .product(name: "BenchKit", package: "kuiper"), .product(name: "CRDTKit", package: "kuiper"),
                .product(name: "IMAPCore", package: "kuiper"),
                .product(name: "SwiftProtobuf", package: "swift-protobuf"), "CHeap",
            ], exclude: ["References/operations.proto"], swiftSettings: house),
        // Makes the tables and plots of the documentation.
        .executableTarget(
            name: "bench-report", dependencies: [.product(name: "BenchKit", package: "kuiper")], swiftSettings: house),
        // The hot paths alone, for profilers: Benchmarks/profile.
        .executableTarget(
            name: "hot-path",
            dependencies: [
                .product(name: "BenchKit", package: "kuiper"), .product(name: "CRDTKit", package: "kuiper"),
            ], swiftSettings: house),
        // How many bytes malloc has given out.
        .target(name: "CHeap"),
        // Drives mail servers as processes, over IMAP with TLS.
        .executableTarget(
            name: "mail-bench", dependencies: ["COpenSSL", .product(name: "BenchKit", package: "kuiper")],
            swiftSettings: house),
        // The TLS of its client: from Debian's libssl-dev.
        .systemLibrary(name: "COpenSSL", providers: [.apt(["libssl-dev"])]),
    ])
