// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import NodeSupport
import Testing

@Suite struct PasswordHashTests {
    private static let cheap = { try! PasswordHash.Parameters(logRounds: 2, blockSize: 1, parallelism: 1) }()
    /// RFC 7914 section 12: password "pleaseletmein", salt "SodiumChloride", N = 16384, r = 8, p = 1; the first 32 of 64 bytes.
    private static let published =
        "{SCRYPT}ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU=$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI="

    @Test func agreesWithTheRFCsVector() throws {
        #expect(try PasswordHash.verify(Array("pleaseletmein".utf8), against: Self.published))
        #expect(try !PasswordHash.verify(Array("pleaseletmeim".utf8), against: Self.published))
    }

    @Test(arguments: ["x", "pässwörd 🦆", "with;separator", "{SCRYPT}", String(repeating: "y", count: 1_024), "\u{0}"])
    func verifiesWhatItMade(password: String) throws {
        let hash = try PasswordHash.make(password: Array(password.utf8), parameters: Self.cheap)
        #expect(try hash.matches(Array(password.utf8)))
        #expect(try PasswordHash.verify(Array(password.utf8), against: hash.text))
        #expect(try PasswordHash(parsing: hash.text) == hash)
        for wrong in [password + "x", String(password.dropLast()), "", password.uppercased() + "!"] {
            #expect(try !hash.matches(Array(wrong.utf8)))
        }
    }

    @Test func everyHashHasItsOwnSalt() throws {
        let hashes = try (0..<20).map { _ in try PasswordHash.make(password: [1], parameters: Self.cheap).text }
        #expect(Set(hashes).count == 20)
    }

    @Test func theStandardCostIsWhatIsDocumented() throws {
        let hash = try PasswordHash.make(password: Array("p".utf8))
        #expect(hash.text.hasPrefix("{SCRYPT}ln=14,r=8,p=1$"))
        #expect(hash.parameters.memoryBytes == 16 << 20)
        #expect(hash.parameters.memoryBytes <= PasswordHash.maximumMemoryBytes)
        #expect(hash.parameters.work <= PasswordHash.maximumWork)
        #expect(try hash.matches(Array("p".utf8)))
    }

    @Test func refusesEmptyAndOverlongPasswords() throws {
        for count in [0, 1_025] {
            let error = #expect(throws: NodeError.self) {
                try PasswordHash.make(password: [UInt8](repeating: 0x61, count: count), parameters: Self.cheap)
            }
            #expect(error?.code == .passwordInvalid)
        }
        let hash = try PasswordHash.make(password: [0], parameters: Self.cheap)
        #expect(try !hash.matches([]))
        #expect(try !hash.matches([UInt8](repeating: 0, count: 2_000)))
    }

    @Test func everyChangedByteEitherFailsToParseOrToMatch() throws {
        let text = Array(try PasswordHash.make(password: Array("pw".utf8), parameters: Self.cheap).text.utf8)
        for index in text.indices {
            for replacement in [UInt8(0x41), 0x30, 0x39, 0x24, 0x3D, 0x00, 0x7B] where text[index] != replacement {
                var tampered = text
                tampered[index] = replacement
                do {
                    #expect(
                        try !PasswordHash.verify(Array("pw".utf8), against: String(decoding: tampered, as: UTF8.self)))
                } catch {
                    #expect(error.code == .passwordHashMalformed)
                }
            }
        }
        for length in text.indices {
            #expect(throws: NodeError.self) {
                try PasswordHash(parsing: String(decoding: text[..<length], as: UTF8.self))
            }
        }
    }

    @Test(arguments: [
        "", "{SCRYPT}", "{SCRYPT}$$", "{SCRYPT}ln=14,r=8,p=1$$", "{SCRYPT}ln=14,r=8$YWFhYWFhYWE=$cCO9",
        "{SCRYPT}r=8,ln=14,p=1$U29kaXVtQ2hsb3JpZGU=$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI=",
        "{SCRYPT}ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI=",
        "{SCRYPT}ln=14,r=8,p=1$YQ==$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI=",
        "{SCRYPT}ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU=$cCO9yzr9c0hGHAbNgf046w==",
        "{SCRYPT}ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU=$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI=$",
        "{SCRYPT}ln=+4,r=8,p=1$U29kaXVtQ2hsb3JpZGU=$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI=",
        "{SCRYPT}ln=14,r=8,p=1$U29kaXVtQ2hsb3Jp ZGU=$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI=",
        "{PLAIN}x", "plain", "{SSHA}abc",
    ])
    func malformedTextsAreTypedErrorsWithoutTheText(text: String) {
        let error = #expect(throws: NodeError.self) { try PasswordHash(parsing: text) }
        #expect(error?.code == .passwordHashMalformed)
        #expect(error?.message.contains("U29ka") == false)
    }

    @Test(arguments: [
        (0, 8, 1), (19, 1, 1), (16, 8, 1), (15, 9, 1), (15, 0, 1), (14, 8, 0), (14, 8, 17), (14, 8, 16), (16, 1, 1),
        (63, 8, 1), (999, 8, 1), (9_999, 9_999, 9_999), (14, -1, 1), (-1, 8, 1), (15, 8, 5), (18, 2, 1),
    ])
    func hostileCostsAreRefusedBeforeAnyMemoryIsTaken(logRounds: Int, blockSize: Int, parallelism: Int) {
        let error = #expect(throws: NodeError.self) {
            try PasswordHash.Parameters(logRounds: logRounds, blockSize: blockSize, parallelism: parallelism)
        }
        #expect(error?.code == .passwordHashMalformed)
        let text =
            "{SCRYPT}ln=\(logRounds),r=\(blockSize),p=\(parallelism)$U29kaXVtQ2hsb3JpZGU=$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI="
        #expect(throws: NodeError.self) { try PasswordHash(parsing: text) }
    }

    @Test(arguments: [(1, 1, 1), (15, 8, 1), (15, 1, 2), (5, 8, 16), (9, 3, 5)])
    func acceptedCostsWork(logRounds: Int, blockSize: Int, parallelism: Int) throws {
        let parameters = try PasswordHash.Parameters(
            logRounds: logRounds, blockSize: blockSize, parallelism: parallelism)
        let hash = try PasswordHash.make(password: [1, 2, 3], parameters: parameters)
        #expect(try hash.matches([1, 2, 3]))
    }

    @Test(arguments: [(14, 1, 16), (13, 8, 16), (15, 8, 4), (17, 2, 2)])
    func theDearestCostsAreAccepted(logRounds: Int, blockSize: Int, parallelism: Int) throws {
        let parameters = try PasswordHash.Parameters(
            logRounds: logRounds, blockSize: blockSize, parallelism: parallelism)
        #expect(parameters.memoryBytes <= 32 << 20)
        #expect(parameters.work <= 1 << 20)
    }

    @Test func hashesDoNotPrintThemselves() throws {
        let hash = try PasswordHash(parsing: Self.published)
        var dumped = ""
        dump(hash, to: &dumped)
        for shown in ["\(hash)", String(reflecting: hash), dumped, "\([hash])", String(describing: Optional(hash))] {
            #expect(!shown.contains("U29ka") && !shown.contains("cCO9") && !shown.contains("83"), "\(shown)")
        }
    }
}
