// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import Logging
internal import NIOCore
internal import NodeSupport
internal import PeerTransport
internal import Synchronization

/// Where a replica's loop shows how it stands; anybody may look.
final class ReplicaBoard: Sendable {
    private struct State {
        var status: ReplicaStatus?
        var watchers = 0
    }

    private let state = Mutex(State())

    var current: ReplicaStatus? { state.withLock { $0.status } }

    func show(_ new: ReplicaStatus) { state.withLock { $0.status = new } }

    /// Somebody waits for a change: every one is shown at once until as many have ended their watch.
    func beginWatch() { state.withLock { $0.watchers += 1 } }

    func endWatch() { state.withLock { $0.watchers -= 1 } }

    var isWatched: Bool { state.withLock { $0.watchers > 0 } }
}

/// Writes what happens to a replica into the log, a bounded number of lines of each kind, and into the metrics.
///
/// Confined to the replica's loop.
final class ReplicaReporter {
    /// The shortest time between two looks at how the replica stands, in milliseconds.
    static let publishMilliseconds: UInt64 = 100

    let group: String
    let metrics: ReplicationMetrics
    private let board: ReplicaBoard
    private var logger: Logger
    private var throttle = LogThrottle()
    private var lastPublished: UInt64?
    private var peers: [String: ReplicaStatus.Links] = [:]
    /// What was counted of links that are open.
    private var counted: [ObjectIdentifier: LinkCounts] = [:]

    init(group: String, metrics: ReplicationMetrics, board: ReplicaBoard, logger: Logger) {
        self.group = group
        self.metrics = metrics
        self.board = board
        self.logger = logger
        self.logger[metadataKey: "group"] = "\(group)"
    }

    // MARK: Links

    func opened(_ link: any PeerLink) {
        log(
            .debug, "a link is open",
            ["peer": "\(link.peer)", "direction": "\(link.direction)", "address": "\(link.remoteAddress)"], kind: nil)
    }

    func closed(_ link: any PeerLink, _ fault: LinkFault) {
        let name = link.peer.name
        count(link)
        counted[ObjectIdentifier(link)] = nil
        peers[name, default: .init()].lastFault = fault.description
        metrics.linkEnds.with(group, name, fault.code.name).increment()
        let level: Logger.Level = fault.code == .closed || fault.code == .ended ? .info : .warning
        log(
            level, "a link has ended",
            ["peer": "\(link.peer)", "direction": "\(link.direction)", "reason": "\(fault)"],
            kind: "end \(name) \(link.direction) \(fault.code)")
    }

    func dialFailed(_ name: String, _ fault: LinkFault) {
        peers[name, default: .init()].failedDials += 1
        peers[name, default: .init()].lastFault = fault.description
        metrics.failedDials.with(group, name, fault.code.name).increment()
        let level: Logger.Level = fault.code == .unreachable ? .notice : .error
        log(
            level, "a peer cannot be reached; there will be another attempt",
            ["peer": "\(name)", "reason": "\(fault)"], kind: "dial \(name) \(fault.code)")
    }

    func rejected(_ address: String, _ fault: LinkFault) {
        metrics.rejected.with(group, fault.code.name).increment()
        log(
            .error, "a connection to the peers' listener was turned away",
            ["address": "\(address)", "reason": "\(fault)"], kind: "reject \(fault.code)")
    }

    // MARK: The store

    func storeTrouble(_ reason: String) {
        metrics.storeTroubles.with(group).increment()
        log(.error, "the store could not serve replication", ["reason": "\(reason)"], kind: "store \(reason)")
    }

    func storeWaits(_ reason: String) {
        log(.info, "the store waits for a snapshot", ["reason": "\(reason)"], kind: "waits \(reason)")
    }

    func unreadableAddress(_ text: String) {
        log(
            .error, "a member was added with an address that cannot be read; add it again with HOST:PORT",
            ["address": "\(text)"], kind: "address \(text)")
    }

    // MARK: The machine

