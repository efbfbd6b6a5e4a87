// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Logging
internal import NodeSupport
internal import PeerTransport

/// Reads the sections of a configuration file; every key that the file may hold is asked for here.
struct ConfigReader {
    let paths: ConfigPaths

    /// The user IDs that a range may name: what a file of users or a database column can hold.
    static let userIDs = 0...(1 << 53) - 1

    func read(_ root: ConfigSection) -> DraftCluster {
        var draft = DraftCluster()
        draft.rootCertificate = path(root.requiredText("RootCertLoc"))
        draft.rootKey = path(root.text("RootKeyLoc"))
        if let section = root.section("IMAP") { draft.imap = imap(section) }
        if let section = root.section("Distributor") { draft.distributors.append(distributor(section, key: nil)) }
        for (key, section) in root.sections("Distributors") {
            draft.distributors.append(distributor(section, key: key))
        }
        for (key, section) in root.sections("Workers") { draft.workers.append(worker(section, key: key)) }
        if let section = root.section("Storage") { draft.storage = storage(section) }
        if let section = root.section("Replication") {
            draft.replication = replication(section)
            draft.numbering = numbering(section)
            section.finish()
        }
        if let section = root.section("Log") { draft.log = log(section) }
        if !root.has("Distributor"), !root.has("Distributors"), !root.has("Workers"), !root.has("Storage") {
            root.error(root.line, "names no node; it needs [Distributor], [Workers.<key>] or [Storage]")
        }
        root.finish()
        return draft
    }

    // MARK: Settings of all nodes

    private func imap(_ section: ConfigSection) -> IMAPSettings {
        defer { section.finish() }
        var settings = IMAPSettings()
        if let greeting = section.text("Greeting") {
            if greeting.value.utf8.count > 200 || greeting.value.unicodeScalars.contains(where: { !Self.isPlain($0) }) {
                section.error(greeting.line, "Greeting must be at most 200 printable ASCII characters")
            } else {
                settings.greeting = greeting.value
            }
        }
        if let separator = section.text("HierarchySeparator") {
            switch separator.value {
            case ".": settings.hierarchySeparator = "."
            case "/": settings.hierarchySeparator = "/"
            default: section.error(separator.line, "HierarchySeparator must be \".\" or \"/\"")
            }
        }
        set(&settings.maximumMessageBytes, section.integer("MaximumMessageBytes", in: 65_536...1 << 30))
        set(&settings.idleTimeoutMinutes, section.integer("IdleTimeoutMinutes", in: 30...1_440))
        return settings
    }

    /// Who has which number, for groups whose members are not numbered in the order of their names.
    private func numbering(_ section: ConfigSection) -> [String: Located<[String]>] {
        guard let table = section.section("Members") else { return [:] }
        var numbering: [String: Located<[String]>] = [:]
        for (subnet, names) in table.lists() {
            let given = names.value.filter { !$0.isEmpty }
            if names.value.count > GroupSettings.maximumMembers {
                section.error(
                    names.line,
                    "Members.\(subnet) has \(names.value.count) places and may have "
                        + "\(GroupSettings.maximumMembers)")
            } else if Set(given).count < given.count {
                section.error(names.line, "Members.\(subnet) has a name twice; each member has one number")
            } else {
                numbering[subnet] = names
            }
        }
        return numbering
    }

    private func replication(_ section: ConfigSection) -> ReplicationSettings {
        var settings = ReplicationSettings()
        set(&settings.windowBytes, section.integer("WindowBytes", in: 65_536...1 << 26))
        set(&settings.retentionBytes, section.integer("RetentionBytes", in: 1 << 20...1 << 50))
        set(
            &settings.assignmentWaitMilliseconds, section.integer("AssignmentWaitMilliseconds", in: 0...10_000))
        set(&settings.sessionWaitMilliseconds, section.integer("SessionWaitMilliseconds", in: 0...8_000))
        let unreachable = section.integer("UnreachableAfterMilliseconds", in: 100...600_000)
        set(&settings.unreachableAfterMilliseconds, unreachable)
        let presence = section.integer("PresenceIntervalMilliseconds", in: 20...2_000)
        set(&settings.presenceIntervalMilliseconds, presence)
        set(&settings.maximumClockLeadSeconds, section.integer("MaximumClockLeadSeconds", in: 1...86_400))
        set(&settings.snapshotLagOperations, section.integer("SnapshotLagOperations", in: 1_000...1 << 40))
        if settings.presenceIntervalMilliseconds * 2 > settings.unreachableAfterMilliseconds {
            section.error(
                (unreachable ?? presence)?.line ?? section.line,
                "UnreachableAfterMilliseconds is \(settings.unreachableAfterMilliseconds) and must be at least twice "
                    + "PresenceIntervalMilliseconds, which is \(settings.presenceIntervalMilliseconds): or one late "
                    + "sign of life makes a member unreachable")
        }
        return settings
    }

