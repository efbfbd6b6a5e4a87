// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import LiveTestSupport
internal import Testing

extension Clusters {
    /// Peers that have no business here, or say what makes no sense: refused with a reason in log and metrics, and nothing is harmed.
    @Suite("bad peers") struct BadPeers {
        /// One node with mail and a client, and everybody's certificates; the other nodes do not run.
        private final class Scene {
            let cluster: Cluster
            let client: RawIMAPClient
            let before: MailboxView
            let target: ClusterPlan.Node

            init() throws {
                cluster = try Cluster(replication: ["PresenceIntervalMilliseconds = 100"])
                try cluster.start(["eu-worker", "eu-distributor"])
                do { client = try cluster.client("eu") } catch {
                    throw LiveFailure(
                        "\(error)\n\(cluster.logTail(of: "eu-distributor"))\n\(cluster.logTail(of: "eu-worker"))")
                }
                for number in 1...3 {
                    let reply = try client.append(to: "INBOX", ClusterMail.simple("mail \(number)"))
                    guard reply.isOK else {
                        throw LiveFailure(
                            "APPEND: \(reply)\n\(cluster.logTail(of: "eu-distributor"))\n\(cluster.logTail(of: "eu-worker"))"
                        )
                    }
                }
                before = try MailboxView("INBOX", client)
                guard let target = cluster.plan.node("eu-worker") else { throw LiveFailure("no eu-worker") }
                self.target = target
            }

            /// Somebody with a node's certificate, or with one that another cluster's authority made.
            func attacker(_ node: String, folder: String = "pki") -> Attacker {
                Attacker(
                    certificate: cluster.folder.file("\(folder)/\(node)-cert.pem"),
                    key: cluster.folder.file("\(folder)/\(node)-key.pem"),
                    authority: cluster.folder.file("pki/root-cert.pem"))
            }

            /// Waits for a metric of the attacked node to have counted something, and for a line in its log.
            func expect(metric: String, label: String, log: String, _ what: String) throws {
                try cluster.eventually("\(what): \(metric){\(label)}") {
                    // A series appears with its first count.
                    (try? MetricsScrape(port: target.metrics).sum(metric, label: label)) ?? 0 > 0
                }
                try cluster.eventually("\(what): \(log) in the log") {
                    try cluster.logText(of: "eu-worker").split(separator: "\n").contains {
                        $0.contains(log) && ($0.contains("\"level\":\"error\"") || $0.contains("\"level\":\"warning\""))
                    }
                }
            }

            /// Nothing is harmed: the session goes on, the mail is the same, and the real peers replicate.
            func verify() throws {
                #expect(try MailboxView("INBOX", client) == before)
                #expect(try client.append(to: "INBOX", ClusterMail.simple("after")).isOK)
                let list = try client.command("LIST \"\" *")
                #expect(!"\(list)".contains("forged"), "\(list)")
                try cluster.start(["us-worker", "storage", "us-distributor"])
                let other = try cluster.client("us")
                try cluster.eventually("the real peer has everything") {
                    let after = try MailboxView("INBOX", client)
                    return try after.messages.count == 4 && MailboxView("INBOX", other) == after
                }
                try cluster.eventually("all is well") {
                    try cluster.pluto(["status", "--config", "whole.toml"]).ending == .exited(0)
                }
                try cluster.stopAll()
            }
        }

        @Test func whoeverProvesNoMembershipIsTurnedAway() throws {
            let scene = try Scene()
            let cluster = scene.cluster
            let traffic = try ForgedTraffic()

            // A worker of the authority's whom nobody lists, and a cluster with another authority.
            let stranger = try String(decoding: Files.read(cluster.folder.file("whole.toml")), as: UTF8.self)
                .replacing("us-worker", with: "stranger")
            try Files.write(cluster.folder.file("stranger.toml"), Array(stranger.utf8))
            let issued = try cluster.pluto(["pki", "renew", "--config", "stranger.toml"])
            #expect(issued.ending == .exited(0), "\(issued.output)")
            let foreign = stranger.replacing("pki/", with: "foreign/")
            try Files.write(cluster.folder.file("foreign.toml"), Array(foreign.utf8))
            let made = try cluster.pluto(["pki", "init", "--config", "foreign.toml"])
            #expect(made.ending == .exited(0), "\(made.output)")

            let rejected = "pluto_replication_rejected_connections_total"
            _ = try scene.attacker("eu-distributor").attack(
                port: scene.target.sync, [traffic.hello(node: "eu-distributor")])
            try scene.expect(
                metric: rejected, label: "fault=\"identity_refused\"",
                log: "only a worker or storage takes part in replication", "a distributor")

            let unknown = try scene.attacker("stranger").attack(
                port: scene.target.sync, [traffic.hello(node: "stranger")])
            #expect(unknown.refusal?.code == .unknownMember, "\(unknown)")
            try scene.expect(
                metric: "pluto_replication_refusals_total", label: "reason=\"unknownMember\"",
                log: "stranger is not a member of group users here", "a stranger")

            let liar = try scene.attacker("us-worker").attack(port: scene.target.sync, [traffic.hello(node: "storage")])
            #expect(liar.refusal?.code == .wrongIdentity, "\(liar)")
            try scene.expect(
                metric: "pluto_replication_refusals_total", label: "reason=\"wrongIdentity\"",
                log: "the certificate is that of us-worker, the greeting of storage", "a liar")

            for attacker in [
                scene.attacker("us-worker", folder: "foreign"),
                Attacker(authority: cluster.folder.file("pki/root-cert.pem")), Attacker(),
            ] {
                let answer = try attacker.attack(port: scene.target.sync, [traffic.hello()])
                #expect(answer.bytes.count < 16 && answer.refusal == nil, "\(answer)")
            }
            try scene.expect(
                metric: rejected, label: "fault=\"tls\"", log: "a connection to the peers' listener was turned away",
                "no certificate of ours")
            try scene.verify()
        }