    func report(_ event: PeerEvent) {
        switch event {
        case .established(let peer, let direction, let replica):
            metrics.established.with(group, peer, Self.name(direction)).increment()
            if direction == .outgoing { peers[peer, default: .init()].established += 1 }
            log(
                .info, "replication with a peer is up",
                ["peer": "\(peer)", "direction": "\(Self.name(direction))", "replica": "\(replica)"],
                kind: "up \(peer) \(direction)")
        case .lost: break
        case .refused(let peer, let direction, let reason): refused(peer, direction, reason, by: "here")
        case .refusedByPeer(let peer, let direction, let reason): refused(peer, direction, reason, by: "peer")
        case .reachable(let peer): log(.notice, "a peer is heard again", ["peer": "\(peer)"], kind: "heard \(peer)")
        case .unreachable(let peer):
            log(.warning, "a peer is not heard any more", ["peer": "\(peer)"], kind: "unheard \(peer)")
        case .unwritable(let peer):
            log(
                .warning, "a peer cannot write; others look after its mailboxes", ["peer": "\(peer)"],
                kind: "unwritable \(peer)")
        case .writable(let peer):
            log(.notice, "a peer can write again", ["peer": "\(peer)"], kind: "writable \(peer)")
        case .replaced(let peer, let old, let new):
            log(
                .notice, "a peer came back with another replica",
                ["peer": "\(peer)", "old": "\(old)", "new": "\(new)"],
                kind: "replaced \(peer)")
        case .membersDiffer(let peer, let here, let there):
            log(
                .warning, "a peer lists other members than this node",
                ["peer": "\(peer)", "only_here": "\(here)", "only_there": "\(there)"], kind: "members \(peer)")
        case .strangers(let names):
            if names.isEmpty {
                log(.notice, "all nodes that take part in the group are members again", [:], kind: "strangers")
            } else {
                log(
                    .warning,
                    "nodes take part in the group that are no members here: add or remove them; until then nothing that was deleted is forgotten",
                    ["nodes": "\(names)"], kind: "strangers")
            }
        case .deliveryFailed, .overflow, .unserved, .bodyMismatch, .divergence: reportData(event)
        case .snapshotRequested, .snapshotCompleted, .snapshotAborted: reportSnapshot(event)
        }
    }

    private func refused(_ peer: String, _ direction: LinkDirection, _ reason: RefusalReason, by side: String) {
        metrics.refusals.with(group, peer, side, reason.code.description).increment()
        peers[peer, default: .init()].lastFault = reason.description
        log(
            reason.isTransient ? .info : .error,
            side == "here" ? "this node refuses a link" : "a peer refuses a link",
            ["peer": "\(peer)", "direction": "\(Self.name(direction))", "reason": "\(reason)"],
            kind: "refused \(side) \(peer) \(direction) \(reason.code)")
    }

    private func reportData(_ event: PeerEvent) {
        switch event {
        case .deliveryFailed(let peer, let origin, let error, let pause):
            metrics.deliveryFailures.with(group, peer, error.code.description).increment()
            log(
                .error, "a frame of a peer was refused",
                [
                    "peer": "\(peer)", "origin": "\(origin.map(\.description) ?? "unknown")", "reason": "\(error)",
                    "pause_ms": "\(pause)",
                ], kind: "delivery \(peer) \(error.code)")
        case .overflow(let peer, let position):
            metrics.overflows.with(group, peer).increment()
            log(
                .notice, "the causal buffer is full; the stream is asked for again",
                ["peer": "\(peer)", "origin": "\(position.origin)", "from": "\(position.counter)"],
                kind: "overflow \(peer)")
        case .unserved(let origins):
            log(
                .warning, "no peer that is up can send what is missing here",
                ["origins": "\(origins.map(\.description))"], kind: "unserved")
        case .bodyMismatch(let peer, let digest):
            metrics.bodyMismatches.with(group, peer).increment()
            log(
                .error, "a body came with another hash than was asked for",
                ["peer": "\(peer)", "body": "\(digest)"], kind: "body \(peer)")
        case .divergence(let accounts, let repairing):
            metrics.divergences.with(group).increment(by: UInt64(accounts.count))
            metrics.repairs.with(group).increment(by: UInt64(repairing.count))
            log(
                .error, "accounts differ although both sides hold the same operations",
                ["accounts": "\(accounts.count)", "repairing": "\(repairing.count)"], kind: "divergence")
        default: break
        }
    }

