// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import FoundationEssentials
import Testing

/// Replays what the fuzzers started from and what they found.
@Suite struct CRDTFuzzRegressionTests {
    static let folder = #filePath.replacing("/CRDTKit/FuzzRegressions/FuzzRegressionTests.swift", with: "/Fuzz")
    static let targets: [String: @Sendable ([UInt8]) -> String?] = [
        "frame": FrameProperty.violation, "log": LogProperty.violation, "record": RecordProperty.violation,
    ]

    @Test(arguments: targets.keys.sorted())
    func everyKnownInputKeepsTheProperty(_ target: String) throws {
        let violation = try #require(Self.targets[target])
        var count = 0
        for kind in ["Corpus", "FailCases"] {
            let folder = "\(Self.folder)/\(kind)/\(target)"
            guard FileManager.default.fileExists(atPath: folder) else { continue }
            for name in try FileManager.default.contentsOfDirectory(atPath: folder).sorted() {
                let input = try #require(FileManager.default.contents(atPath: "\(folder)/\(name)"))
                let found = violation(Array(input))
                #expect(found == nil, "\(kind)/\(target)/\(name)")
                count += 1
            }
        }
        #expect(count > 0, "no inputs in \(Self.folder)")
    }

    @Test func committedSeedsAreThoseOfTheGenerator() throws {
        for seed in try FuzzSeeds.all() {
            let file = FileManager.default.contents(atPath: "\(Self.folder)/Corpus/\(seed.target)/\(seed.name)")
            #expect(file.map { Array($0) } == seed.bytes, "\(seed.target)/\(seed.name): Tests/Fuzz/run seeds")
        }
    }
}