    private func log(_ section: ConfigSection) -> LogSettings {
        defer { section.finish() }
        var settings = LogSettings()
        if let level = section.text("Level") {
            // The original's spelling of a level that ours calls "warning".
            if let known = Logger.Level(rawValue: level.value == "warn" ? "warning" : level.value) {
                settings.level = known
            } else {
                let names = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
                section.error(level.line, "Level must be one of \(names)")
            }
        }
        return settings
    }

    // MARK: Nodes

    private func worker(_ section: ConfigSection, key: String) -> DraftReplica {
        defer { section.finish() }
        let mail = addresses(section, public: "PublicMailAddr", listen: "ListenMailAddr", isRequired: true)
        let isReplicated = section.has("Peers")
        let sync = addresses(section, public: "PublicSyncAddr", listen: "ListenSyncAddr", isRequired: isReplicated)
        let first = section.requiredInteger("UserStart", in: Self.userIDs)
        let last = section.requiredInteger("UserEnd", in: Self.userIDs)
        var users: Located<ClosedRange<Int>>?
        if let first, let last {
            if first.value <= last.value {
                users = Located(first.value...last.value, line: first.line)
            } else {
                section.error(
                    first.line, "UserStart is \(first.value), after UserEnd, which is \(last.value): no user is left")
            }
        }
        let subnets = section.sections("Peers").map { name, peers in
            subnet(section, name: name, peers: peers, syncPublic: sync.public, syncListen: sync.listen)
        }
        if isReplicated, subnets.isEmpty {
            section.error(section.line, "Peers is empty; name the subnet: \(section.title.dropLast()).Peers.<subnet>]")
        }
        return DraftReplica(
            section: section, role: .worker, key: key, name: name(section), region: region(section),
            mailPublic: mail.public, mailListen: mail.listen,
            metrics: section.address("PrometheusAddr", for: .listening),
            certificate: path(section.requiredText("CertLoc")), privateKey: path(section.requiredText("KeyLoc")),
            dataRoot: dataRoot(section), headerCacheBytes: headerCacheBytes(section), users: users, subnets: subnets)
    }

    private func storage(_ section: ConfigSection) -> DraftReplica {
        defer { section.finish() }
        let mail = addresses(section, public: "PublicMailAddr", listen: "ListenMailAddr", isRequired: true)
        let peers = section.sections("Peers")
        var subnets: [DraftSubnet] = []
        var named: Set<String> = []
        for (name, addressSection) in section.sections("SyncAddrs") {
            defer { addressSection.finish() }
            let sync = addresses(addressSection, public: "Public", listen: "Listen", isRequired: true)
            let own = peers.first { $0.name == name }?.section
            if own == nil {
                section.error(
                    addressSection.line,
                    "SyncAddrs names the subnet \(name), but Peers does not; add "
                        + "[Storage.Peers.\(name)] with the workers of the subnet")
            }
            named.insert(name)
            subnets.append(
                subnet(
                    section, name: name, peers: own, syncPublic: sync.public, syncListen: sync.listen,
                    line: addressSection.line))
        }
        for (name, peerSection) in peers where !named.contains(name) {
            section.error(
                peerSection.line,
                "Peers names the subnet \(name), but SyncAddrs does not; add "
                    + "[Storage.SyncAddrs.\(name)] with Public and Listen")
            subnets.append(subnet(section, name: name, peers: peerSection, syncPublic: nil, syncListen: nil))
        }
        if !section.has("SyncAddrs"), !section.has("Peers") {
            section.error(
                section.line, "is in no subnet; add [Storage.SyncAddrs.<subnet>] and [Storage.Peers.<subnet>] for each")
        }
        return DraftReplica(
            section: section, role: .storage, key: nil, name: name(section), region: nil,
            mailPublic: mail.public, mailListen: mail.listen,
            metrics: section.address("PrometheusAddr", for: .listening),
            certificate: path(section.requiredText("CertLoc")), privateKey: path(section.requiredText("KeyLoc")),
            dataRoot: dataRoot(section), headerCacheBytes: headerCacheBytes(section), users: nil, subnets: subnets)
    }

