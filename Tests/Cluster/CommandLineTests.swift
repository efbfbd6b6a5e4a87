// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import LiveTestSupport
internal import Testing

/// What the program says about files and arguments of a cluster that it cannot use.
@Suite("the command line of a cluster") struct ClusterCommandLineTests {
    /// A change to the example, what is said of it, and where.
    struct Mistake: CustomTestStringConvertible {
        let old: String
        /// The problem is on the last line of the replacement that ends in this mark.
        let new: String
        let told: String
        var testDescription: String { told }
    }

    private static let mark = "# HERE"

    private static let mistakes = [
        Mistake(
            old: "Greeting = \"Pluto ready.\"", new: "Greting = \"Pluto ready.\" # HERE", told: "did you mean Greeting?"
        ),
        Mistake(old: "[Storage]\n", new: "[Storag] # HERE\n[Storage]\n", told: "the file has no table Storag"),
        Mistake(old: "UserEnd = 1000\n", new: "UserEnd = \"1000\" # HERE\n", told: "must be a whole number"),
        Mistake(old: "UserStart = 1\n", new: "UserStart = 2000 # HERE\n", told: "after UserEnd"),
        Mistake(old: "UserStart = 1\n", new: "UserStart = -1 # HERE\n", told: "must be from 0"),
        Mistake(old: "ProxyProtocol = false", new: "ProxyProtocol = 1 # HERE", told: "must be true or false"),
        Mistake(
            old: "HierarchySeparator = \".\"", new: "HierarchySeparator = \"|\" # HERE",
            told: "must be \".\" or \"/\""),
        Mistake(
            old: "ListenMailAddr = \"127.0.0.1:20001\"", new: "ListenMailAddr = \"127.0.0.1\" # HERE",
            told: "the port is missing"),
        Mistake(
            old: "ListenMailAddr = \"127.0.0.1:20001\"", new: "ListenMailAddr = \"127.0.0.1:0\" # HERE",
            told: "has port 0"),
        Mistake(
            old: "FailoverRegions = [\"us\"]", new: "FailoverRegions = [\"moon\"] # HERE",
            told: "which no worker is in"),
        Mistake(
            old: "AuthAdapter = \"AuthFile\"", new: "AuthAdapter = \"AuthFil\" # HERE",
            told: "did you mean AuthFile?"),
        Mistake(
            old: "WindowBytes = 1048576", new: "WindowBytes = 1 # HERE", told: "WindowBytes is 1 and must be"),
        Mistake(old: "Level = \"info\"", new: "Level = \"loud\" # HERE", told: "Level must be one of"),
        Mistake(old: "UserEnd = 1000\n", new: "UserEnd = = 1000 # HERE\n", told: "this is not TOML"),
        Mistake(
            old: "Name = \"us-worker-1\"", new: "Name = \"eu-worker-1\" # HERE",
            told: "which [Workers.eu-worker-1] on line"),
    ]

    private let folder: TemporaryDirectory
    private let example: String

    init() throws {
        folder = try TemporaryDirectory()
        let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
        example = String(
            decoding: try Files.read(root.joined(separator: "/") + "/docs/config.toml.example"), as: UTF8.self)
    }

    private func pluto(_ arguments: String...) throws -> (ending: ChildProcess.Ending, output: String) {
        try ChildProcess.run([PlutoServer.executable] + arguments, folder: folder.path)
    }

    @Test(arguments: mistakes) func checkConfigSaysWhatIsWrongAndWhere(mistake: Mistake) throws {
        try #require(example.contains(mistake.old), "the example has no \(mistake.old)")
        let text = example.replacing(mistake.old, with: mistake.new, maxReplacements: 1)
        try folder.write("bad.toml", text)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let number = try #require(lines.firstIndex { $0.hasSuffix(Self.mark) }) + 1
        let result = try pluto("check-config", "--config", "bad.toml", "--without-files")
        #expect(result.ending == .exited(78), "\(result.output)")
        let told = result.output.split(separator: "\n").filter { $0.contains(mistake.told) }
        #expect(told.count == 1, "\(result.output)")
        #expect(told.first?.hasPrefix("bad.toml:\(number): error: ") == true, "\(result.output)")
        // No role starts with it either, and it says the same.
        let started = try pluto("storage", "--config", "bad.toml")
        #expect(started.ending == .exited(78), "\(started.output)")
        #expect(started.output.contains("bad.toml:\(number): ") && !started.output.contains("ready"))
    }

