// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import Foundation

/// One Dovecot 2.3 of our own: its configuration, processes and mail are in a temporary folder.
final class Dovecot: MailService {
    /// What this machine lacks to run it.
    static let peer = BenchPeer("dovecot") {
        guard FileManager.default.isExecutableFile(atPath: executable),
            FileManager.default.isExecutableFile(atPath: "/usr/lib/dovecot/imap")
        else { return "there is no Dovecot with IMAP on this machine (Debian: dovecot-imapd)" }
        return nil
    }

    private static let executable = "/usr/sbin/dovecot"
    private static let startLimit = Duration.seconds(20)

    let name: String
    let context: TLSContext
    private(set) var settings: DovecotSettings
    private let bench: BenchContext
    private var child: BenchChild?

    /// Writes the configuration; starts nothing.
    ///
    /// - Parameters:
    ///   - bench: the run.
    ///   - folder: an empty folder, which lives longer than this.
    ///   - name: its name in the tables.
    ///   - certificates: what it shows.
    ///   - port: where it listens.
    ///   - users: how many users it knows.
    ///   - format: how it keeps mail.
    /// - Throws: `BenchFailure` when its files cannot be made.
    init(
        _ bench: BenchContext, in folder: String, name: String = "Dovecot", certificates: CertificateFiles,
        port: Int, users: Int, format: DovecotSettings.Format = .maildir
    ) throws {
        self.bench = bench
        self.name = name
        settings = DovecotSettings(
            folder: folder, name: "kuiper-\(port)", port: port, certificates: certificates, format: format)
        context = try TLSContext(trusting: certificates.authority)
        for path in ["", "/mail", "/run"] {
            try FileManager.default.createDirectory(atPath: folder + path, withIntermediateDirectories: true)
            // Its processes run as users of their own, which must be able to come here.
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder + path)
        }
        if geteuid() == 0, let user = getpwnam(DovecotSettings.mailUser) {
            guard chown(folder + "/mail", user.pointee.pw_uid, user.pointee.pw_gid) == 0 else {
                throw LoopbackSocket.failure("chown")
            }
        }
        try settings.users(users).write(toFile: folder + "/users", atomically: true, encoding: .utf8)
    }

    var port: Int { settings.port }

    var roots: [Int32] { child.map { [$0.pid] } ?? [] }

    /// Changes the settings before the next start.
    func change(_ body: (inout DovecotSettings) -> Void) { body(&settings) }

    /// Starts it and waits until it listens.
    func start() throws {
        let file = settings.folder + "/dovecot.conf"
        try settings.text.write(toFile: file, atomically: true, encoding: .utf8)
        let child = try BenchChild(
            [Self.executable, "-F", "-c", file], cleanup: bench.cleanup, errors: settings.folder + "/errors")
        self.child = child
        let deadline = ContinuousClock.now + Self.startLimit
        while !LoopbackSocket.answers(port: port) {
            guard ContinuousClock.now < deadline, kill(child.pid, 0) == 0 else {
                throw BenchFailure(
                    "Dovecot does not start: \(ServiceLog.tail(settings.folder + "/errors")) \(ServiceLog.tail(settings.folder + "/log"))"
                )
            }
            poll(nil, 0, 10)
        }
    }

    /// Ends it and waits until nobody listens any more.
    func stop() {
        child?.stop()
        child = nil
        let deadline = ContinuousClock.now + Self.startLimit
        while LoopbackSocket.answers(port: port), ContinuousClock.now < deadline { poll(nil, 0, 10) }
    }

    /// Runs a command of its administrator.
    ///
    /// - Returns: what it printed.
    func administrate(_ words: [String]) throws -> String {
        let result = try BenchChild.run(
            ["doveadm", "-c", settings.folder + "/dovecot.conf"] + words, cleanup: bench.cleanup,
            errors: settings.folder + "/errors")
        return result.output
    }
}
