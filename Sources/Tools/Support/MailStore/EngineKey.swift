// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import Crypto

/// The keys of the mail store in its engine; `docs/engine-keys.md` is the page of this layout.
///
/// Integers are big-endian, so that the engine's byte order is the numeric one. The first byte is the family.
package enum EngineKey {
    /// The families.
    enum Family: UInt8 {
        case meta = 0x01
        case account = 0x41  // A
        case body = 0x42  // B
        case bodyCount = 0x43  // C
        case mailbox = 0x4d  // M
        case record = 0x52  // R
        case subscription = 0x53  // S
        case importedAccount = 0x56  // V
        case missingBody = 0x57  // W
        case idleBody = 0x5a  // Z
    }

    /// Where recovery starts to read the log.
    static let scanPosition: [UInt8] = [Family.meta.rawValue] + Array("scan-position".utf8)
    /// The replica's own record: tables, vectors, clock.
    static let replica: [UInt8] = [Family.meta.rawValue] + Array("replica".utf8)
    /// The index of the log by what was delivered.
    static let logMarks: [UInt8] = [Family.meta.rawValue] + Array("log-marks".utf8)
    /// The sum of the digests of all accounts.
    static let digest: [UInt8] = [Family.meta.rawValue] + Array("digest".utf8)
    /// The operations that any account of a snapshot contains, as long as the replica may not have delivered them all.
    static let importedVector: [UInt8] = [Family.meta.rawValue] + Array("imported".utf8)
    /// The version of this layout.
    static let layout: [UInt8] = [Family.meta.rawValue] + Array("layout".utf8)

    /// The layout that this build reads and writes.
    static let layoutVersion: UInt32 = 1

    /// The octets of a body in one value: four pages of LMDB less a header, so that no run of free pages has to be found.
    package static let bodyPieceBytes = 16_368

    static func account(_ account: AccountIndex) -> [UInt8] {
        var key = [Family.account.rawValue]
        append(account.rawValue, to: &key)
        return key
    }

    static func mailbox(_ account: AccountIndex, _ mailbox: MailboxID) -> [UInt8] {
        var key = mailboxes(of: account)
        append(mailbox.dot.packed, to: &key)
        return key
    }

    static func mailboxes(of account: AccountIndex) -> [UInt8] {
        var key = [Family.mailbox.rawValue]
        append(account.rawValue, to: &key)
        return key
    }

    static func subscriptions(of account: AccountIndex) -> [UInt8] {
        var key = [Family.subscription.rawValue]
        append(account.rawValue, to: &key)
        return key
    }

    /// A name may be longer than a key, so its digest stands for it.
    static func subscription(_ account: AccountIndex, _ name: String) -> [UInt8] {
        subscriptions(of: account) + Array(SHA256.hash(data: Array(name.utf8)))
    }

    static func record(_ account: AccountIndex, _ mailbox: MailboxID, _ message: Dot) -> [UInt8] {
        var key = records(of: account, mailbox)
        append(message.packed, to: &key)
        return key
    }

    static func records(of account: AccountIndex, _ mailbox: MailboxID) -> [UInt8] {
        var key = [Family.record.rawValue]
        append(account.rawValue, to: &key)
        append(mailbox.dot.packed, to: &key)
        return key
    }

    static func bodyCount(_ digest: BodyDigest) -> [UInt8] { [Family.bodyCount.rawValue] + digest.bytes }

    /// Before the digests of the bodies that nobody holds and that the next checkpoint removes.
    static let idleBodies: [UInt8] = [Family.idleBody.rawValue]

    static func idleBody(_ digest: BodyDigest) -> [UInt8] { idleBodies + digest.bytes }

    /// Before the digests of the bodies that are held and have not arrived.
    static let missingBodies: [UInt8] = [Family.missingBody.rawValue]

    static func missingBody(_ digest: BodyDigest) -> [UInt8] { missingBodies + digest.bytes }

    /// The operations that a snapshot's account contained, as long as the replica may not have delivered them all.
    static func importedAccount(_ account: AccountIndex) -> [UInt8] {
        var key = [Family.importedAccount.rawValue]
        append(account.rawValue, to: &key)
        return key
    }

    static func bodyPieces(_ digest: BodyDigest) -> [UInt8] { [Family.body.rawValue] + digest.bytes }

    static func bodyPiece(_ digest: BodyDigest, _ index: Int) -> [UInt8] {
        var key = bodyPieces(digest)
        append(UInt32(truncatingIfNeeded: index), to: &key)
        return key
    }

    /// The first key after all that begin with a prefix.
    static func end(of prefix: [UInt8]) -> [UInt8] {
        var end = prefix
        while let last = end.popLast() {
            if last < 0xff {
                end.append(last + 1)
                return end
            }
        }
        return end
    }

    private static func append(_ value: UInt32, to key: inout [UInt8]) {
        for shift in stride(from: 24, through: 0, by: -8) {
            key.append(UInt8(truncatingIfNeeded: value >> UInt32(shift)))
        }
    }

    private static func append(_ value: UInt64, to key: inout [UInt8]) {
        for shift in stride(from: 56, through: 0, by: -8) {
            key.append(UInt8(truncatingIfNeeded: value >> UInt64(shift)))
        }
    }
}

/// Integers in keys and values: eight octets, the high one first.
enum EngineInteger {
    static func encoded(_ value: UInt64) -> [UInt8] {
        stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: value >> UInt64($0)) }
    }

    static func decoded(_ bytes: some Sequence<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
}

extension LogMarks {
    /// The marks as a value.
    var octets: [UInt8] {
        var bytes: [UInt8] = []
        encode(into: &bytes)
        return bytes
    }
}

extension VersionVector {
    /// The counters by local index, eight octets each.
    var octets: [UInt8] { counters.flatMap(EngineInteger.encoded) }

    init(octets: [UInt8]) {
        self.init()
        for start in stride(from: 0, to: octets.count - octets.count % 8, by: 8) {
            self[ReplicaIndex(UInt16(truncatingIfNeeded: start / 8))] = EngineInteger.decoded(octets[start..<start + 8])
        }
    }
}

/// How many messages hold a body, and its size: the value of a `bodyCount` key.
struct BodyCount: Equatable {
    var references: UInt64
    var size: UInt64

    func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        for value in [references, size] {
            for shift in stride(from: 56, through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(shift)))
            }
        }
        return bytes
    }

    init(references: UInt64, size: UInt64) {
        self.references = references
        self.size = size
    }

    init?(_ bytes: [UInt8]) {
        guard bytes.count == 16 else { return nil }
        references = bytes[0..<8].reduce(0) { $0 << 8 | UInt64($1) }
        size = bytes[8..<16].reduce(0) { $0 << 8 | UInt64($1) }
    }
}