    private func reportSnapshot(_ event: PeerEvent) {
        switch event {
        case .snapshotRequested(let peer, let transfer, let scope):
            metrics.snapshots.with(group, peer, "requested").increment()
            log(
                .notice, "a snapshot is asked for",
                ["peer": "\(peer)", "transfer": "\(transfer)", "scope": "\(Self.name(scope))"],
                kind: "snapshot \(peer)")
        case .snapshotCompleted(let peer, let transfer, let scope, let parts):
            metrics.snapshots.with(group, peer, "completed").increment()
            log(
                .notice, "a snapshot is in force",
                [
                    "peer": "\(peer)", "transfer": "\(transfer)", "scope": "\(Self.name(scope))", "parts": "\(parts)",
                ], kind: "snapshot done \(peer)")
        case .snapshotAborted(let peer, let transfer, let reason):
            metrics.snapshots.with(group, peer, "aborted").increment()
            log(
                .warning, "a snapshot was given up",
                ["peer": "\(peer)", "transfer": "\(transfer)", "reason": "\(reason)"], kind: "snapshot lost \(peer)")
        default: break
        }
    }

    // MARK: How it stands

    /// Whether the last look was long enough ago.
    func isDue(_ now: ReplicationTime) -> Bool {
        guard let lastPublished, !board.isWatched else { return true }
        return now.monotonicMilliseconds >= lastPublished + Self.publishMilliseconds
    }

    func publish(_ status: GroupStatus, links: [any PeerLink], _ now: ReplicationTime) {
        lastPublished = now.monotonicMilliseconds
        for link in links { count(link) }
        for peer in status.peers { show(peer) }
        metrics.receivedOperations.with(group).set(Double(status.receivedOperations))
        metrics.missingBodies.with(group).set(Double(status.missingBodies))
        board.show(ReplicaStatus(group: status, links: peers))
    }

    private func show(_ peer: PeerStatus) {
        let name = peer.name
        metrics.linkUp.with(group, name, "send").set(peer.outgoing == .up ? 1 : 0)
        metrics.linkUp.with(group, name, "receive").set(peer.incoming == .up ? 1 : 0)
        metrics.reachable.with(group, name).set(peer.isReachable ? 1 : 0)
        metrics.writable.with(group, name).set(peer.isWritable ? 1 : 0)
        metrics.lagOperations.with(group, name, "send").set(Double(peer.sendLagOperations))
        metrics.lagOperations.with(group, name, "receive").set(Double(peer.receiveLagOperations))
        metrics.lagBytes.with(group, name, "send").set(Double(peer.sendLagBytes ?? 0))
        metrics.lagBytes.with(group, name, "receive").set(Double(peer.receiveLagBytes))
        metrics.lagSeconds.with(group, name, "send").set(Double(peer.sendLagMilliseconds) / 1_000)
        metrics.lagSeconds.with(group, name, "receive").set(Double(peer.receiveLagMilliseconds) / 1_000)
        metrics.windowBytes.with(group, name).set(Double(peer.windowBytesInUse))
        metrics.clockLead.with(group, name).set(Double(peer.clockLeadMilliseconds) / 1_000)
    }

    /// Adds what went over a link since it was last counted.
    private func count(_ link: any PeerLink) {
        let name = link.peer.name
        let new = link.counts
        let old = counted[ObjectIdentifier(link)] ?? LinkCounts()
        counted[ObjectIdentifier(link)] = new
        peers[name, default: .init()].bytesIn += new.bytesIn - old.bytesIn
        peers[name, default: .init()].bytesOut += new.bytesOut - old.bytesOut
        peers[name, default: .init()].messagesIn += new.messagesIn - old.messagesIn
        peers[name, default: .init()].messagesOut += new.messagesOut - old.messagesOut
        metrics.bytes.with(group, name, "receive").increment(by: new.bytesIn - old.bytesIn)
        metrics.bytes.with(group, name, "send").increment(by: new.bytesOut - old.bytesOut)
        metrics.messages.with(group, name, "receive").increment(by: new.messagesIn - old.messagesIn)
        metrics.messages.with(group, name, "send").increment(by: new.messagesOut - old.messagesOut)
    }

    // MARK: Lines

    private func log(
        _ level: Logger.Level, _ message: Logger.Message, _ details: Logger.Metadata, kind: String?
    ) {
        guard logger.logLevel <= level else { return }
        var details = details
        if let kind {
            let now = NIODeadline.now().uptimeNanoseconds / 1_000_000
            guard let suppressed = throttle.pass(kind, now: now) else { return }
            if suppressed > 0 { details["suppressed"] = "\(suppressed)" }
        }
        logger.log(level: level, message, metadata: details)
    }

    private static func name(_ direction: LinkDirection) -> String { direction == .outgoing ? "send" : "receive" }

    private static func name(_ scope: SnapshotScope) -> String {
        switch scope {
        case .everything: "everything"
        case .account: "account"
        }
    }
}
