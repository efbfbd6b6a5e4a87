// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Testing

/// A Maildir tree and the configuration with which mbsync keeps it equal to a server's mailboxes.
package final class MbsyncWorkspace {
    /// How mbsync protects the connection.
    package enum Protection: String, CaseIterable, Sendable {
        /// TLS from the first byte.
        case implicit = "IMAPS"
        /// TLS after a command.
        case upgrade = "STARTTLS"
    }

    private let folder: TemporaryDirectory
    private var fileCount = 0

    /// Makes an empty tree in a directory.
    package init(_ folder: TemporaryDirectory) throws {
        self.folder = folder
        try Files.makeDirectory(folder.file("local"))
    }

    /// Synchronises everything once.
    ///
    /// - Parameters:
    ///   - server: the server as it runs now; its port may be another one each time.
    ///   - protection: how the connection is protected.
    ///   - expunge: whether deleted messages are removed.
    ///   - password: the user's password.
    /// - Returns: how it ended and what it said.
    package func sync(
        with server: PlutoServer, _ protection: Protection = .implicit, expunge: Bool = true,
        password: String = PlutoServer.users[0].1
    ) throws -> (ending: ChildProcess.Ending, output: String) {
        let process = try start(with: server, protection, expunge: expunge, password: password)
        return (try process.wait(within: .seconds(120)), try process.readToEnd())
    }

    /// Starts to synchronise.
    package func start(
        with server: PlutoServer, _ protection: Protection = .implicit, expunge: Bool = true,
        password: String = PlutoServer.users[0].1
    ) throws -> ChildProcess {
        try start(
            port: protection == .implicit ? server.imapsPort : server.imapPort, authority: server.authority,
            protection, expunge: expunge, password: password)
    }

    /// Starts to synchronise with whoever listens on a port.
    package func start(
        port: Int, authority: String, _ protection: Protection = .implicit, expunge: Bool = true,
        password: String = PlutoServer.users[0].1
    ) throws -> ChildProcess {
        let program = try Tool.path("mbsync", package: "isync")
        let configuration = try folder.write(
            "mbsyncrc",
            """
            IMAPAccount pluto
            Host localhost
            Port \(port)
            User \(PlutoServer.users[0].0)
            Pass \(password)
            SSLType \(protection.rawValue)
            CertificateFile \(authority)
            AuthMechs \(protection == .implicit ? "*" : "LOGIN")
            Timeout 60

            IMAPStore far
            Account pluto

            MaildirStore near
            Path \(folder.file("local"))/
            Inbox \(folder.file("local"))/INBOX
            SubFolders Verbatim

            Channel all
            Far :far:
            Near :near:
            Patterns *
            Create Both
            Remove Both
            Expunge \(expunge ? "Both" : "None")
            CopyArrivalDate yes
            SyncState *

            """)
        return try ChildProcess(
            [program, "--config", configuration, "--all"], environment: ["HOME": folder.path])
    }

    // MARK: The local side

    /// Delivers a message into a local mailbox, which is made when it is missing.
    ///
    /// - Parameters:
    ///   - message: the bytes of the file.
    ///   - mailbox: the mailbox; `/` stands between its levels.
    ///   - flags: Maildir's letters, sorted.
    package func deliver(_ message: MailBytes, to mailbox: String, flags: String = "") throws {
        for part in ["cur", "new", "tmp"] { try Files.makeDirectory(path(mailbox, part)) }
        fileCount += 1
        try Files.write(path(mailbox, "cur") + "/17000000\(fileCount).test.localhost:2,\(flags)", message.bytes)
    }

    /// The messages of a local mailbox, with the letters of their flags.
    package func messages(in mailbox: String) throws -> [LocalMessage] {
        var messages: [LocalMessage] = []
        for part in ["cur", "new"] {
            for name in Files.names(in: path(mailbox, part)) {
                let flags = name.split(separator: ",").dropFirst().last { !$0.contains("U=") } ?? ""
                let file = path(mailbox, part) + "/" + name
                messages.append(LocalMessage(file: file, bytes: MailBytes(try Files.read(file)), flags: String(flags)))
            }
        }
        return messages
    }

    /// The message that holds a text.
    package func message(in mailbox: String, holding text: String) throws -> LocalMessage {
        try #require(try messages(in: mailbox).first { $0.bytes.text.contains(text) })
    }

    /// Gives a local message other flags, as a mail reader does.
    package func setFlags(_ flags: String, of message: LocalMessage) throws {
        var parts = message.file.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard let name = parts.popLast(), let end = name.firstRange(of: ":2,") else { return }
        parts[parts.count - 1] = "cur"
        try Files.move(message.file, to: parts.joined(separator: "/") + "/" + name[..<end.upperBound] + flags)
    }

    /// The names of all files with messages.
    package func fileNames() -> [String] {
        var names: [String] = []
        func visit(_ path: String) {
            for name in Files.names(in: path) {
                if path.hasSuffix("/cur") || path.hasSuffix("/new") {
                    names.append(path + "/" + name)
                } else if !name.hasPrefix(".") {
                    visit(path + "/" + name)
                }
            }
        }
        visit(folder.file("local"))
        return names
    }

    private func path(_ mailbox: String, _ part: String) -> String { folder.file("local/\(mailbox)/\(part)") }
}

/// A file of a Maildir.
package struct LocalMessage {
    /// Where it is.
    package let file: String
    /// What is in it.
    package let bytes: MailBytes
    /// Maildir's letters.
    package let flags: String
}
