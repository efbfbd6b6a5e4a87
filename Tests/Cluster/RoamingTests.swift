// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import LiveTestSupport
internal import TestSupport
internal import Testing

extension Clusters {
    /// mbsync, which believes in UIDs and stops at the first doubt, goes from region to region while others write in all of them and one is cut off at times.
    @Suite("roaming with mbsync") struct Roaming {
        private static let regions = ["eu", "us", "asia"]
        private static let boxes = ["INBOX", "Work"]

        private let folder: TemporaryDirectory
        private let local: MbsyncWorkspace

        init() throws {
            folder = try TemporaryDirectory()
            local = try MbsyncWorkspace(folder)
        }

        @Test("no message is lost, doubled or changed", arguments: [1, 2] as [UInt64])
        func losesAndDoublesNothing(seed: UInt64) throws {
            var generator = SeededGenerator(seed: seed)
            // As long as a busy machine may need to link nodes anew: what a region still lacks when a client comes, mbsync takes for deleted.
            let cluster = try Cluster(regions: Self.regions, replication: ["SessionWaitMilliseconds = 8000"])
            try cluster.start()
            let clients = try Self.regions.map { try cluster.client($0) }
            var expected = Expectation()
            #expect(try clients[0].command("CREATE Work").isOK)
            try cluster.eventually("every region has the mailbox") {
                try clients.allSatisfy { try $0.command("STATUS Work (UIDNEXT)").isOK }
            }
            for round in 1...9 {
                let region = Self.regions.randomElement(using: &generator) ?? "eu"
                let cut = round % 3 == 0 ? "\(Self.regions.randomElement(using: &generator) ?? "us")-worker" : nil
                if let cut { cluster.isolate(cut) }
                for box in Self.boxes {
                    for number in 1...3 {
                        let mail = ClusterMail.simple("local \(box) \(round).\(number)")
                        try local.deliver(MailBytes(mail).withLocalLineEnds, to: box, flags: "S")
                        expected.add(mail, to: box)
                    }
                    for (other, client) in zip(Self.regions, clients) {
                        let mail = ClusterMail.simple("\(other) \(box) \(round)")
                        let reply = try client.append(to: box, mail)
                        #expect(reply.isOK, "seed \(seed), round \(round): \(reply)")
                        expected.add(mail, to: box)
                    }
                }
                if round % 2 == 0 { try flagAndDelete(&expected, &generator) }
                try sync(cluster, region, "seed \(seed), round \(round) at \(region), cut off: \(cut ?? "nobody")")
                if cut != nil { cluster.mend() }
            }
            try settle(cluster, seed)
            // What both sides of the last cut assigned waits for new UIDs for a moment, in which nothing changes for a client.
            try cluster.eventually("all hold what was written") {
                try Self.boxes.allSatisfy { box in
                    let views = try clients.map { try MailboxView(box, $0) }
                    return views.allSatisfy { $0 == views[0] && $0.messages.count == expected.messages[box]?.count }
                }
            }
            try settle(cluster, seed)
            try verify(expected, cluster, seed)
            try cluster.stopAll()
        }

        @Test("a client that goes to both sides of a cut gets all that both wrote, when they meet again")
        func missesNothingOfEitherSide() throws {
            let cluster = try Cluster(regions: Self.regions, replication: ["SessionWaitMilliseconds = 2000"])
            try cluster.start()
            let clients = try Self.regions.map { try cluster.client($0) }
            var expected = Expectation()
            let first = ClusterMail.simple("before")
            #expect(try clients[0].append(to: "INBOX", first).isOK)
            expected.add(first, to: "INBOX")
            // A mailbox that each region makes for itself has another UIDVALIDITY when they meet.
            try cluster.eventually("all have the first message") {
                let views = try clients.map { try MailboxView("INBOX", $0) }
                return views.allSatisfy { $0 == views[0] && $0.messages.count == 1 }
            }
            for round in 1...3 {
                let lonely = Self.regions[round % Self.regions.count]
                cluster.isolate("\(lonely)-worker")
                for (region, client) in zip(Self.regions, clients) {
                    let mail = ClusterMail.simple("\(region) \(round)")
                    #expect(try client.append(to: "INBOX", mail).isOK)
                    expected.add(mail, to: "INBOX")
                }
                // Both sides assign UIDs: a client that was at the one finds nothing of that at the other, and drops it.
                for (region, client) in zip(Self.regions, clients) {
                    try cluster.eventually("\(region) shows its message of round \(round)") {
                        try MailboxView("INBOX", client).subjects.contains { $0.hasSuffix("\(region) \(round)") }
                    }
                }
                let other = Self.regions[(round + 1) % Self.regions.count]
                for region in [other, lonely, other] { try sync(cluster, region, "round \(round) at \(region)") }
                cluster.mend()
                try cluster.eventually("all have what all wrote until round \(round)") {
                    let views = try clients.map { try MailboxView("INBOX", $0) }
                    return views.allSatisfy { $0 == views[0] && $0.messages.count == 3 * round + 1 }
                }
            }
            try settle(cluster, 0)
            try verify(expected, cluster, 0, ["INBOX"])
            try cluster.stopAll()
        }

