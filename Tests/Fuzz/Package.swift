// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import PackageDescription

// libFuzzer wants `-parse-as-library` for every module, so the fuzzers are a package of their own; `run` builds it with
// KITS_ONLY=1, which leaves the kits alone of the main package. The properties are those of the unit tests, by symbolic links.

let house: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

func fuzzer(_ name: String, _ properties: Target.Dependency) -> Target {
    .executableTarget(name: name, dependencies: [properties, "FuzzSupport"], swiftSettings: house)
}

let package = Package(
    name: "kuiper-fuzz", platforms: [.macOS(.v26)],
    dependencies: [.package(name: "kuiper", path: "../..")],
    targets: [
        .target(name: "FuzzSupport", swiftSettings: house),
        .target(
            name: "CRDTProperties", dependencies: [.product(name: "CRDTKit", package: "kuiper")], swiftSettings: house),
        .target(
            name: "IMAPProperties", dependencies: [.product(name: "IMAPCore", package: "kuiper")], swiftSettings: house),
        fuzzer("fuzz-command", "IMAPProperties"),
        fuzzer("fuzz-session", "IMAPProperties"),
        fuzzer("fuzz-mail", "IMAPProperties"),
        fuzzer("fuzz-text", "IMAPProperties"),
        fuzzer("fuzz-frame", "CRDTProperties"),
        fuzzer("fuzz-log", "CRDTProperties"),
        fuzzer("fuzz-record", "CRDTProperties"),
        // Writes the seeds of the binary formats; it has a main function, so it is built without the sanitizers.
        .executableTarget(name: "fuzz-seeds", dependencies: ["CRDTProperties"], swiftSettings: house),
    ])
