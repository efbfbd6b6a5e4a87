// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

@testable import CRDTKit

/// A mail store with everything but files and threads: the kit's replica and states on a simulated log and engine, under the rules of the real one.
/// The state runs ahead of the disk; only what is durable is shown, acknowledged or sent.
final class SimulatedStore {
    /// Frames that lie together in one batch, and what to do when they are durable.
    struct Unit {
        var frames: [UInt8]
        var delivered: [StreamPosition]
        var newestOwn: HybridTimestamp
        var effects: [() -> Void]
    }

    let world: World
    let oracle: Oracle
    let disk: SimulatedDisk
    let node: String
    let stripe: UIDStripe
    /// Called when something became durable or moved.
    var signal: () -> Void = {}
    /// Called when the disk fails with the machine.
    var requestCrash: () -> Void = {}
    /// Called when what operations say about the members has changed.
    var membersChanged: () -> Void = {}
    /// Called when the sessions must go, because the state was replaced.
    var dropSessions: () -> Void = {}

    var replica: Replica
    var accounts: [AccountIndex: AccountBox] = [:]
    var marks: LogMarks
    var bodies: [BodyDigest: [UInt8]] = [:]
    /// Messages that refer to a body, and its size.
    var holders: [BodyDigest: (count: Int, size: UInt64)] = [:]
    var partialBodies: [BodyDigest: [UInt8]] = [:]
    /// The missing bodies that no peer had, in the order in which that was noticed.
    var postponedBodies: [BodyDigest: Int] = [:]
    var postponements = 0
    /// Operations of an account that a snapshot brought.
    var imported: [AccountIndex: VersionVector] = [:]
    /// What must be delivered before clients are served.
    var required: [StreamPosition] = []
    var durable: [StreamPosition]
    var newestOwn: HybridTimestamp
    var durableOwn = HybridTimestamp(rawValue: 0)
    var progress = GroupProgress()
    /// What the modification sequences of this replica have in common, and whether any were told since its last mark.
    var modSeqs: ModSeqStamp
    var hasToldModSeqs = false
    /// Since when replicas cannot be reached, in milliseconds.
    var unreachableSince: [ReplicaID: UInt64] = [:]
    /// The accounts that have a session here.
    var localInterest: Set<String> = []
    var exports: [TransferID: SimulatedExport] = [:]
    var arriving: SimulatedImport?
    var uploads: UInt64 = 0
    /// Raised when the state is replaced, so that a checkpoint of the old one is not written.
    var generation = 0
    /// Checkpoints begun.
    var checkpoints = 0
    private(set) var isStopped = false
    private var queue: [Unit] = []
    private var flight: (batch: [UInt8], units: [Unit])?
    private var unitsSinceCheckpoint = 0

    /// Bytes of log beyond which an absent member does not hold it back.
    static var retentionBytes: Int { 96 << 10 }

    var wallMilliseconds: () -> UInt64

    init(
        world: World, oracle: Oracle, disk: SimulatedDisk, node: String, stripe: UIDStripe, replica: consuming Replica,
        image: EngineImage, wall: @escaping () -> UInt64
    ) {
        (self.world, self.oracle, self.disk) = (world, oracle, disk)
        (self.node, self.stripe) = (node, stripe)
        self.replica = replica
        modSeqs = ModSeqStamp(tag: UInt8(stripe.index))
        marks = image.marks
        bodies = image.bodies
        required = image.required
        newestOwn = image.newestOwn
        durable = []
        wallMilliseconds = wall
    }

    var now: UInt64 { wallMilliseconds() }

    /// Whether nothing waits for the disk.
    var isSettled: Bool { queue.isEmpty && flight == nil }

    /// Whether everything is delivered that the accounts of a snapshot contain.
    var isReady: Bool {
        required.allSatisfy { position in
            replica.replicas.index(of: position.origin).map { replica.delivered[$0] >= position.counter } ?? false
        }
    }

    func context(past: VersionVector = VersionVector()) -> ApplyContext {
        var context = ApplyContext(
            past: past, replicas: replica.replicas.ids, replicaHashes: replica.replicas.hashes,
            keywordHashes: replica.symbols.keywordHashes)
        context.modSeqs = modSeqs
        return context
    }

    func box(_ index: AccountIndex) -> AccountBox {
        if let known = accounts[index] { return known }
        let new = AccountBox(AccountState())
        accounts[index] = new
        return new
    }

    // MARK: The log

    /// Queues frames; the effects follow when they are durable. Without frames: when everything before is.
    func enqueue(_ frames: [UInt8], _ effect: @escaping () -> Void) {
        if frames.isEmpty && isSettled { return effect() }
        queue.append(
            Unit(frames: frames, delivered: replica.deliveredPositions, newestOwn: newestOwn, effects: [effect]))
        if !frames.isEmpty { unitsSinceCheckpoint += 1 }
        startWriting()
    }

