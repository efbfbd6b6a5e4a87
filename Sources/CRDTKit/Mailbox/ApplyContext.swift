// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What an effector must know besides the operation: the operation's causal past, and the global names behind the local indexes.
///
/// The arrays are shared, not copied; a shell keeps one context and changes its ``past`` from operation to operation. An index that an array
/// does not cover is answered with a fixed value and never traps.
public struct ApplyContext: Sendable {
    /// The operations that the origin had delivered when it issued the operation, its own earlier ones included, the operation itself not.
    public var past: VersionVector

    /// The replica behind each ``ReplicaIndex``, which breaks ties between replicas; index 0 is a placeholder.
    public var replicas: [ReplicaID]

    /// The hash of each replica, by ``ReplicaIndex``, as ``ReplicaTable/hashes`` has it.
    public var replicaHashes: [UInt64]

    /// The hash of each keyword, by ``KeywordIndex``, as ``SymbolTable/keywordHashes`` has it.
    public var keywordHashes: [UInt64]

    /// What the modification sequences of this replica have in common.
    public var modSeqs = ModSeqStamp()

    /// What stands for the hash of an index without a name.
    private static let unknownHash: UInt64 = 0x6b75_6970_6572_2e30

    /// The replica that stands for an index without a name; no real replica is called so.
    public static let unknownReplica = ReplicaID(0, incarnation: 0)

    /// Gathers a context from tables that are kept elsewhere.
    ///
    /// - Parameters:
    ///   - past: the operation's causal past.
    ///   - replicas: the replica behind each index.
    ///   - replicaHashes: the hash of each replica, by the same index.
    ///   - keywordHashes: the hash of each keyword, by its index.
    public init(past: VersionVector, replicas: [ReplicaID], replicaHashes: [UInt64], keywordHashes: [UInt64]) {
        self.past = past
        self.replicas = replicas
        self.replicaHashes = replicaHashes
        self.keywordHashes = keywordHashes
    }

    /// Makes a context from names, computing the hashes that a node's tables would have.
    ///
    /// - Parameters:
    ///   - replicas: the replicas by index from 1; the placeholder for index 0 is added.
    ///   - keywords: the keywords by index from 0.
    ///   - past: the operation's causal past.
    public init(replicas: [ReplicaID], keywords: [String] = [], past: VersionVector = VersionVector()) {
        self.past = past
        self.replicas = [ApplyContext.unknownReplica] + replicas
        self.replicaHashes = self.replicas.map { StableHash.hash($0) }
        self.keywordHashes = keywords.map { SymbolTable.hash(ofKeyword: $0) }
    }

    /// The hash of a replica's name, the same at every node.
    ///
    /// - Parameter replica: the replica.
    /// - Returns: 64 well-mixed bits.
    public static func hash(of replica: ReplicaID) -> UInt64 {
        var hash = ElementHash(.replicaName)
        hash.absorb(replica.rawValue)
        hash.absorb(UInt64(replica.incarnation))
        return hash.finish().low
    }

    /// The replica behind an index.
    ///
    /// - Parameter index: the local index.
    /// - Returns: the replica, or ``unknownReplica``.
    public func replica(_ index: ReplicaIndex) -> ReplicaID {
        let position = Int(index.rawValue)
        return position < replicas.count ? replicas[position] : ApplyContext.unknownReplica
    }

    /// The hash of a dot's global identity.
    func identityHash(_ dot: Dot) -> UInt64 { ElementHash.mix(identityWord(dot)) }

    /// A dot's global identity in one word that is not mixed: input of a hash.
    @inline(__always)
    func identityWord(_ dot: Dot) -> UInt64 { replicaHash(dot.replica) &+ dot.counter &* 0x9e37_79b9_7f4a_7c15 }

    /// The hash of a replica's name by its index.
    @inline(__always)
    func replicaHash(_ replica: ReplicaIndex) -> UInt64 {
        let position = Int(replica.rawValue)
        return position < replicaHashes.count ? replicaHashes[position] : ApplyContext.unknownHash &+ UInt64(position)
    }

    /// The hash of a keyword's global name.
    func keywordHash(_ keyword: KeywordIndex) -> UInt64 {
        let position = Int(keyword.rawValue)
        return position < keywordHashes.count ? keywordHashes[position] : UInt64(position)
    }

    /// Whether the first dot's global identity is below the second's: well-known ones first, then by replica and counter.
    func isBelow(_ first: Dot, _ second: Dot) -> Bool {
        let firstKnown = first.replica == .wellKnown
        let secondKnown = second.replica == .wellKnown
        if firstKnown != secondKnown { return firstKnown }
        let firstReplica = replica(first.replica)
        let secondReplica = replica(second.replica)
        if firstReplica != secondReplica { return firstReplica < secondReplica }
        return first.counter < second.counter
    }
}
