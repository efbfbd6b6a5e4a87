// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import LiveTestSupport
internal import Testing

extension Live {
    /// How the process begins and ends.
    @Suite("Process life") struct ProcessLife {
        private let folder: TemporaryDirectory

        init() throws { folder = try TemporaryDirectory() }

        @Test(arguments: [SIGTERM, SIGINT])
        func saysGoodbyeAndEndsWithinTwoSeconds(signal: Int32) throws {
            let server = try start()
            let fresh = try RawIMAPClient(port: server.imapPort)
            let quiet = try RawIMAPClient(server)
            let idle = try RawIMAPClient(server)
            #expect(try idle.command("SELECT INBOX").isOK)
            try idle.send("i IDLE\r\n")
            #expect(try idle.readLine()?.text.hasPrefix("+") == true)
            let uploading = try RawIMAPClient(server)
            try uploading.send("u APPEND INBOX {1000}\r\n")
            #expect(try uploading.readLine()?.text.hasPrefix("+") == true)
            try uploading.send("Subject: half")
            let halfLine = try RawIMAPClient(server)
            try halfLine.send("h NOO")
            // A client that opened the TLS port and says nothing.
            let handshake = try LiveSocket(port: server.imapsPort)
            // The server has read everything when it has answered another client.
            #expect(try quiet.command("NOOP").isOK)

            let began = ContinuousClock.now
            server.process.signal(signal)
            let ending = try server.process.wait(within: .seconds(10))
            let taken = ContinuousClock.now - began
            #expect(ending == .exited(0), "\(server.logTail)")
            #expect(taken < .seconds(2))
            for client in [fresh, quiet, idle, uploading, halfLine] {
                let last = try client.readToEnd().last
                #expect(last?.text.hasPrefix("* BYE ") == true, "\(last?.text ?? "nothing")")
            }
            #expect(!handshake.isAtEnd)

            let again = try start()
            #expect(try RawIMAPClient(again).command("SELECT INBOX").exists == 0)
            try again.stop()
        }

        @Test func refusesADirectoryThatAnotherProcessUses() throws {
            let server = try start()
            let began = ContinuousClock.now
            let second = try ChildProcess.run([
                PlutoServer.executable, "demo", "--directory", server.directory, "--imap", "127.0.0.1:0", "--imaps",
                "127.0.0.1:0",
            ])
            #expect(second.ending == .exited(75), "\(second.output)")
            #expect(second.output.contains(server.directory), "\(second.output)")
            #expect(!second.output.contains("ready "))
            #expect(ContinuousClock.now - began < .seconds(10))
            // The first one is not disturbed.
            #expect(try RawIMAPClient(server).command("SELECT INBOX").isOK)
            try server.stop()
            // A clean end gives the directory back.
            try start().stop()
        }

        @Test func refusesAnAddressThatIsTaken() throws {
            let server = try start()
            let second = try ChildProcess.run([
                PlutoServer.executable, "demo", "--directory", folder.file("other"), "--imap",
                "127.0.0.1:\(server.imapPort)", "--imaps", "127.0.0.1:0",
            ])
            #expect(second.ending == .exited(69), "\(second.output)")
            #expect(second.output.contains("127.0.0.1:\(server.imapPort)"), "\(second.output)")
            try server.stop()
        }

        @Test func keepsItsCertificateAuthority() throws {
            let first = try start()
            let authority = try Files.read(first.authority)
            try first.stop()
            let second = try start()
            #expect(try Files.read(second.authority) == authority)
            try second.stop()
        }

        @Test func tellsAPersonHowToConnect() throws {
            let server = try start(["--metrics", "127.0.0.1:0"])
            let text = server.banner.dropLast().joined(separator: "\n")
            #expect(text.contains("127.0.0.1:\(server.imapPort)") && text.contains("127.0.0.1:\(server.imapsPort)"))
            #expect(text.contains(server.authority) && text.contains(server.directory))
            let metrics = try MetricsScrape(server)
            #expect(try metrics.sum("pluto_imap_connections") == 0)
            for line in String(decoding: try Files.read(server.log), as: UTF8.self).split(separator: "\n") {
                #expect(line.hasPrefix("{") && line.hasSuffix("}"), "not a JSON line: \(line)")
            }
            try server.stop()
        }

        @Test func countsCommandsAndLogsNoSecrets() throws {
            let server = try start(["--metrics", "127.0.0.1:0", "--log-level", "trace"])
            let client = try RawIMAPClient(server)
            #expect(try client.command("NOOP").isOK)
            #expect(try client.command("SELECT Nowhere").status == "NO")
            #expect(try client.append(to: "INBOX", Mails.simple("a secret subject")).isOK)
            #expect(try client.command("LOGIN x y").status == "BAD")
            let wrong = try RawIMAPClient(port: server.imapPort)
            #expect(try wrong.command("LOGIN alice open-sesame").status == "NO")
            let metrics = try MetricsScrape(server)
            #expect(try metrics.sum("pluto_imap_connections") == 2)
            #expect(try metrics.sum("pluto_imap_commands_total", label: #"command="NOOP",status="ok""#) == 1)
            #expect(try metrics.sum("pluto_imap_commands_total", label: #"command="SELECT",status="no""#) == 1)
            #expect(try metrics.sum("pluto_imap_commands_total", label: #"command="LOGIN",status="no""#) == 1)
            #expect(try metrics.sum("pluto_imap_command_seconds_count") >= 5)
            #expect(try metrics.sum("pluto_log_commits_total") >= 1)
            #expect(try metrics.sum("pluto_log_syncs_total") >= 1)
            try server.stop()
            let log = String(decoding: try Files.read(server.log), as: UTF8.self)
            for secret in ["wonderland", "open-sesame", "a secret subject"] {
                #expect(!log.contains(secret), "the log holds \(secret)")
            }
        }

        private func start(_ options: [String] = []) throws -> PlutoServer {
            try PlutoServer(directory: folder.file("mail"), options: ["--allow-insecure-auth"] + options)
        }
    }
}