    private func subnet(
        _ section: ConfigSection, name: String, peers: ConfigSection?, syncPublic: Located<HostPort>?,
        syncListen: Located<HostPort>?, line: Int? = nil
    ) -> DraftSubnet {
        let line = peers?.line ?? line ?? section.line
        if !NodeIdentity.isName(name) {
            section.error(line, "the subnet \"\(name)\" needs another name: \(Self.nameRule)")
        }
        var found: [DraftPeer] = []
        if let peers {
            for (peer, text) in peers.entries() {
                if !NodeIdentity.isName(peer) {
                    peers.error(text.line, "the peer \"\(peer)\" cannot be a node: \(Self.nameRule)")
                }
                let address = peers.requiredAddress(peer, for: .connecting)
                found.append(DraftPeer(name: peer, line: text.line, address: address?.value))
            }
            if found.isEmpty { peers.error(peers.line, "names no peer; write <name> = \"HOST:PORT\" for each") }
        }
        return DraftSubnet(
            name: name, line: line, syncPublic: syncPublic, syncListen: syncListen, peers: found)
    }

    // MARK: Parts

    static let nameRule = "a letter or digit, then up to 63 letters, digits, hyphens, underscores and dots"

    func name(_ section: ConfigSection) -> Located<String>? {
        guard let name = section.requiredText("Name") else { return nil }
        guard NodeIdentity.isName(name.value) else {
            section.error(name.line, "Name \"\(name.value)\" stands in certificates and must be \(Self.nameRule)")
            return nil
        }
        return name
    }

    func region(_ section: ConfigSection) -> Located<String>? {
        guard let region = section.text("Region") else { return nil }
        guard NodeIdentity.isName(region.value) else {
            section.error(region.line, "Region \"\(region.value)\" must be \(Self.nameRule)")
            return nil
        }
        return region
    }

    /// A pair of addresses: where others reach the node and where it listens; either may stand for both.
    func addresses(
        _ section: ConfigSection, public publicKey: String, listen listenKey: String, isRequired: Bool
    ) -> (public: Located<HostPort>?, listen: Located<HostPort>?) {
        let isPublicThere = section.has(publicKey)
        let isListenThere = section.has(listenKey)
        let shown = section.address(publicKey, for: .connecting)
        let listen = section.address(listenKey, for: .listening)
        if !isPublicThere, !isListenThere {
            if isRequired { section.missing("\(publicKey) and \(listenKey)") }
            return (nil, nil)
        }
        if isListenThere, !isPublicThere, let listen, listen.value.isWildcard {
            section.error(
                listen.line, "\(listenKey) means all interfaces, so it needs \(publicKey) too: where others reach it")
            return (nil, listen)
        }
        return (isPublicThere ? shown : listen, isListenThere ? listen : shown)
    }

    func path(_ text: Located<String>?) -> Located<String>? {
        guard let text, !text.value.isEmpty else { return nil }
        return text.map(paths.resolve)
    }

    private func dataRoot(_ section: ConfigSection) -> Located<String>? {
        // The original kept messages there; ours keeps them in the store below CRDTLayerRoot.
        _ = section.text("MaildirRoot")
        return path(section.requiredText("CRDTLayerRoot"))
    }

    private func headerCacheBytes(_ section: ConfigSection) -> Int? {
        section.integer("HeaderCacheBytes", in: 0...1 << 40)?.value
    }

    func set(_ setting: inout Int, _ found: Located<Int>?) {
        if let found { setting = found.value }
    }

    private static func isPlain(_ scalar: Unicode.Scalar) -> Bool { (0x20...0x7E).contains(scalar.value) }
}