        @Test func onlyADistributorMaySpeakForAUser() throws {
            let scene = try Scene()
            var worker = scene.attacker("us-worker")
            worker.applicationProtocol = Attacker.front
            // Version 1: alice of the group users, from nowhere, unprotected, number 1, a new session.
            var open: [UInt8] = [1]
            for text in ["alice", "users", "192.0.2.1", ""] { open += [0, UInt8(text.utf8.count)] + Array(text.utf8) }
            open += [0, 0, 0, 0, 0, 0, 0, 1, 0]
            let frame = [0, 0, 0, UInt8(open.count), 1] + open
            let answer = try worker.attack(port: scene.target.mail, [frame])
            #expect(answer.bytes.dropFirst(4).first == 3, "REFUSED: \(answer)")
            try scene.expect(
                metric: "pluto_front_refused_total", label: "reason=\"role\"", log: "us-worker is no distributor",
                "a worker at the front door")

            var distributor = scene.attacker("eu-distributor")
            distributor.applicationProtocol = Attacker.front
            _ = try distributor.attack(port: scene.target.mail, [[0, 0, 0, 1, 99, 0]])
            try scene.expect(
                metric: "pluto_front_refused_total", label: "reason=\"malformed\"", log: "unknown type 99",
                "garbage of a distributor")
            open[0] = 9
            _ = try distributor.attack(port: scene.target.mail, [[0, 0, 0, UInt8(open.count), 1] + open])
            try scene.expect(
                metric: "pluto_front_refused_total", label: "reason=\"version\"", log: "version 9 of the front link",
                "a distributor of the future")
            try scene.verify()
        }

        @Test func aGreetingThatDoesNotFitIsRefused() throws {
            let scene = try Scene()
            let traffic = try ForgedTraffic()
            let attacker = scene.attacker("us-worker")
            let day: UInt64 = 86_400_000
            var future = traffic.hello()
            // Behind length and type.
            future[5] += 1
            let cases: [(what: String, hello: [UInt8], code: RefusalReason.Code, log: String)] = [
                ("a future version", future, .wrongVersion, "the peer speaks version"),
                (
                    "a clock far ahead", traffic.hello { $0.presence.wallMilliseconds += day }, .clockTooFarAhead,
                    "check the clocks"
                ),
                (
                    "other settings", traffic.hello { $0.fingerprint ^= 1 }, .otherConfiguration,
                    "the settings of group users at us-worker differ from those here"
                ),
                (
                    "another numbering of members", traffic.hello { $0.members[0].stripe = 9 }, .otherConfiguration,
                    "here eu-worker has UID stripe 0, there eu-worker has 9"
                ),
                ("another group", traffic.hello { $0.group = "others" }, .wrongGroup, "us-worker is of group others"),
                (
                    "a list without this node", traffic.hello { $0.members.removeFirst() }, .unknownMember,
                    "us-worker does not list eu-worker as a member of users"
                ),
                (
                    "no greeting at all", ForgedTraffic.bytes(.presence(traffic.greeting().presence)),
                    .protocolViolation, "a message came before the greeting"
                ),
                ("an unknown message", [0, 0, 0, 2, 200, 0], .malformed, "200"),
                ("a message beyond the limit", [0x7F, 0, 0, 0, 1, 0], .protocolViolation, "the limit is"),
                ("a message of nothing", [0, 0, 0, 0], .malformed, "a message of no octets"),
            ]
            for bad in cases {
                let answer = try attacker.attack(port: scene.target.sync, [bad.hello])
                #expect(answer.refusal?.code == bad.code, "\(bad.what): \(answer)")
                #expect(answer.ending != "open", "\(bad.what): the connection is not closed")
                try scene.expect(
                    metric: "pluto_replication_refusals_total",
                    label: "by=\"here\",reason=\"\(bad.code)\"", log: bad.log, bad.what)
            }
            try scene.verify()
        }

