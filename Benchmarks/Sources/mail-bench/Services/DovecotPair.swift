// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import Foundation

/// One Dovecot, or two that replicate with dsync (`notify replication` plugins, replicator, doveadm over TLS), one in each region.
final class DovecotPair: ReplicatedService {
    let name: String
    private(set) var sites: [Site] = []
    private let folder: TemporaryFolder
    private let line: DelayLine
    private var servers: [Dovecot] = []

    /// Starts the servers.
    ///
    /// - Parameters:
    ///   - bench: the run.
    ///   - isReplicated: whether there are two.
    ///   - users: how many users they know.
    ///   - oneWayMilliseconds: the delay between the two.
    ///   - certificates: what they show.
    /// - Throws: `BenchFailure` when one does not start.
    init(
        _ bench: BenchContext, isReplicated: Bool, users: Int, oneWayMilliseconds: Double,
        certificates: CertificateFiles
    ) throws {
        name = isReplicated ? "Dovecot dsync" : "Dovecot, one instance"
        folder = try bench.temporaryFolder("dovecot")
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder.path)
        line = DelayLine(oneWayMilliseconds: oneWayMilliseconds)
        let regions = isReplicated ? 2 : 1
        let ports = try LoopbackSocket.freePorts(regions * 2)
        for region in 0..<regions {
            servers.append(
                try Dovecot(
                    bench, in: folder.file(PlutoCluster.regionNames[region]), certificates: certificates,
                    port: ports[region],
                    users: users, format: try Duel.format(bench)))
        }
        try servers[0].start()
        try makeInboxes(users)
        if isReplicated {
            servers[0].stop()
            try copyMail(bench)
            for region in 0..<2 {
                let proxy = try line.proxy(to: ports[2 + 1 - region])
                servers[region].change {
                    $0.replication = DovecotSettings.Replication(listen: ports[2 + region], peer: proxy)
                }
            }
            line.start()
            for server in servers { try server.start() }
        }
        sites = servers.enumerated().map { index, server in
            Site(region: PlutoCluster.regionNames[index], port: server.port, context: server.context)
        }
    }

    deinit { stop() }

    var nodes: [(name: String, process: Int32)] {
        servers.enumerated().flatMap { index, server in server.roots.map { (PlutoCluster.regionNames[index], $0) } }
    }

    func stop() {
        for server in servers { server.stop() }
        servers = []
        line.stop()
    }

    /// Makes every user's INBOX at the first server.
    ///
    /// INBOXes that both sides make on their own have different identities, over which dsync stumbles.
    private func makeInboxes(_ users: Int) throws {
        for user in 1...users {
            let client = try MailClient(port: servers[0].port, context: servers[0].context, user: MailUsers.name(user))
            try client.command("SELECT INBOX")
            try client.logout()
        }
    }

    /// Gives the second server what the first has.
    private func copyMail(_ bench: BenchContext) throws {
        let (from, to) = (servers[0].settings.folder, servers[1].settings.folder)
        guard
            try BenchChild.run(["cp", "-a", "\(from)/mail/.", "\(to)/mail"], cleanup: bench.cleanup).ending
                == .exited(0)
        else {
            throw BenchFailure("the mail of one Dovecot cannot be copied to the other")
        }
    }
}
