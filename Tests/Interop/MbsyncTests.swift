// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import LiveTestSupport
internal import TestSupport
internal import Testing

extension Live {
    /// isync's mbsync, which keeps a Maildir tree and a server's mailboxes equal and stops at the first doubt.
    @Suite("mbsync") struct Mbsync {
        private let folder: TemporaryDirectory
        private let local: MbsyncWorkspace

        init() throws {
            folder = try TemporaryDirectory()
            local = try MbsyncWorkspace(folder)
        }

        @Test(arguments: MbsyncWorkspace.Protection.allCases)
        func carriesTheSameBytesBothWays(_ protection: MbsyncWorkspace.Protection) throws {
            let server = try start()
            let pushed = Self.difficultMails(prefix: "pushed")
            let pulled = Self.difficultMails(prefix: "pulled")
            for mail in pushed {
                try local.deliver(mail.withLocalLineEnds, to: "INBOX")
                try local.deliver(mail, to: "Lists/Swift/Forums", flags: "S")
            }
            let client = try RawIMAPClient(server)
            #expect(try client.command("CREATE Work/Deep").isOK)
            for mail in pulled {
                #expect(try client.append(to: "INBOX", mail.bytes).isOK)
                #expect(try client.append(to: "Work/Deep", flags: "\\Flagged", mail.bytes).isOK)
            }

            try sync(server, protection)

            for mailbox in ["INBOX", "Lists/Swift/Forums", "Work/Deep", "Sent"] {
                let far = try FarMailbox(mailbox, of: server)
                let near = try local.messages(in: mailbox)
                var expected: [MailBytes] = []
                if mailbox == "INBOX" || mailbox.hasPrefix("Lists") { expected += pushed }
                if mailbox == "INBOX" || mailbox.hasPrefix("Work") { expected += pulled }
                let originals = Set(expected.map(\.withLocalLineEnds))
                #expect(Set(far.messages.map(\.bytes.asBeforeMbsync)) == originals)
                #expect(Set(near.map(\.bytes.asBeforeMbsync)) == originals)
                #expect(far.messages.count == expected.count && near.count == expected.count)
                #expect(far.messages.map(\.uid) == far.messages.map(\.uid).sorted())
            }
            let lists = try FarMailbox("Lists/Swift/Forums", of: server)
            #expect(lists.messages.allSatisfy { $0.flags == ["\\Seen"] }, "\(lists)")
            #expect(try local.messages(in: "Work/Deep").allSatisfy { $0.flags == "F" })
            try expectNoChange(server, protection)
            try server.stop()
        }

