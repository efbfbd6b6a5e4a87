// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// One partition at one node: decides what is delivered, in which order and exactly once, and turns local operations
/// into frames.
///
/// The instance does no I/O and applies nothing: frames and the time go in; operations in causal order, and bytes to
/// log and send, come out. The shell makes a frame durable
/// before anybody sees its operations. A frame that is refused with an error has changed nothing.
///
/// Source: causal broadcast after Birman, Schiper and Stephenson (1991), with dense per-origin streams and dependency
/// deltas in place of full vectors.
public struct Replica: ~Copyable {
    /// What is held per origin.
    struct OriginState: Sendable {
        /// The causal past of the origin's last delivered operation, that operation included.
        var context = VersionVector()
        /// What the numbers of its stream mean.
        var symbols: StreamSymbols
    }

    /// The partition.
    public let partition: PartitionID
    /// The bounds.
    public let limits: ReplicaLimits
    /// This replica's local index.
    public internal(set) var own: ReplicaIndex
    /// The replicas that this node has heard of.
    public internal(set) var replicas: ReplicaTable
    /// The names that this node has heard of.
    public internal(set) var symbols: SymbolTable
    /// The operations that were delivered, the node's own among them.
    public internal(set) var delivered: VersionVector
    /// The hybrid clock.
    public internal(set) var clock: HybridClock
    /// What the other members are known to hold.
    public internal(set) var stability: StabilityTracker

    /// By replica index; position 0 is not used.
    var origins: [OriginState]
    /// The numbers of the own stream.
    var numbers: StreamNumbers
    /// The replicas whose entry in `delivered` is beyond the own context: what the next own frame tells.
    var changed: [ReplicaIndex]
    /// Replicas that got their index because a frame of theirs waits, and of which nothing was delivered since.
    var strangers: Set<ReplicaIndex>
    /// Early frames.
    var buffer: CausalBuffer
    /// The number of frames delivered, own ones not counted.
    var deliveries: UInt64
    /// What the last checkpoint holds.
    var saved: CheckpointProgress

    /// Makes the replica of a partition that has no history here.
    ///
    /// - Parameters:
    ///   - partition: the partition.
    ///   - id: this replica, drawn at random when its store was made.
    ///   - limits: the bounds.
    /// - Throws: `malformed` if the name or the incarnation is zero.
    public init(
        partition: PartitionID, id: ReplicaID, limits: ReplicaLimits = ReplicaLimits()
    ) throws(CRDTError) {
        var replicas = ReplicaTable()
        let own = try replicas.intern(id)
        self.init(partition: partition, own: own, replicas: replicas, limits: limits)
    }

    init(partition: PartitionID, own: ReplicaIndex, replicas: ReplicaTable, limits: ReplicaLimits) {
        self.partition = partition
        self.limits = limits
        self.own = own
        self.replicas = replicas
        symbols = SymbolTable(limits: limits.symbols)
        delivered = VersionVector()
        clock = HybridClock(maximumLeadMilliseconds: limits.maximumLeadMilliseconds)
        stability = StabilityTracker()
        origins = (0...replicas.count).map { position in
            OriginState(symbols: StreamSymbols(origin: ReplicaIndex(UInt16(truncatingIfNeeded: position))))
        }
        numbers = StreamNumbers()
        changed = []
        strangers = []
        buffer = CausalBuffer(limits: limits.buffer)
        deliveries = 0
        saved = CheckpointProgress()
    }

    // MARK: Commands

    /// Finds or makes the index of an account.
    ///
    /// - Parameter name: the account's name, 1 to 255 bytes.
    /// - Returns: the index.
    /// - Throws: `limitExceeded` if the length is out of range or the table is full.
    public mutating func account(named name: String) throws(CRDTError) -> AccountIndex {
        try symbols.intern(account: name)
    }

    /// Finds or makes the index of a keyword for one of this node's clients.
    ///
    /// - Parameter name: the keyword, 1 to 255 bytes, in any case.
    /// - Returns: the index.
    /// - Throws: `limitExceeded` if the length is out of range or a limit is reached.
    public mutating func keyword(named name: String) throws(CRDTError) -> KeywordIndex {
        try symbols.intern(keyword: name, introducing: true)
    }

    /// Finds or makes the index of a replica, for membership and acknowledgements.
    ///
    /// - Parameter id: the replica.
    /// - Returns: the index.
    /// - Throws: `malformed` for a zero name or incarnation, `limitExceeded` if the table is full.
    public mutating func replica(_ id: ReplicaID) throws(CRDTError) -> ReplicaIndex {
        let index = try replicas.intern(id)
        if origins.count <= replicas.count { origins.append(OriginState(symbols: StreamSymbols(origin: index))) }
        return index
    }

    /// Starts a new life after the own log or store was lost, restored from a backup or copied: a counter is never used
    /// for two operations.
    ///
    /// What the former life issued stays delivered and is an ordinary origin from now on.
    ///
    /// - Throws: `limitExceeded` if there is no further incarnation or replica index.
    public mutating func reincarnate() throws(CRDTError) {
        let id = replicas.ids[Int(own.rawValue)]
        let (next, overflow) = id.incarnation.addingReportingOverflow(1)
        guard !overflow else { throw CRDTError(.limitExceeded, "replica \(id) has no further incarnation") }
        own = try replica(ReplicaID(id.rawValue, incarnation: next))
        numbers = StreamNumbers()
        numbers.learn(origins[Int(own.rawValue)].symbols, after: StreamSymbols(origin: own).mark)
        resetChanged()
    }

