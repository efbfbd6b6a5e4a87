// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import LiveTestSupport
internal import TestSupport
internal import Testing

extension Live {
    /// Clients that are broken or hostile, beside one that is not.
    @Suite("Bad input") struct BadInput {
        private let server: PlutoServer
        /// Another session, which must notice nothing.
        private let bystander: RawIMAPClient
        private let baseline: ProcessMemory
        private let folder: TemporaryDirectory

        init() throws {
            folder = try TemporaryDirectory()
            server = try PlutoServer(
                directory: folder.file("mail"), options: ["--allow-insecure-auth", "--metrics", "127.0.0.1:0"])
            bystander = try RawIMAPClient(server, user: "bob", password: "builder")
            #expect(try bystander.append(to: "INBOX", Mails.simple("bystander")).isOK)
            #expect(try bystander.command("SELECT INBOX").exists == 1)
            baseline = try ProcessMemory(of: server.process.pid)
        }

        @Test func refusesEachBadCommandAndGoesOn() throws {
            let client = try RawIMAPClient(server)
            #expect(try client.append(to: "INBOX", Mails.simple("one")).isOK)
            #expect(try client.command("SELECT INBOX").isOK)
            let nested = String(repeating: "(", count: 1_000) + "ALL" + String(repeating: ")", count: 1_000)
            let bad = [
                "", "DANCE", "NOOP extra", "LOGIN alice wonderland", "STARTTLS", "FETCH 1", "FETCH 0 FLAGS",
                "FETCH 99999999999 FLAGS", "FETCH 1:2:3 FLAGS", "FETCH 1 (FLAGS", "FETCH 1 BODY[", "FETCH 1 BODY[1.0]",
                "FETCH 1 BODY[]<0.0>", "STORE 1 FLAGS \\", "STORE 1 NOFLAGS (\\Seen)",
                "SEARCH", "SEARCH \(nested)", "SEARCH " + String(repeating: "NOT ", count: 1_000) + "ALL",
                "SEARCH SINCE 31-Feb-2020", "SEARCH ON 99-Foo-2020", "UID DANCE 1", "UID", "SELECT", "SELECT \"INBOX",
                "CREATE \"control\u{1}character\"", "CREATE &", "CREATE &AGE-", "CREATE &2D3eRA", "CREATE ../x",
                "CREATE x/../../y", "CREATE x//y", "CREATE /etc/passwd//", "CREATE \"\"", "CREATE .", "RENAME INBOX",
                "RENAME Nowhere Else", "DELETE INBOX", "DELETE Nowhere", "SELECT ../x", "STATUS INBOX ()",
                "STATUS INBOX (DANCE)", "APPEND INBOX", "APPEND INBOX \"text\"", "APPEND Nowhere {3+}\r\nabc",
                "APPEND INBOX {99999999999}", "APPEND INBOX {4294967296}", "APPEND INBOX {-1}", "APPEND INBOX {x}",
                "COPY 2 INBOX", "MOVE 1", "COPY 1 Nowhere", "AUTHENTICATE PLAIN =", "ENABLE", "ID (\"a\")",
                "LIST \"\" {3+}\r\na\0b", "CREATE {3+}\r\na\0b", "CREATE {3+}\r\na\nb", "APPEND INBOX {7+}\r\nab\0cdef",
            ]
            for command in bad {
                let reply = try client.command(command)
                #expect(reply.status == "BAD" || reply.status == "NO", "\(command.prefix(80)): \(reply)")
                #expect(!reply.reason.isEmpty, "\(command.prefix(80)): \(reply)")
                #expect(try client.command("NOOP").isOK)
            }
            #expect(try client.command("STATUS INBOX (MESSAGES)").number("MESSAGES") == 1)
            try expectOthersUndisturbed()
        }

        @Test func refusesCommandsInTheWrongState() throws {
            let client = try RawIMAPClient(port: server.imapPort)
            for command in ["SELECT INBOX", "FETCH 1 FLAGS", "IDLE", "APPEND INBOX {3+}\r\nabc", "UNSELECT"] {
                #expect(try client.command(command).status == "BAD", "\(command)")
            }
            #expect(try client.command("LOGIN {5+}\r\nal\0ce wonderland").isOK == false)
            #expect(try client.command("LOGIN alice wonderland").isOK)
            for command in ["FETCH 1 FLAGS", "EXPUNGE", "CLOSE", "UID STORE 1 FLAGS ()", "CHECK"] {
                #expect(try client.command(command).status == "BAD", "\(command)")
            }
            try expectOthersUndisturbed()
        }

        @Test func answersGarbageWithBADOrBYE() throws {
            let seed = makeSeed()
            var generator = SeededGenerator(seed: seed)
            for isLoggedIn in [false, true] {
                for _ in 1...5 {
                    let client = try isLoggedIn ? RawIMAPClient(server) : RawIMAPClient(port: server.imapPort)
                    var garbage = (0..<20_000).map { _ in UInt8.random(in: 0...255, using: &generator) }
                    for index in stride(from: 37, to: garbage.count - 2, by: 61) {
                        garbage[index] = 13
                        garbage[index + 1] = 10
                    }
                    try client.socket.send(garbage)
                    client.socket.finishSending()
                    for line in try client.readToEnd() {
                        let isRefusal = [" BAD ", " NO ", "* BYE "].contains { line.text.contains($0) }
                        #expect(isRefusal || line.text.hasPrefix("+"), "KUIPER_SEED=\(seed): \(line.text)")
                    }
                }
            }
            try expectOthersUndisturbed()
        }