    @Test func checkConfigAcceptsTheExampleAndDoesNothingElse() throws {
        try folder.write("config.toml", example)
        let result = try pluto("check-config", "--without-files")
        #expect(result.ending == .exited(0), "\(result.output)")
        #expect(!result.output.contains("error"), "\(result.output)")
        #expect(Files.names(in: folder.path) == ["config.toml"])
        // Warnings about files that are not there yet are no errors.
        let whole = try pluto("check-config")
        #expect(whole.ending == .exited(0) && whole.output.contains("warning"), "\(whole.output)")
        #expect(Files.names(in: folder.path) == ["config.toml"])
        #expect(try pluto("check-config", "--config", "none.toml").ending == .exited(78))
    }

    @Test func aNodeThatTheFileDoesNotHaveIsNamed() throws {
        try folder.write("config.toml", example)
        for arguments in [["worker", "mars-worker"], ["-worker", "mars-worker"], ["distributor", "mars-worker"]] {
            let result = try ChildProcess.run([PlutoServer.executable] + arguments, folder: folder.path)
            #expect(result.ending == .exited(64), "\(arguments): \(result.output)")
            #expect(result.output.contains("mars-worker"), "\(arguments): \(result.output)")
            let known = arguments[0] == "distributor" ? "eu-distributor" : "eu-worker-1"
            #expect(result.output.contains(known), "\(arguments): \(result.output)")
        }
    }

    @Test func withoutArgumentsItSaysHowItIsUsed() throws {
        let result = try pluto()
        for word in ["USAGE: pluto", "distributor", "worker", "storage", "demo", "check-config"] {
            #expect(result.output.contains(word), "\(result.output)")
        }
        #expect(result.ending == .exited(0) || result.ending == .exited(64), "\(result.ending)")
        let two = try pluto("-storage", "-distributor")
        #expect(two.ending == .exited(64) && two.output.contains("more than one node"), "\(two.output)")
        let none = try pluto("-config", "config.toml")
        #expect(none.ending == .exited(64) && none.output.contains("no node is named"), "\(none.output)")
    }

    @Test func theDemoTakesThePortsThatItIsGiven() throws {
        let count = 1 * 6 + 3
        var first = 0
        // A run of free ports: each is looked for by itself.
        for _ in 0..<200 where first == 0 {
            let candidate = Int.random(in: 10_000..<31_000)
            let isFree = (0..<count).allSatisfy { (try? LiveSocket(port: candidate + $0)) == nil }
            if isFree { first = candidate }
        }
        try #require(first > 0)
        let demo = try DemoProcess(
            directory: folder.file("mail"), regions: 1, options: ["--base-port", "\(first)"])
        let ports = demo.facts.values.compactMap { value in
            value.hasPrefix("127.0.0.1:") ? Int(value.dropFirst("127.0.0.1:".count)) : nil
        }
        #expect(!ports.isEmpty && ports.allSatisfy { (first..<first + count).contains($0) }, "\(demo.facts)")
        #expect(try demo.fact("distributor-1.imaps") == "127.0.0.1:\(first)", "\(demo.facts)")
        // A second one on the same ports says which is taken.
        let second = try pluto("demo", "--directory", folder.file("other"), "--regions", "1", "--base-port", "\(first)")
        // Whichever of its nodes is the first to notice.
        let isTold = (first..<first + count).contains { second.output.contains("cannot listen on 127.0.0.1:\($0)") }
        #expect(second.ending != .exited(0) && isTold, "\(second.output)")
        try demo.stop()
    }
}
