// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import LiveTestSupport
internal import Testing

extension Live {
    /// The curl command.
    @Suite("curl") struct Curl {
        private let folder: TemporaryDirectory
        private let server: PlutoServer

        init() throws {
            folder = try TemporaryDirectory()
            server = try PlutoServer(directory: folder.file("mail"))
        }

        @Test func listsMailboxes() throws {
            let run = try curl("/")
            #expect(run.ending == .exited(0), "\(run.output)")
            for name in ["INBOX", "Archive", "Drafts", "Junk", "Sent", "Trash"] {
                #expect(run.output.contains(#" "/" "# + name), "\(run.output)")
            }
        }

        @Test func uploadsAndFetchesTheSameBytes() throws {
            let mail = Mails.simple(
                "hello curl", "Grüße, 8 bits and a long line: " + String(repeating: "x", count: 5_000))
            let file = try folder.write("mail.eml", mail)
            let upload = try curl("/INBOX", "--upload-file", file)
            #expect(upload.ending == .exited(0), "\(upload.output)")
            let byUID = try curl("/INBOX;UID=1")
            #expect(byUID.ending == .exited(0))
            #expect(MailBytes(Array(byUID.output.utf8)) == MailBytes(mail))
            let byIndex = try curl("/INBOX;MAILINDEX=1")
            #expect(MailBytes(Array(byIndex.output.utf8)) == MailBytes(mail))
            let subject = try curl("/INBOX;UID=1;SECTION=HEADER.FIELDS%20(SUBJECT)")
            #expect(subject.output == "Subject: hello curl\r\n\r\n")
            #expect(try curl("/INBOX;UID=2").ending != .exited(0))
        }

        @Test func sendsCommandsOfTheUser() throws {
            let file = try folder.write("mail.eml", Mails.simple("needle"))
            for _ in 1...2 { #expect(try curl("/INBOX", "--upload-file", file).ending == .exited(0)) }
            let status = try curl("/", "--request", "STATUS INBOX (MESSAGES UIDNEXT)")
            #expect(status.output.contains("MESSAGES 2") && status.output.contains("UIDNEXT 3"), "\(status.output)")
            #expect(try curl("/INBOX?SUBJECT%20needle").output == "* SEARCH 1 2\r\n")
            #expect(try curl("/INBOX?SUBJECT%20hay").output == "* SEARCH\r\n")
            let store = try curl("/INBOX", "--request", "STORE 1 +FLAGS (\\Deleted)")
            #expect(store.output.contains("\\Deleted"), "\(store.output)")
            #expect(try curl("/INBOX", "--request", "EXPUNGE").output == "* 1 EXPUNGE\r\n")
            #expect(try curl("/", "--request", "CREATE Projects").ending == .exited(0))
            #expect(try curl("/", "--request", "LIST \"\" Pro*").output.contains("Projects"))
            #expect(try curl("/", "--request", "CREATE Projects").ending == .exited(21))
        }

        @Test func upgradesWithStartTLS() throws {
            let run = try curl("/", "--ssl-reqd", scheme: "imap", port: server.imapPort)
            #expect(run.ending == .exited(0) && run.output.contains("INBOX"), "\(run.output)")
        }

        @Test func refusesACertificateOfSomebodyElse() throws {
            let openssl = try Tool.path("openssl", package: "openssl")
            let other = folder.file("other.pem")
            let made = try ChildProcess.run([
                openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
                "2", "-subj", "/CN=Somebody else", "-keyout", folder.file("other.key"), "-out", other,
            ])
            #expect(made.ending == .exited(0), "\(made.output)")
            // 60: the server's certificate could not be verified.
            #expect(try curl("/", authority: other).ending == .exited(60))
            #expect(
                try curl("/", "--ssl-reqd", scheme: "imap", port: server.imapPort, authority: other).ending
                    == .exited(60))
        }

        @Test func refusesAWrongPassword() throws {
            // 67: login denied.
            #expect(try curl("/", password: "wrong").ending == .exited(67))
            #expect(try curl("/").ending == .exited(0))
        }

        @Test func refusesToLogInWithoutTLS() throws {
            let run = try curl("/", scheme: "imap", port: server.imapPort)
            #expect(run.ending == .exited(67), "\(run.output)")
            let client = try RawIMAPClient(port: server.imapPort)
            #expect(client.greeting.text.contains("LOGINDISABLED"))
            let reply = try client.command("LOGIN alice wonderland")
            #expect(reply.status == "NO" && reply.code == "PRIVACYREQUIRED", "\(reply)")
            #expect(try client.command("AUTHENTICATE PLAIN AGFsaWNlAHdvbmRlcmxhbmQ=").isOK == false)
            #expect(try client.command("SELECT INBOX").status == "BAD")
        }

        /// Runs curl on a path of the server.
        private func curl(
            _ path: String, _ options: String..., scheme: String = "imaps", port: Int? = nil, authority: String? = nil,
            password: String = "wonderland"
        ) throws -> (ending: ChildProcess.Ending, output: String) {
            try ChildProcess.run(
                [
                    try Tool.path("curl", package: "curl"), "--silent", "--show-error", "--max-time", "60", "--cacert",
                    authority ?? server.authority, "--user", "alice:\(password)",
                ] + options + ["\(scheme)://localhost:\(port ?? server.imapsPort)\(path)"])
        }
    }
}
