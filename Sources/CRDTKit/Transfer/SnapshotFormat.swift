// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The bounds of a snapshot on its way between two nodes.
public struct SnapshotLimits: Sendable {
    /// The largest part that is made or taken, default ``ReplicationLimits/maximumPartBytes``.
    public var maximumPartBytes = ReplicationLimits.maximumPartBytes
    /// The largest item, which may lie in more than one part; default 4 MiB.
    public var maximumItemBytes = 4 << 20

    /// The defaults.
    public init() {}
}

/// The items of a snapshot.
///
/// A snapshot is a stream of items, cut into parts wherever a part is full. Integers are those of the operation frame: `number` is a varint, `word` eight
/// bytes, low byte first, `text` a varint length and UTF-8. Indexes of replicas, accounts and keywords are the exporter's; the tables come first.
///
///     part     = format sequence *OCTET              ; a piece of the stream; sequences count from 0
///     item     = kind length fields                  ; length: number of octets of the fields
///     start    = scope partition replica clock       ; octet, number, word and number, word
///     scope    = %x00 / %x01                         ; everything, one account
///     replicas = first *replica                      ; the next indexes, without gaps, from 1
///     accounts = first *text                         ; the next indexes, from 0; `everything` only
///     keywords = first *text                         ; the next indexes, from 0
///     vector   = *number                             ; what the exporter had delivered; `everything` only
///     origin   = index *number                       ; the context of a stream's last operation; `everything` only
///     symbols  = index definition first *number      ; what the next numbers of a stream mean; `everything` only
///     account  = text digest-high digest-low *number ; name, word, word, the vector at which the account is exported
///     record   = *OCTET                              ; a record of the account, as for the exporter's engine
///     closed   = count                               ; the number of the account's records
///     finish   = count                               ; the number of accounts
///
/// An account's records come in this order: its own, the subscriptions and whatever else has no messages; then each mailbox, followed by its messages. Tables
/// grow between accounts: what an account needs comes before it.
enum SnapshotItem: UInt8 {
    case start = 1
    case replicas
    case accounts
    case keywords
    case vector
    case origin
    case symbols
    case account
    case record
    case closed
    case finish

    /// The format that this code writes, and the only one that it reads.
    static let format: UInt8 = 1

    /// The octet of a scope.
    static func code(of scope: SnapshotScope) -> UInt8 {
        switch scope {
        case .everything: 0
        case .account: 1
        }
    }

    static func malformed(_ what: String) -> CRDTError { CRDTError(.malformed, "snapshot: " + what) }

    /// Appends an item.
    static func put(_ kind: SnapshotItem, _ fields: [UInt8], into stream: inout [UInt8]) {
        stream.append(kind.rawValue)
        WireWriter.put(count: fields.count, into: &stream)
        stream.append(contentsOf: fields)
    }

    static func put(_ vector: VersionVector, into fields: inout [UInt8]) {
        for counter in vector.counters { WireWriter.put(counter, into: &fields) }
    }

    static func put(_ replica: ReplicaID, into fields: inout [UInt8]) {
        WireWriter.put(fixed64: replica.rawValue, into: &fields)
        WireWriter.put(UInt64(replica.incarnation), into: &fields)
    }
}
