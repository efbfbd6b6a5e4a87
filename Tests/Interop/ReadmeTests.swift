// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import LiveTestSupport
internal import Testing

extension Live {
    /// The README's first session, word for word, against a server as the README starts it; only the ports are others.
    @Suite("README") struct Readme {
        private let folder: TemporaryDirectory

        init() throws { folder = try TemporaryDirectory() }

        @Test func sessionWithCurlWorksAsWritten() throws {
            let server = try start()
            let session = try block("sh", under: "curl")
            let run = try ChildProcess.run(
                ["/bin/bash", "-euo", "pipefail", "-c", withPorts(of: server, session)],
                environment: ["HOME": folder.path], folder: folder.path)
            #expect(run.ending == .exited(0), "\(run.output)")
            #expect(run.output.contains("INBOX") && run.output.contains("Subject:"), "\(run.output)")
            try finish(server)
        }

        @Test func configurationForMbsyncWorksAsWritten() throws {
            let server = try start()
            let configuration = try folder.write(
                ".mbsyncrc", withPorts(of: server, try block("text", under: "mbsync")))
            // The README's path of the mail, in this test's home.
            try Files.makeDirectory(folder.file("Mail"))
            let run = try ChildProcess.run(
                [try Tool.path("mbsync", package: "isync"), "--config", configuration, "--all"],
                environment: ["HOME": folder.path], folder: folder.path)
            #expect(run.ending == .exited(0), "\(run.output)")
            try finish(server)
        }

        /// Starts `pluto demo` as it is, in a directory of its own.
        private func start() throws -> (process: ChildProcess, ready: String) {
            let process = try ChildProcess(
                [PlutoServer.executable, "demo", "--imap", "127.0.0.1:0", "--imaps", "127.0.0.1:0"],
                folder: folder.path, errors: folder.file("log"))
            while let line = try process.readLine() {
                if line.hasPrefix("ready ") { return (process, line) }
            }
            throw LiveFailure("no server: \(try process.wait())")
        }

        private func finish(_ server: (process: ChildProcess, ready: String)) throws {
            server.process.signal(15)
            #expect(try server.process.wait() == .exited(0))
        }

        private func withPorts(of server: (process: ChildProcess, ready: String), _ text: String) throws -> String {
            let words = server.ready.split(separator: " ")
            func port(_ key: String) throws -> Substring {
                let word = try #require(words.first { $0.hasPrefix(key + "=") })
                return try #require(word.split(separator: ":").last)
            }
            let (imap, imaps) = (try port("imap"), try port("imaps"))
            return text.replacing(/\b(1143|1993)\b/) { $0.output.0 == "1143" ? imap : imaps }
        }

        /// The first code block of a language under the first heading that holds a word.
        private func block(_ language: String, under word: String) throws -> String {
            let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
            let readme = String(decoding: try Files.read("/\(root)/README.md"), as: UTF8.self)
            var isUnderHeading = false
            var lines: [Substring]?
            for line in readme.split(separator: "\n", omittingEmptySubsequences: false) {
                if let found = lines {
                    if line.hasPrefix("```") { return found.joined(separator: "\n") + "\n" }
                    lines?.append(line)
                } else if line.hasPrefix("#") {
                    isUnderHeading = line.contains(word)
                } else if isUnderHeading, line == "```" + language {
                    lines = []
                }
            }
            throw LiveFailure("README.md has no ```\(language) block under a heading with \(word)")
        }
    }
}