        // MARK: Steps

        /// Deletes a local message of each mailbox, and flags another.
        private func flagAndDelete(_ expected: inout Expectation, _ generator: inout SeededGenerator) throws {
            for box in Self.boxes {
                let messages = try local.messages(in: box).sorted { $0.file < $1.file }
                guard let gone = messages.randomElement(using: &generator) else { continue }
                try Files.delete(gone.file)
                expected.remove(gone.bytes, from: box)
                guard let kept = messages.filter({ $0.file != gone.file }).randomElement(using: &generator) else {
                    continue
                }
                try local.setFlags("FS", of: kept)
                expected.flag(kept.bytes, in: box)
            }
        }

        private func sync(_ cluster: Cluster, _ region: String, _ context: String) throws {
            guard let node = cluster.plan.node("\(region)-distributor") else { throw LiveFailure("no \(region)") }
            let process = try local.start(
                port: node.mail, authority: cluster.authority(of: node.name), password: Cluster.users[0].1)
            let ending = try process.wait(within: .seconds(60))
            let output = try process.readToEnd()
            try #require(ending == .exited(0), "\(context): \(output)\n\(cluster.logTail(of: node.name))")
            #expect(!output.contains("Warning") && !output.contains("Error"), "\(context): \(output)")
        }

        /// Goes round the regions until none changes anything more.
        private func settle(_ cluster: Cluster, _ seed: UInt64) throws {
            var quiet = 0
            var count = 0
            while quiet < Self.regions.count {
                count += 1
                guard count < 60 else { throw LiveFailure("seed \(seed): mbsync finds changes again and again") }
                let before = local.fileNames()
                try sync(cluster, Self.regions[count % Self.regions.count], "seed \(seed), at the end")
                quiet = local.fileNames() == before ? quiet + 1 : 0
            }
        }

        private func verify(
            _ expected: Expectation, _ cluster: Cluster, _ seed: UInt64, _ boxes: [String] = Self.boxes
        ) throws {
            for box in boxes {
                let near = try local.messages(in: box).map {
                    Expectation.Message(bytes: $0.bytes.asBeforeMbsync, isFlagged: $0.flags.contains("F"))
                }
                let difference = Expectation.difference(near, from: expected.messages[box] ?? [])
                let views = try Self.regions.map { try MailboxView(box, cluster.client($0)) }
                #expect(difference.isEmpty, "seed \(seed): \(box) at the servers is \(views[0])")
                #expect(views.allSatisfy { $0 == views[0] }, "seed \(seed): \(views)")
                #expect(views[0].messages.count == near.count, "seed \(seed): \(box)")
                #expect(views[0].messages.map(\.uid) == views[0].messages.map(\.uid).sorted(), "seed \(seed)")
            }
        }
    }

    /// What has to be in the mailboxes in the end.
    private struct Expectation {
        struct Message: Hashable {
            var bytes: MailBytes
            var isFlagged = false
        }

        var messages: [String: [Message]] = [:]

        mutating func add(_ mail: [UInt8], to box: String) {
            messages[box, default: []].append(Message(bytes: MailBytes(mail).withLocalLineEnds))
        }

        mutating func remove(_ bytes: MailBytes, from box: String) {
            messages[box]?.removeAll { $0.bytes == bytes.asBeforeMbsync }
        }

        mutating func flag(_ bytes: MailBytes, in box: String) {
            let bytes = bytes.asBeforeMbsync
            guard let index = messages[box]?.firstIndex(where: { $0.bytes == bytes }) else { return }
            messages[box]?[index].isFlagged = true
        }

        /// What of some messages differs from what was expected, and by how many copies.
        static func difference(_ messages: [Message], from expected: [Message]) -> [String] {
            var counts = messages.reduce(into: [Message: Int]()) { $0[$1, default: 0] += 1 }
            for message in expected { counts[message, default: 0] -= 1 }
            return counts.filter { $0.value != 0 }.map { message, count in
                let flag = message.isFlagged ? " flagged" : ""
                return "\(count < 0 ? "lacks" : "has") \(abs(count)):\(flag) \(message.bytes.text)"
            }.sorted()
        }
    }
}