        @Test func forgedAndTruncatedFramesAreRefusedAndLeaveNothingBehind() throws {
            let scene = try Scene()
            let attacker = scene.attacker("us-worker")
            let now = ForgedTraffic.wallMilliseconds
            var flipped = try ForgedTraffic().frame(at: now)
            flipped[flipped.count - 1] ^= 0x40
            let cases: [(what: String, frames: (ForgedTraffic) throws -> [UInt8], code: RefusalReason.Code)] = [
                ("a frame with a wrong checksum", { _ in flipped }, .malformed),
                (
                    "garbage in a right envelope",
                    { _ in ForgedTraffic.envelope([OperationFrame.format, 0xFF, 0xFE, 0xFD, 0, 1]) },
                    .malformed
                ),
                (
                    "a frame of a future version", { _ in ForgedTraffic.envelope([1, 2, 3], version: 9) },
                    .wrongVersion
                ),
                ("half a frame", { Array(try $0.frame(at: now).dropLast(5)) }, .malformed),
                (
                    "an operation from tomorrow", { try $0.frame(at: now + 86_400_000) }, .clockTooFarAhead
                ),
            ]
            for bad in cases {
                // A new replica each time: what was said against the last one must not hide what is said against this one.
                let traffic = try ForgedTraffic()
                let frames = try bad.frames(traffic)
                let answer = try attacker.attack(
                    port: scene.target.sync, [traffic.hello(), ForgedTraffic.bytes(.frames(frames))])
                #expect(answer.refusal?.code == bad.code, "\(bad.what): \(answer)")
                try scene.expect(
                    metric: "pluto_replication_refusals_total", label: "by=\"here\",reason=\"\(bad.code)\"",
                    log: "this node refuses a link", bad.what)
            }
            let traffic = try ForgedTraffic()
            let message = ForgedTraffic.bytes(.frames(try traffic.frame(at: now)))
            _ = try attacker.attack(
                port: scene.target.sync, [traffic.hello(), Array(message.dropLast(3))], hangsUp: true)
            try scene.expect(
                metric: "pluto_replication_link_ends_total", label: "fault=\"truncated\"", log: "truncated",
                "a link that ends in the middle of a message")
            try scene.verify()
        }

        /// Two real nodes whose files differ in what must be the same everywhere.
        @Test(arguments: [
            (
                "HierarchySeparator = \".\"", "HierarchySeparator = \"/\"",
                eu: ", which are HierarchySeparator ., WindowBytes ",
                us: ", which are HierarchySeparator /, WindowBytes "
            ),
            (
                "UnreachableAfterMilliseconds", "WindowBytes = 2097152\nUnreachableAfterMilliseconds",
                eu: ", which are HierarchySeparator ., WindowBytes 1048576",
                us: ", which are HierarchySeparator ., WindowBytes 2097152"
            ),
            (
                "UserEnd = 1000", "UserEnd = 500", eu: ": UserEnd is 500 there and 1000 here",
                us: ": UserEnd is 1000 there and 500 here"
            ),
        ]) func nodesWithDifferentSettingsRefuseEachOtherAndSayWhy(
            _ text: String, _ other: String, eu: String, us: String
        ) throws {
            let cluster = try Cluster()
            let right = try Files.read(cluster.folder.file("us-worker.toml"))
            let wrong = String(decoding: right, as: UTF8.self)
                .replacing(text, with: other)
            try Files.write(cluster.folder.file("us-worker.toml"), Array(wrong.utf8))
            try cluster.start(["eu-worker", "eu-distributor", "us-worker"])
            for (name, peer, difference) in [("eu-worker", "us-worker", eu), ("us-worker", "eu-worker", us)] {
                try cluster.eventually("\(name) says why") {
                    try cluster.logText(of: name).contains(
                        "otherConfiguration: the settings of group users at \(peer) differ from those here\(difference)"
                    )
                }
                // Whoever of the two sees it first refuses the link, and the other counts that.
                let node = try #require(cluster.plan.node(name))
                try cluster.eventually("\(name) counts it") {
                    (try? MetricsScrape(port: node.metrics).sum(
                        "pluto_replication_refusals_total", label: "reason=\"otherConfiguration\"")) ?? 0 > 0
                }
            }
            try cluster.eventually("status says why") {
                let status = try cluster.pluto(["status", "--config", "whole.toml"])
                return status.ending == .exited(1) && status.output.contains("last refusal: otherConfiguration")
            }
            // Each serves alone meanwhile.
            let client = try cluster.client("eu")
            #expect(try client.append(to: "INBOX", ClusterMail.simple("alone")).isOK)

            try cluster.stop("us-worker")
            try Files.write(cluster.folder.file("us-worker.toml"), right)
            try cluster.start(["us-worker", "us-distributor"])
            let other = try cluster.client("us")
            try cluster.eventually("the corrected node has the mail") {
                try MailboxView("INBOX", other).subjects == ["Subject: alone"]
            }
            try cluster.stopAll()
        }
    }
}