    func whenDurable(_ effect: @escaping () -> Void) { enqueue([], effect) }

    private func startWriting() {
        guard flight == nil, !queue.isEmpty, !isStopped else { return }
        let units = queue
        queue = []
        let frames = units.flatMap(\.frames)
        let batch = frames.isEmpty ? [] : disk.batch(frames, world: world)
        flight = (batch, units)
        if isHasty { publish(batch, units) }
        let life = generationOfLife
        var delay = world.number(world.faults.disk)
        if world.fault(world.faults.slowWrite) { delay *= 100 }
        if !batch.isEmpty && (world.isPlannedCrash(of: node) || world.fault(world.faults.crashAtWrite)) {
            world.after(world.number(0...delay)) { [self] in
                if !isStopped && life == generationOfLife { requestCrash() }
            }
        }
        world.after(delay) { [self] in
            if isStopped { return }
            finishWriting()
        }
    }

    private var generationOfLife: ObjectIdentifier { ObjectIdentifier(self) }

    private func finishWriting() {
        guard let (batch, units) = flight else { return }
        flight = nil
        if !isHasty { publish(batch, units) }
        for unit in units {
            for effect in unit.effects where !isStopped { effect() }
        }
        if isStopped { return }
        signal()
        startWriting()
        if unitsSinceCheckpoint > 40 && world.once(in: 10) { checkpoint() }
    }

    /// What was written can be read and sent from now on.
    private func publish(_ batch: [UInt8], _ units: [Unit]) {
        if !batch.isEmpty { disk.write(batch) }
        guard let last = units.last else { return }
        durable = last.delivered
        durableOwn = last.newestOwn
        marks.note(disk.end, delivered: durable)
        if isHasty { signal() }
    }

    private var isHasty: Bool { world.mutant == .sendsBeforeDurable }

    /// The machine loses power.
    func stop() {
        isStopped = true
        if let (batch, _) = flight, !batch.isEmpty {
            if isHasty { disk.unwrite(batch) }
            disk.tear(batch, world: world)
        }
        (queue, flight) = ([], nil)
    }

    func noteCheckpoint() { unitsSinceCheckpoint = 0 }

    // MARK: Status

    var status: StoreStatus {
        var digest: StateDigest?
        if isSettled && isReady {
            var sum = StateDigest()
            for box in accounts.values { sum.add(box.state.digest) }
            digest = sum
        }
        return StoreStatus(
            replica: replica.id, durable: durable, logStart: marks.start.positions, logEnd: disk.end, digest: digest,
            newestOwnTimestamp: durableOwn, isWritable: !disk.isFull,
            knownLives: groupBox?.state.knownLives.sorted() ?? [])
    }

    func digests(after name: String?, limit: Int) -> DigestPage? {
        guard isSettled && isReady else { return nil }
        var entries: [AccountDigest] = []
        for (index, box) in accounts where box.state.digest != StateDigest() {
            guard let account = replica.symbols.name(of: index) else { continue }
            if let name, !name.utf8.lexicographicallyPrecedes(account.utf8) { continue }
            entries.append(AccountDigest(account: account, digest: box.state.digest))
        }
        entries.sort { $0.account.utf8.lexicographicallyPrecedes($1.account.utf8) }
        return DigestPage(
            vector: replica.deliveredPositions, entries: Array(entries.prefix(limit)), isLast: entries.count <= limit)
    }

    /// What a session sees of an account now; to be shown when everything so far is durable.
    func view(_ account: String) -> AccountView {
        guard let index = replica.symbols.account(named: account), let box = accounts[index] else {
            return AccountView(mailboxes: [], subscriptions: [])
        }
        loadAll(box)
        var views: [MailboxView] = []
        for (name, id) in box.state.mailboxes {
            guard let summary = box.state.summary(of: id) else { continue }
            let messages = box.state.messages(in: id).map { message in
                MailboxView.Message(
                    uid: message.uid, id: replica.globalID(message.id), flags: replica.flagNames(message.flags),
                    modSeq: message.modSeq)
            }
            views.append(
                MailboxView(
                    id: replica.globalID(id.dot), name: name, uidValidity: summary.uidValidity,
                    uidNext: summary.uidNext, highestModSeq: summary.highestModSeq, waiting: summary.waiting,
                    messages: messages))
        }
        return AccountView(mailboxes: views, subscriptions: box.state.subscribedNames, localModSeq: translation())
    }

    /// The first broken rule of the replica or a state.
    func violation() -> String? {
        do throws(CRDTError) { try replica.checkInvariants() } catch { return "\(error)" }
        for (index, box) in accounts {
            let name = replica.symbols.name(of: index) ?? "?"
            loadAll(box)
            if let violation = box.state.checkInvariants() { return "account \(name): \(violation)" }
            if box.state.recomputedDigest(context: context()) != box.state.digest {
                return "account \(name): the digest is not that of the state"
            }
        }
        return nil
    }
}
