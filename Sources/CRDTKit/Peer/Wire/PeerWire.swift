// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The parts of peer messages: writing and reading, in pairs.
enum PeerWire {
    // MARK: Texts and bytes

    /// A text of at most ``ReplicationLimits/maximumTextBytes``, empty perhaps; what is longer is cut at a character.
    static func put(text: String, _ bytes: inout [UInt8]) {
        let limit = ReplicationLimits.maximumTextBytes
        var cut = text
        if cut.utf8.count > limit {
            cut = ""
            var size = 0
            for character in text {
                size += character.utf8.count
                if size > limit { break }
                cut.append(character)
            }
        }
        WireWriter.put(cut, into: &bytes)
    }

    static func text(
        _ bytes: RawSpan, _ offset: inout Int, atMost limit: Int = ReplicationLimits.maximumTextBytes
    ) throws(CRDTError) -> String {
        if offset < bytes.byteCount && bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self) == 0 {
            offset += 1
            return ""
        }
        return try WireReader.text(bytes, &offset, atMost: limit, "a text")
    }

    static func name(_ bytes: RawSpan, _ offset: inout Int) throws(CRDTError) -> String {
        try WireReader.text(bytes, &offset, atMost: ReplicationLimits.maximumNameBytes, "a name")
    }

    /// Everything up to the end.
    static func rest(_ bytes: RawSpan, _ offset: inout Int) -> [UInt8] {
        let part = bytes.extracting(offset..<bytes.byteCount)
        offset = bytes.byteCount
        return part.withUnsafeBytes { Array($0) }
    }

    static func rest(_ bytes: RawSpan, _ offset: inout Int, atMost limit: Int) throws(CRDTError) -> [UInt8] {
        guard bytes.byteCount - offset <= limit else {
            throw CRDTError(.limitExceeded, "at most \(limit) bytes fit here, got \(bytes.byteCount - offset)")
        }
        return rest(bytes, &offset)
    }

    static func flag(_ bytes: RawSpan, _ offset: inout Int) throws(CRDTError) -> Bool {
        let value = try WireReader.byte(bytes, &offset)
        guard value <= 1 else { throw CRDTError(.malformed, "a flag is 0 or 1, got \(value)") }
        return value == 1
    }

    // MARK: Identities

    static func put(_ replica: ReplicaID, _ bytes: inout [UInt8]) {
        WireWriter.put(fixed64: replica.rawValue, into: &bytes)
        WireWriter.put(UInt64(replica.incarnation), into: &bytes)
    }

    static func replica(_ bytes: RawSpan, _ offset: inout Int) throws(CRDTError) -> ReplicaID {
        let name = try WireReader.fixed64(bytes, &offset)
        let life = try WireReader.varint(bytes, &offset, atMost: UInt64(UInt32.max), "an incarnation")
        guard name != 0 && life != 0 else { throw CRDTError(.malformed, "a replica's name and life are not zero") }
        return ReplicaID(name, incarnation: UInt32(truncatingIfNeeded: life))
    }

    static func put(_ transfer: TransferID, _ bytes: inout [UInt8]) {
        put(transfer.receiver, &bytes)
        WireWriter.put(transfer.number, into: &bytes)
    }

    static func transfer(_ bytes: RawSpan, _ offset: inout Int) throws(CRDTError) -> TransferID {
        let receiver = try replica(bytes, &offset)
        return TransferID(receiver: receiver, number: try WireReader.varint(bytes, &offset))
    }

    static func digest(_ bytes: RawSpan, _ offset: inout Int) throws(CRDTError) -> BodyDigest {
        try WireReader.digest(bytes, &offset)
    }

    // MARK: Vectors

    /// A vector: entries in the strictly ascending order of the replicas.
    static func put(_ positions: [StreamPosition], _ bytes: inout [UInt8]) {
        WireWriter.put(count: positions.count, into: &bytes)
        for position in positions {
            put(position.origin, &bytes)
            WireWriter.put(position.counter, into: &bytes)
        }
    }

    static func positions(_ bytes: RawSpan, _ offset: inout Int) throws(CRDTError) -> [StreamPosition] {
        let limit = UInt64(ReplicationLimits.maximumVectorEntries)
        let count = try WireReader.varint(bytes, &offset, atMost: limit, "a vector's number of entries")
        // The shortest entry has ten bytes.
        guard count <= UInt64(bytes.byteCount - offset) / 10 else { throw WireReader.truncated() }
        var result: [StreamPosition] = []
        result.reserveCapacity(Int(count))
        for _ in 0..<count {
            let origin = try replica(bytes, &offset)
            let counter = try WireReader.varint(bytes, &offset, atMost: Dot.maximumCounter, "a counter")
            if let last = result.last, last.origin >= origin {
                throw CRDTError(.malformed, "a vector's entries are out of order")
            }
            result.append(StreamPosition(origin: origin, counter: counter))
        }
        return result
    }

    // MARK: Greetings

    static func put(_ greeting: PeerGreeting, _ bytes: inout [UInt8]) {
        WireWriter.put(ReplicationLimits.protocolVersion, into: &bytes)
        WireWriter.put(greeting.group, into: &bytes)
        WireWriter.put(UInt64(greeting.partition.rawValue), into: &bytes)
        WireWriter.put(greeting.node, into: &bytes)
        put(greeting.replica, &bytes)
        WireWriter.put(fixed64: greeting.fingerprint, into: &bytes)
        WireWriter.put(count: greeting.members.count, into: &bytes)
        for member in greeting.members {
            WireWriter.put(member.name, into: &bytes)
            bytes.append(member.stripe)
        }
        put(settings: greeting.partialSettings, &bytes)
        put(greeting.presence, &bytes)
    }

    static func greeting(_ bytes: RawSpan, _ offset: inout Int) throws(CRDTError) -> PeerGreeting {
        let version = try WireReader.varint(bytes, &offset)
        guard version == ReplicationLimits.protocolVersion else {
            throw CRDTError(
                .unsupportedVersion,
                "the peer speaks version \(version), this node \(ReplicationLimits.protocolVersion)")
        }
        let group = try name(bytes, &offset)
        let partition = try WireReader.varint(bytes, &offset, atMost: UInt64(UInt32.max), "a partition")
        let node = try name(bytes, &offset)
        let replica = try replica(bytes, &offset)
        let fingerprint = try WireReader.fixed64(bytes, &offset)
        let limit = UInt64(ReplicationLimits.maximumMembers)
        let count = try WireReader.varint(bytes, &offset, atMost: limit, "the number of members")
        var members: [GroupMember] = []
        for _ in 0..<count {
            let member = try name(bytes, &offset)
            members.append(GroupMember(name: member, stripe: try WireReader.byte(bytes, &offset)))
        }
        let settings = try settings(bytes, &offset)
        return PeerGreeting(
            group: group, partition: PartitionID(UInt32(truncatingIfNeeded: partition)), node: node, replica: replica,
            fingerprint: fingerprint, members: members, partialSettings: settings,
            presence: try presence(bytes, &offset))
    }

    /// Settings by name, in the order of the names' bytes.
    static func put(settings: [String: String], _ bytes: inout [UInt8]) {
        WireWriter.put(count: settings.count, into: &bytes)
        for (name, value) in settings.sorted(by: { AccountDigest.isBefore($0.key, $1.key) }) {
            WireWriter.put(name, into: &bytes)
            WireWriter.put(value, into: &bytes)
        }
    }

    static func settings(_ bytes: RawSpan, _ offset: inout Int) throws(CRDTError) -> [String: String] {
        let limit = UInt64(ReplicationLimits.maximumSettings)
        let count = try WireReader.varint(bytes, &offset, atMost: limit, "the number of settings")
        var settings: [String: String] = [:]
        var last: String?
        for _ in 0..<count {
            let setting = try name(bytes, &offset)
            if let last, !AccountDigest.isBefore(last, setting) {
                throw CRDTError(.malformed, "a greeting's settings are out of order")
            }
            settings[setting] = try name(bytes, &offset)
            last = setting
        }
        return settings
    }

    static func put(_ presence: PeerPresence, _ bytes: inout [UInt8]) {
        put(presence.durable, &bytes)
        put(presence.logStart, &bytes)
        WireWriter.put(fixed64: presence.wallMilliseconds, into: &bytes)
        WireWriter.put(fixed64: presence.newestOwnTimestamp.rawValue, into: &bytes)
        WireWriter.put(presence.backlogBytes, into: &bytes)
        bytes.append(presence.isWritable ? 1 : 0)
        bytes.append(presence.digest == nil ? 0 : 1)
        if let digest = presence.digest { put(digest, &bytes) }
    }

    static func presence(_ bytes: RawSpan, _ offset: inout Int) throws(CRDTError) -> PeerPresence {
        let durable = try positions(bytes, &offset)
        let start = try positions(bytes, &offset)
        let wall = try WireReader.fixed64(bytes, &offset)
        let newest = HybridTimestamp(rawValue: try WireReader.fixed64(bytes, &offset))
        let backlog = try WireReader.varint(bytes, &offset)
        let isWritable = try flag(bytes, &offset)
        let hasDigest = try flag(bytes, &offset)
        return PeerPresence(
            durable: durable, logStart: start, wallMilliseconds: wall, newestOwnTimestamp: newest,
            backlogBytes: backlog, digest: hasDigest ? try stateDigest(bytes, &offset) : nil, isWritable: isWritable)
    }

    // MARK: Digests

    static func put(_ digest: StateDigest, _ bytes: inout [UInt8]) {
        WireWriter.put(bigEndian64: digest.high, into: &bytes)
        WireWriter.put(bigEndian64: digest.low, into: &bytes)
    }

    static func stateDigest(_ bytes: RawSpan, _ offset: inout Int) throws(CRDTError) -> StateDigest {
        let high = try WireReader.bigEndian64(bytes, &offset)
        return StateDigest(low: try WireReader.bigEndian64(bytes, &offset), high: high)
    }

    static func put(_ page: DigestPage?, _ bytes: inout [UInt8]) {
        bytes.append(page == nil ? 0 : 1)
        guard let page else { return }
        put(page.vector, &bytes)
        bytes.append(page.isLast ? 1 : 0)
        WireWriter.put(count: page.entries.count, into: &bytes)
        for entry in page.entries {
            WireWriter.put(entry.account, into: &bytes)
            put(entry.digest, &bytes)
        }
    }

    static func page(_ bytes: RawSpan, _ offset: inout Int) throws(CRDTError) -> DigestPage? {
        guard try flag(bytes, &offset) else { return nil }
        let vector = try positions(bytes, &offset)
        let isLast = try flag(bytes, &offset)
        let limit = UInt64(ReplicationLimits.maximumDigests)
        let count = try WireReader.varint(bytes, &offset, atMost: limit, "the number of digests")
        // The shortest entry has 18 bytes.
        guard count <= UInt64(bytes.byteCount - offset) / 18 else { throw WireReader.truncated() }
        var entries: [AccountDigest] = []
        entries.reserveCapacity(Int(count))
        for _ in 0..<count {
            let account = try name(bytes, &offset)
            if let last = entries.last, !AccountDigest.isBefore(last.account, account) {
                throw CRDTError(.malformed, "a page's accounts are out of order")
            }
            entries.append(AccountDigest(account: account, digest: try stateDigest(bytes, &offset)))
        }
        return DigestPage(vector: vector, entries: entries, isLast: isLast)
    }
}

extension AccountDigest {
    /// Orders names by their bytes.
    static func isBefore(_ left: String, _ right: String) -> Bool { left.utf8.lexicographicallyPrecedes(right.utf8) }
}
