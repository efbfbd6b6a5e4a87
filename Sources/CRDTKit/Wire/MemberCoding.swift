// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The fields of a membership operation in a frame; `docs/frame.md` has the byte table.
enum MemberCoding {
    /// What a membership operation does.
    private enum Kind: UInt8 {
        case add = 1
        case remove = 2
        case announce = 3
    }

    /// Appends a change.
    static func put(_ change: MemberChange, into bytes: inout [UInt8]) throws(CRDTError) {
        switch change {
        case .add(let name, let stripe, let addresses):
            bytes.append(Kind.add.rawValue)
            try put(name, atMost: MemberChange.maximumNameBytes, into: &bytes)
            bytes.append(stripe)
            guard addresses.count <= MemberChange.maximumAddresses else {
                let limit = MemberChange.maximumAddresses
                throw CRDTError(.limitExceeded, "a member has at most \(limit) addresses, got \(addresses.count)")
            }
            WireWriter.put(count: addresses.count, into: &bytes)
            for address in addresses { try put(address, atMost: MemberChange.maximumAddressBytes, into: &bytes) }
        case .remove(let name):
            bytes.append(Kind.remove.rawValue)
            try put(name, atMost: MemberChange.maximumNameBytes, into: &bytes)
        case .announce(let name, let replica):
            bytes.append(Kind.announce.rawValue)
            try put(name, atMost: MemberChange.maximumNameBytes, into: &bytes)
            guard replica.rawValue != 0 && replica.incarnation != 0 else {
                throw CRDTError(.malformed, "a replica's name and incarnation are not zero, got \(replica)")
            }
            WireWriter.put(fixed64: replica.rawValue, into: &bytes)
            WireWriter.put(UInt64(replica.incarnation), into: &bytes)
        }
    }

    /// Reads a change.
    static func read(_ bytes: RawSpan, _ offset: inout Int) throws(CRDTError) -> MemberChange {
        let code = try WireReader.byte(bytes, &offset)
        guard let kind = Kind(rawValue: code) else {
            throw CRDTError(.malformed, "membership change \(code) is not known")
        }
        let name = try WireReader.text(bytes, &offset, atMost: MemberChange.maximumNameBytes, "a member's name")
        switch kind {
        case .add:
            let stripe = try WireReader.byte(bytes, &offset)
            let limit = UInt64(MemberChange.maximumAddresses)
            let count = try WireReader.varint(bytes, &offset, atMost: limit, "a number of addresses")
            var addresses: [String] = []
            for _ in 0..<count {
                addresses.append(
                    try WireReader.text(bytes, &offset, atMost: MemberChange.maximumAddressBytes, "an address"))
            }
            return .add(name: name, stripe: stripe, addresses: addresses)
        case .remove: return .remove(name: name)
        case .announce:
            let replica = try WireReader.fixed64(bytes, &offset)
            let incarnation = try WireReader.varint(bytes, &offset, atMost: UInt64(UInt32.max), "an incarnation")
            guard replica != 0 && incarnation != 0 else {
                throw CRDTError(.malformed, "a replica's name or incarnation is zero")
            }
            let id = ReplicaID(replica, incarnation: UInt32(truncatingIfNeeded: incarnation))
            return .announce(name: name, replica: id)
        }
    }

    private static func put(_ text: String, atMost limit: Int, into bytes: inout [UInt8]) throws(CRDTError) {
        let length = text.utf8.count
        guard length > 0 && length <= limit else {
            throw CRDTError(.limitExceeded, "a member's name or address has 1 to \(limit) bytes, got \(length)")
        }
        WireWriter.put(text, into: &bytes)
    }
}