        @Test(arguments: [false, true])
        func survivesALineWithoutEnd(isLoggedIn: Bool) throws {
            let client = try isLoggedIn ? RawIMAPClient(server) : RawIMAPClient(port: server.imapPort)
            let piece = [UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000)
            try client.send("x NOOP ")
            for _ in 1...10 {
                guard try client.socket.send(piece) else { break }
                try expectBoundedMemory()
            }
            client.socket.finishSending()
            for line in try client.readToEnd() {
                #expect(line.text.hasPrefix("x BAD") || line.text.hasPrefix("* B"), "\(line.text)")
            }
            try expectOthersUndisturbed()
        }

        @Test func refusesHugeLiterals() throws {
            for header in ["{99999999999}", "{99999999999+}", "{4000000000+}", "{18446744073709551616+}"] {
                let client = try RawIMAPClient(server)
                try client.send("x APPEND INBOX \(header)\r\n")
                let line = try client.readLine()
                let isRefusal = ["x NO", "x BAD", "* BYE"].contains { line?.text.hasPrefix($0) == true }
                #expect(isRefusal, "\(header): \(line?.text ?? "nothing")")
                // A client that waits for the refusal goes on with the next command.
                if !header.contains("+") { #expect(try client.command("NOOP").isOK) }
            }
            try expectOthersUndisturbed()
        }

        @Test func endsASessionOfNothingButJunk() throws {
            let client = try RawIMAPClient(server)
            try client.send(String(repeating: "junk junk junk\r\n", count: 2_000))
            client.socket.finishSending()
            let lines = try client.readToEnd()
            #expect(lines.count < 100, "the server answered \(lines.count) bad commands")
            #expect(lines.allSatisfy { $0.text.hasPrefix("junk BAD") || $0.text.hasPrefix("* BYE") })
            try expectOthersUndisturbed()
        }

        @Test func answersPipelinedCommandsInOrderAroundJunk() throws {
            let client = try RawIMAPClient(server)
            var text = ""
            for number in 1...200 {
                text += "a\(number) NOOP\r\nb\(number) JUNK\r\nc\(number) STATUS INBOX (UIDNEXT)\r\n"
            }
            try client.send(text)
            for number in 1...200 {
                #expect(try client.finish("a\(number)").isOK)
                #expect(try client.finish("b\(number)").status == "BAD")
                #expect(try client.finish("c\(number)").number("UIDNEXT") == 1)
            }
            try expectOthersUndisturbed()
        }

        @Test func survivesADisconnectAtEveryByte() throws {
            let message = "Subject: half\r\n\r\nbody\r\n"
            let session = [
                "a LOGIN {5+}\r\nalice wonderland\r\n", "b SELECT INBOX\r\n",
                "c APPEND INBOX (\\Seen) {\(message.utf8.count)+}\r\n\(message)\r\n",
                "d UID STORE 1:* +FLAGS (\\Seen)\r\n",
                "e FETCH 1:* (BODY[] FLAGS)\r\n", "f IDLE\r\nDONE\r\n",
            ].joined()
            let bytes = Array(session.utf8)
            for count in 0...bytes.count {
                let socket = try LiveSocket(port: server.imapPort)
                try socket.send(bytes[..<count])
                if count % 2 == 0 { socket.resetOnClose() }
            }
            try expectOthersUndisturbed()
            let deadline = Deadline(.seconds(60))
            while try MetricsScrape(server).sum("pluto_imap_connections") > 1, !deadline.isOver {}
            #expect(try MetricsScrape(server).sum("pluto_imap_connections") == 1)

            // Only whole messages arrived, and at most one of each session that sent a whole one.
            let client = try RawIMAPClient(server)
            let opened = try client.command("SELECT INBOX")
            #expect(try #require(opened.exists) <= UInt32(bytes.count))
            for line in try client.command("FETCH 1:* BODY.PEEK[]").fetched {
                #expect(MailBytes(line.literals.first ?? []) == MailBytes(Array(message.utf8)))
            }
        }

        @Test func dropsWhatComesInTheClearBehindStartTLS() throws {
            let (user, password) = PlutoServer.users[0]
            let run = try ChildProcess.run([
                try Tool.path("python3", package: "python3"), Scripts.path("starttls_injection.py"),
                "\(server.imapPort)", server.authority, user, password,
            ])
            #expect(run.ending == .exited(0), "\(run.output)\n\(server.logTail)")
            try expectOthersUndisturbed()
        }

        @Test func survivesGarbageInsteadOfATLSHandshake() throws {
            let seed = makeSeed()
            var generator = SeededGenerator(seed: seed)
            for _ in 1...20 {
                let socket = try LiveSocket(port: server.imapsPort)
                try socket.send((0..<2_000).map { _ in UInt8.random(in: 0...255, using: &generator) })
            }
            let plain = try LiveSocket(port: server.imapsPort)
            try plain.send(Array("a LOGIN alice wonderland\r\n".utf8))
            try expectOthersUndisturbed()
        }

        // MARK: Helpers

        private func expectOthersUndisturbed() throws {
            #expect(try bystander.command("NOOP").untagged.isEmpty)
            #expect(try bystander.command("FETCH 1 BODY.PEEK[HEADER.FIELDS (SUBJECT)]").fetched.count == 1)
            #expect(try RawIMAPClient(server, user: "bob", password: "builder").command("NOOP").isOK)
            try expectBoundedMemory()
        }

        private func expectBoundedMemory() throws {
            let grown = try ProcessMemory(of: server.process.pid).anonymousKiB - baseline.anonymousKiB
            #expect(grown < 32 * 1_024, "the server grew by \(grown) KiB")
        }
    }
}
