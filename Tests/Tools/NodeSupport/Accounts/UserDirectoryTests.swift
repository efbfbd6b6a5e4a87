// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

@testable import NodeSupport
import Testing

@Suite struct UserDirectoryTests {
    private static let hash =
        "{SCRYPT}ln=2,r=1,p=1$U29kaXVtQ2hsb3JpZGU=$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI="

    private func names(_ text: String, separator: String = ";") throws -> [String] {
        try UserDirectory(parsing: Array(text.utf8), file: "users", separator: separator).names.map(\.value)
    }

    @Test(arguments: [
        ("", []), ("\n\n", []), ("# only a comment", []), ("a;x", ["a"]), ("a;x\n", ["a"]),
        ("a;x\r\nb;y\r\n", ["a", "b"]),
        ("  a \t;x", ["a"]), ("\u{FEFF}a;x", ["a"]), ("a;x;y;z", ["a"]), ("   # c\n\t\na;x\n  \r\n", ["a"]),
        ("a;#x", ["a"]), ("a#b;x", ["a#b"]), ("Jörg;ü", ["Jörg"]), ("a b;x", ["a b"]), ("a;x\nA;x", ["A", "a"]),
        ("user@example.org;x", ["user@example.org"]), ("a;{PLAIN}x", ["a"]), ("a;{plain};", ["a"]),
        ("a;\(hash)", ["a"]), ("a;\(hash)\r\n", ["a"]), ("a;{}", ["a"]), ("a;{not a scheme}", ["a"]), ("a; ", ["a"]),
        (String(repeating: "n", count: 255) + ";x", [String(repeating: "n", count: 255)]),
    ])
    func readsGoodFiles(text: String, expected: [String]) throws {
        #expect(try names(text) == expected)
    }

    @Test(arguments: [
        ("a", 1, "no \";\""), ("a;x\nb\n", 2, "no \";\""), ("\n# c\n\nb:y", 4, "no \";\""), (";x", 1, "is empty"),
        ("  ;x", 1, "is empty"), ("a;x\na;y", 2, "already on line 1"), ("a;x\nb;y\n a ;z", 3, "already on line 1"),
        ("e\u{301};x\n\u{E9};y", 2, "already on line 1"), ("a;", 1, "0 bytes"), ("a;\r\n", 1, "0 bytes"),
        ("a;{PLAIN}", 1, "0 bytes"), ("a\u{0}b;x", 1, "control"), ("a\u{7};x", 1, "control"),
        ("a;x\u{0}", 1, "control"),
        ("a\u{85}b;x", 1, "control"), ("a\tb;x", 1, "control"), ("a\r;x", 1, "control"), ("a;x\ry", 1, "control"),
        ("\u{A0}a;x", 1, "white space"), ("a;{SSHA}abc", 1, "scheme"), ("a;{MD5}", 1, "scheme"),
        ("a;{SCRYPT}abc", 1, "malformed"), ("a;{SHA512}YQ==", 1, "64-byte"), ("a;{SHA512}", 1, "64-byte"),
        ("a;{SHA512}!", 1, "64-byte"), ("a;{SSHA512}YQ==", 1, "64-byte"),
        ("a;x\n\nb;{SCRYPT}ln=63,r=8,p=1$YWFhYWFhYWE=$YQ==", 3, "out of range"),
        (String(repeating: "n", count: 256) + ";x", 1, "256 bytes"),
        ("a;" + String(repeating: "p", count: 1_025), 1, "1025 bytes"),
    ])
    func reportsFileAndLineOfBadOnes(text: String, line: Int, reason: String) {
        let error = #expect(throws: NodeError.self) { try names(text) }
        #expect(error?.code == .usersFileMalformed)
        #expect(error?.message.hasPrefix("users:\(line): ") == true, "\(error?.message ?? "")")
        #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
    }

    @Test func refusesWhatIsNotUTF8() {
        let error = #expect(throws: NodeError.self) {
            try UserDirectory(parsing: Array("ok;x\n".utf8) + [0x61, 0xFF, 0x3B, 0x78], file: "users")
        }
        #expect(error?.message.hasPrefix("users:2: ") == true)
        #expect(error?.message.contains("UTF-8") == true)
    }

    @Test func errorsNeverRepeatAPassword() {
        for text in ["a;{SSHA}hunter2", "a;{SCRYPT}hunter2", "a;hunter2\u{0}", "a;x\na;hunter2", "hunter2"] {
            let error = #expect(throws: NodeError.self) { try names(text) }
            #expect(error.map { "\($0)".contains("hunter2") } == false)
        }
    }

    @Test(arguments: [":", "|", "=", "!", "#", "::", "<>", " -> ", "\t", "x", "7", "\u{E9}", "\u{1F986}"])
    func takesAnySeparator(separator: String) throws {
        let text = "  a;b\(separator)secret\(separator)\nc\(separator)\(separator)\n"
        let directory = try UserDirectory(parsing: Array(text.utf8), file: "users", separator: separator)
        #expect(directory.names.map(\.value) == ["a;b", "c"])
    }

    @Test func usersAreNumberedByLineAsInTheOriginal() throws {
        let text = "user1;a\n# comment\n\nuser4;b\r\nuser5;c"
        let directory = try UserDirectory(parsing: Array(text.utf8), file: "users")
        #expect(["user1", "user4", "user5", "nobody"].map { directory.entry(for: $0)?.line } == [1, 4, 5, nil])
    }

    @Test(arguments: ["", "\n", "\r\n", "\u{0}", "a\u{7}", "\u{7F}", String(repeating: ";", count: 17)])
    func refusesUnusableSeparators(separator: String) {
        #expect(throws: NodeError.self) { try names("", separator: separator) }
    }

    @Test func limitsHold() throws {
        var limits = UserDirectory.Limits()
        limits.maximumUsers = 2
        limits.maximumFileBytes = 20
        let error = #expect(throws: NodeError.self) {
            try UserDirectory(parsing: Array("a;x\nb;x\nc;x".utf8), file: "users", limits: limits)
        }
        #expect(error?.message.hasPrefix("users:3: ") == true)
        let folder = ScratchFolder()
        try folder.write("users", "a;x\n# a comment that is too long\n")
        let tooLarge = #expect(throws: NodeError.self) {
            try UserDirectory.load(path: folder.file("users"), limits: limits)
        }
        #expect(tooLarge?.code == .fileTooLarge)
    }

    @Test func loadsAFile() throws {
        let folder = ScratchFolder()
        try folder.write("users", "alice;x\nbob;\(Self.hash)\n")
        let directory = try UserDirectory.load(path: folder.file("users"))
        #expect(directory.count == 2)
        #expect(directory.dearestParameters?.logRounds == 2)
        let missing = #expect(throws: NodeError.self) { try UserDirectory.load(path: folder.file("none")) }
        #expect(missing?.code == .fileMissing)
    }

    @Test func printsNoPassword() throws {
        let directory = try UserDirectory(parsing: Array("alice;hunter2\nbob;\(Self.hash)".utf8), file: "users")
        var dumped = ""
        dump(directory, to: &dumped)
        #expect(!dumped.contains("hunter2") && !dumped.contains("U29ka"))
    }
}