    /// Counts a member's acknowledgements for ``stable`` from now on.
    ///
    /// - Parameter member: the member.
    public mutating func admit(_ member: ReplicaIndex) {
        if member != own { stability.admit(member) }
    }

    /// Counts a member's acknowledgements no longer.
    ///
    /// - Parameter member: the member.
    public mutating func exclude(_ member: ReplicaIndex) { stability.exclude(member) }

    /// Takes note of what a member holds durably.
    ///
    /// - Parameters:
    ///   - member: the member.
    ///   - vector: its cumulative acknowledgement, by this node's indexes.
    /// - Throws: `fork` if the member holds operations of this replica that it never issued in this life: it lost a
    ///   part of its log and must ``reincarnate()``.
    public mutating func acknowledge(_ member: ReplicaIndex, _ vector: VersionVector) throws(CRDTError) {
        guard vector[own] <= delivered[own] else { throw staleLife(vector[own]) }
        stability.acknowledge(member, vector)
    }

    // MARK: Getters

    /// This replica's global name.
    public var id: ReplicaID { replicas.ids[Int(own.rawValue)] }

    /// The counter that the next local operation gets.
    public var nextCounter: UInt64 { delivered[own] + 1 }

    /// The operations that this node and all admitted members hold durably; with no other member, all that are
    /// delivered.
    ///
    /// - Complexity: O(members x replicas): once per tick, not per operation.
    public var stable: VersionVector { stability.stable(delivered) }

    /// The number of frames that wait for something.
    public var waitingFrames: Int { buffer.frameCount }

    /// The number of frames that wait only to be admitted: call ``resumeDeferred(admitting:)``.
    public var deferredFrames: Int { buffer.parkedCount }

    /// The bytes of the frames that wait.
    public var waitingBytes: Int { buffer.byteCount }

    /// The steps that the causal buffer took since the start: a measure of work for tests and metrics.
    public var bufferWork: UInt64 { buffer.work }

    /// The causal past of an origin's last delivered operation, that operation included.
    ///
    /// - Parameter origin: the origin.
    /// - Returns: the vector; empty if nothing of the origin was delivered.
    public func context(of origin: ReplicaIndex) -> VersionVector {
        Int(origin.rawValue) < origins.count ? origins[Int(origin.rawValue)].context : VersionVector()
    }

    /// Checks what must always hold.
    ///
    /// - Throws: `malformed`, with the rule that is broken.
    /// - Complexity: O(replicas^2 + symbols).
    public func checkInvariants() throws(CRDTError) {
        try buffer.checkInvariants()
        guard origins.count == replicas.ids.count && replicas.id(at: own) != nil else {
            throw CRDTError(.malformed, "\(origins.count) origins for \(replicas.ids.count) replicas")
        }
        guard delivered.counters.count <= origins.count && delivered[.wellKnown] == 0 else {
            throw CRDTError(.malformed, "the delivered vector names unknown replicas")
        }
        for position in origins.indices.dropFirst() {
            let index = ReplicaIndex(UInt16(truncatingIfNeeded: position))
            let state = origins[position]
            guard state.context[index] == delivered[index] && delivered.covers(state.context) else {
                throw CRDTError(.malformed, "the context of \(replicas.ids[position]) is not within what is delivered")
            }
            guard state.symbols.replicas.first == .wellKnown, state.symbols.replicas.dropFirst().first == index,
                state.symbols.replicas.allSatisfy({ Int($0.rawValue) < origins.count }),
                state.symbols.accounts.allSatisfy({ Int($0.rawValue) < symbols.accountCount }),
                state.symbols.keywords.allSatisfy({ Int($0.rawValue) < symbols.keywordCount })
            else {
                throw CRDTError(.malformed, "a stream number of \(replicas.ids[position]) has no meaning")
            }
        }
        let ownContext = origins[Int(own.rawValue)].context
        let beyond = origins.indices.dropFirst().map { ReplicaIndex(UInt16(truncatingIfNeeded: $0)) }
            .filter { $0 != own && delivered[$0] > ownContext[$0] }
        guard Set(beyond) == Set(changed) && changed.count == beyond.count else {
            throw CRDTError(.malformed, "the list of changed dependencies is wrong")
        }
    }

    /// A peer knows own operations that this life never issued.
    func staleLife(_ counter: UInt64) -> CRDTError {
        let issued = delivered[own]
        return CRDTError(.fork, "a peer knows own operation \(counter), issued are \(issued): take a new incarnation")
    }

    /// Computes anew which entries the next own frame must tell.
    mutating func resetChanged() {
        let context = origins[Int(own.rawValue)].context
        changed = origins.indices.dropFirst().map { ReplicaIndex(UInt16(truncatingIfNeeded: $0)) }
            .filter { $0 != own && delivered[$0] > context[$0] }
    }
}