        @Test func carriesFlagsBothWays() throws {
            let server = try start()
            let client = try RawIMAPClient(server)
            let names = ["one", "two", "three", "four", "five", "six"]
            for name in names { #expect(try client.append(to: "INBOX", Mails.simple(name)).isOK) }
            try sync(server, expunge: false)

            for (name, letters) in zip(names, ["S", "F", "R", "D", "DFRS", "T"]) {
                try local.setFlags(letters, of: local.message(in: "INBOX", holding: "Subject: \(name)\n"))
            }
            try sync(server, expunge: false)
            let expected: [Set<String>] = [
                ["\\Seen"], ["\\Flagged"], ["\\Answered"], ["\\Draft"],
                ["\\Draft", "\\Flagged", "\\Answered", "\\Seen"], ["\\Deleted"],
            ]
            #expect(try FarMailbox("INBOX", of: server).messages.map(\.flags) == expected)
            try expectNoChange(server, expunge: false)

            #expect(try client.command("SELECT INBOX").isOK)
            #expect(try client.command("STORE 1 FLAGS (\\Answered \\Flagged)").isOK)
            #expect(try client.command("STORE 2:4,6 FLAGS ()").isOK)
            #expect(try client.command("STORE 5 -FLAGS (\\Seen)").isOK)
            try sync(server, expunge: false)
            for (name, letters) in zip(names, ["FR", "", "", "", "DFR", ""]) {
                #expect(try local.message(in: "INBOX", holding: "Subject: \(name)\n").flags == letters)
            }
            try expectNoChange(server, expunge: false)
            try server.stop()
        }

        @Test func carriesDeletionsBothWays() throws {
            let server = try start()
            let client = try RawIMAPClient(server)
            for name in ["keep", "delete here", "trash here", "delete there"] {
                #expect(try client.append(to: "INBOX", Mails.simple(name)).isOK)
            }
            try sync(server)
            let before = try FarMailbox("INBOX", of: server)

            try Files.delete(local.message(in: "INBOX", holding: "Subject: delete here").file)
            try local.setFlags("ST", of: local.message(in: "INBOX", holding: "Subject: trash here"))
            #expect(try client.command("SELECT INBOX").isOK)
            let number = try client.command("SEARCH SUBJECT \"delete there\"").found.first ?? 0
            #expect(try client.command("STORE \(number) +FLAGS.SILENT (\\Deleted)").isOK)
            #expect(try client.command("EXPUNGE").isOK)
            try sync(server)

            let after = try FarMailbox("INBOX", of: server)
            #expect(after.messages == [try before.message(holding: "Subject: keep")])
            #expect(after.uidNext == before.uidNext && after.uidValidity == before.uidValidity)
            #expect(try local.messages(in: "INBOX").count == 1)
            try expectNoChange(server)
            try server.stop()
        }

        @Test func findsTheSameUIDsAfterRestarts() throws {
            var server = try start()
            for number in 1...5 {
                try local.deliver(MailBytes(Mails.simple("pushed \(number)")), to: "Box/Below", flags: "S")
            }
            let client = try RawIMAPClient(server)
            for number in 1...5 { #expect(try client.append(to: "INBOX", Mails.simple("pulled \(number)")).isOK) }
            try sync(server)
            let before = try FarMailbox.all(of: server)
            #expect(before["Box/Below"]?.messages.count == 5 && before["INBOX"]?.messages.count == 5)

            try server.stop()
            server = try start()
            #expect(try FarMailbox.all(of: server) == before)
            try expectNoChange(server)

            try server.killHard()
            server = try start()
            #expect(try FarMailbox.all(of: server) == before)
            try expectNoChange(server)

            try local.deliver(MailBytes(Mails.simple("after the restarts")), to: "Box/Below")
            try sync(server)
            #expect(try FarMailbox("Box/Below", of: server).messages.map(\.uid) == [1, 2, 3, 4, 5, 6])
            try server.stop()
        }

        @Test func losesAndDoublesNothingWhenTheServerIsKilledInBetween() throws {
            var server = try start()
            let messageCount = 300
            let mails = (1...messageCount).map { MailBytes(Mails.simple("interrupted \($0)")).withLocalLineEnds }
            for mail in mails { try local.deliver(mail, to: "INBOX", flags: "S") }
            let watcher = try RawIMAPClient(server)
            #expect(try watcher.command("SELECT INBOX").exists == 0)
            try watcher.send("i IDLE\r\n")
            let push = try local.start(with: server)
            // The server ends when a part of the messages has come.
            var seen: UInt32 = 0
            while seen < 40, let line = try watcher.readLine() {
                if line.isMessageData("EXISTS") { seen = UInt32(line.text.split(separator: " ")[1]) ?? 0 }
            }
            try server.killHard()
            #expect(try push.wait() != .exited(0))

            server = try start()
            let before = try FarMailbox("INBOX", of: server)
            #expect(before.messages.count >= Int(seen) && before.messages.count < messageCount)
            // It warns that it has to look for what it had sent.
            let resumed = try local.sync(with: server)
            #expect(resumed.ending == .exited(0), "\(resumed.output)\n\(server.logTail)")
            let after = try FarMailbox("INBOX", of: server)
            #expect(after.uidValidity == before.uidValidity)
            #expect(Array(after.messages.prefix(before.messages.count)) == before.messages)
            #expect(after.messages.count == messageCount)
            #expect(Set(after.messages.map(\.bytes.asBeforeMbsync)) == Set(mails))
            #expect(try local.messages(in: "INBOX").count == messageCount)
            try expectNoChange(server)
            try server.stop()
        }

        @Test func saysThatThePasswordIsWrong() throws {
            let server = try start()
            let run = try local.sync(with: server, password: "wrong")
            #expect(run.ending != .exited(0))
            #expect(run.output.contains("AUTHENTICATIONFAILED") || run.output.contains("password"), "\(run.output)")
            try server.stop()
        }

        // MARK: Helpers

        /// The tests look at the server through the plain port; mbsync uses TLS.
        private func start() throws -> PlutoServer {
            try PlutoServer(directory: folder.file("mail"), options: ["--allow-insecure-auth"])
        }

        private func sync(
            _ server: PlutoServer, _ protection: MbsyncWorkspace.Protection = .implicit, expunge: Bool = true
        ) throws {
            let run = try local.sync(with: server, protection, expunge: expunge)
            try #require(run.ending == .exited(0), "\(run.output)\n\(server.logTail)")
            #expect(!run.output.contains("Warning") && !run.output.contains("Error"), "\(run.output)")
        }

        /// Synchronises once more: that must change nothing on either side.
        private func expectNoChange(
            _ server: PlutoServer, _ protection: MbsyncWorkspace.Protection = .implicit, expunge: Bool = true
        ) throws {
            let far = try FarMailbox.all(of: server)
            let near = local.fileNames()
            try sync(server, protection, expunge: expunge)
            #expect(try FarMailbox.all(of: server) == far)
            #expect(local.fileNames() == near)
        }

        /// Mails whose bytes something on the way might be tempted to change; all have CRLF line ends.
        private static func difficultMails(prefix: String) -> [MailBytes] {
            var generator = SeededGenerator(seed: 1)
            // Every byte but NUL, CR and LF, which IMAP or mbsync cannot carry in the middle of a line.
            let octets = (0..<20_000).map { _ in UInt8.random(in: 1...255, using: &generator) }
            let binary = octets.filter { $0 != 13 && $0 != 10 }
            let bodies: [[UInt8]] = [
                Array("plain".utf8),
                [],
                binary,
                Array(String(repeating: "a long line ", count: 10_000).utf8),
                Array("From the start\r\n.\r\n..\r\n\r\n\r\n)\r\n{5}\r\n* 1 EXPUNGE\r\na1 OK done".utf8),
                Array("zwölf Boxkämpfer, 日本語, and half a character: ".utf8) + [0xC3],
                Array("spaces at the end   \r\n\ttabs\t\r\n".utf8),
            ]
            return bodies.enumerated().map { index, body in
                MailBytes(Array("Subject: \(prefix) \(index)\r\nMIME-Version: 1.0\r\n\r\n".utf8) + body + [13, 10])
            }
        }
    }
}
