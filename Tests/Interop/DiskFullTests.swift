// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import LiveTestSupport
internal import Testing

extension Live {
    /// A disk that takes no more: a limit on the size of files stands for it.
    @Suite("Full disk") struct FullDisk {
        @Test func answersNoAndGoesOnReading() throws {
            let folder = try TemporaryDirectory()
            // In KiB. The default action of the signal would be the end of the process; a full disk sends none.
            var server = try start(folder, shell: "trap '' XFSZ; ulimit -f 3072")
            let client = try RawIMAPClient(server)
            let watcher = try RawIMAPClient(server)
            #expect(try watcher.command("SELECT INBOX").isOK)

            var acknowledged: [UInt32: MailBytes] = [:]
            var refusal: IMAPReply?
            for number in 0..<200 where refusal == nil {
                let mail = Mails.large(byteCount: 60_000 + number, seed: UInt64(number))
                let reply = try client.append(to: "INBOX", mail)
                if let uid = reply.appendedUID { acknowledged[uid] = MailBytes(mail) } else { refusal = reply }
            }
            let reply = try #require(refusal, "12 MB fitted into files of 3 MB")
            #expect(reply.status == "NO" && reply.reason.contains("full"), "\(reply)")
            #expect(acknowledged.count >= 10)

            // The same session, one that was there before, and a new one read on.
            #expect(try client.command("NOOP").isOK)
            #expect(try watcher.command("NOOP").exists == UInt32(acknowledged.count))
            let fetched = try watcher.command("UID FETCH 1:* (UID BODY.PEEK[])")
            #expect(fetched.isOK)
            #expect(Self.bodies(fetched) == acknowledged)
            let fresh = try RawIMAPClient(server, user: "alice")
            #expect(try fresh.command("EXAMINE INBOX").exists == UInt32(acknowledged.count))
            let again = try fresh.append(to: "INBOX", Mails.large(byteCount: 100_000, seed: 1_000))
            #expect(again.status == "NO" && again.reason.contains("full"), "\(again)")
            #expect(try fresh.command("UID SEARCH ALL").found == acknowledged.keys.sorted())
            server.process.signal(SIGTERM)
            guard case .exited = try server.process.wait(within: .seconds(10)) else {
                Issue.record("the server did not end by itself:\n\(server.logTail)")
                return
            }

            server = try start(folder)
            let after = try RawIMAPClient(server)
            #expect(try after.command("SELECT INBOX").isOK)
            #expect(Self.bodies(try after.command("UID FETCH 1:* (UID BODY.PEEK[])")) == acknowledged)
            let appended = try after.append(to: "INBOX", Mails.simple("there is room again"))
            #expect(try #require(appended.appendedUID) > (acknowledged.keys.max() ?? 0))
            try server.stop()
        }

        private func start(_ folder: TemporaryDirectory, shell: String? = nil) throws -> PlutoServer {
            try PlutoServer(directory: folder.file("mail"), options: ["--allow-insecure-auth"], shell: shell)
        }

        private static func bodies(_ reply: IMAPReply) -> [UInt32: MailBytes] {
            var bodies: [UInt32: MailBytes] = [:]
            for line in reply.fetched {
                if let uid = line.number(after: "UID"), let body = line.literals.first { bodies[uid] = MailBytes(body) }
            }
            return bodies
        }
    }
}
