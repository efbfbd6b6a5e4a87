// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

@testable import CRDTKit

/// One machine whose peers the test plays: it says what comes and looks at what goes.
final class PeerScript {
    let node: ToyNode
    var now = ReplicationTime(monotonicMilliseconds: 10_000, wallMilliseconds: 1_700_000_000_000)
    private(set) var sent: [(link: LinkID, message: PeerMessage)] = []
    private(set) var closed: [(link: LinkID, reason: RefusalReason)] = []
    private var nextLink: UInt64 = 0
    /// Whether the store answers at once.
    var answers = true
    let group: GroupDescription

    init(
        members: [String] = ["me", "a", "b"], limits: ReplicationLimits = ReplicationLimits(),
        replicaLimits: ReplicaLimits = ReplicaLimits(), store: ToyStore? = nil
    ) throws {
        group = Self.group("me", members)
        let store = try store ?? ToyStore(1, limits: replicaLimits)
        node = ToyNode(name: "me", store: store, group: group, limits: limits, now: now)
    }

    static func group(_ node: String, _ members: [String] = ["me", "a", "b"]) -> GroupDescription {
        GroupDescription(
            group: "users", partition: PartitionID(7), node: node,
            members: members.enumerated().map { GroupMember(name: $0.element, stripe: UInt8($0.offset)) },
            settings: ["separator": "."], partialSettings: ["first": "1", "last": "40"])
    }

    var store: ToyStore { node.store }
    var status: GroupStatus { node.machine.status }
    var messages: [PeerMessage] { sent.map(\.message) }

    func peer(_ name: String) -> PeerStatus {
        status.peers.first { $0.name == name } ?? PeerStatus(name: "none", stripe: 0)
    }

    /// A greeting of a peer that fits.
    func greeting(
        _ peer: String, _ replica: UInt64, durable: [StreamPosition] = [], logStart: [StreamPosition] = [],
        members: [String]? = nil
    ) -> PeerGreeting {
        PeerGreeting(
            group: group.group, partition: group.partition, node: peer, replica: ReplicaID(replica),
            fingerprint: group.fingerprint, members: members.map { Self.group("me", $0).members } ?? group.members,
            presence: presence(durable, logStart: logStart))
    }

    func presence(
        _ durable: [StreamPosition], logStart: [StreamPosition] = [], digest: StateDigest? = nil,
        isWritable: Bool = true
    ) -> PeerPresence {
        PeerPresence(
            durable: durable, logStart: logStart, wallMilliseconds: now.wallMilliseconds,
            newestOwnTimestamp: HybridTimestamp(milliseconds: now.wallMilliseconds), digest: digest,
            isWritable: isWritable)
    }

    /// Opens a link and exchanges greetings.
    func establish(
        _ peer: String, _ replica: UInt64, _ direction: LinkDirection, durable: [StreamPosition] = [],
        logStart: [StreamPosition] = [], members: [String]? = nil
    ) -> LinkID {
        open(peer, direction, greeting(peer, replica, durable: durable, logStart: logStart, members: members))
    }

    func open(_ peer: String, _ direction: LinkDirection, _ greeting: PeerGreeting?) -> LinkID {
        nextLink += 1
        let link = LinkID(nextLink)
        node.machine.linkOpened(link, peer: peer, direction: direction, now: now)
        drain()
        if let greeting { feed(direction == .incoming ? .hello(greeting) : .welcome(greeting), link) }
        return link
    }

    func close(_ link: LinkID) {
        node.machine.linkClosed(link, now: now)
        drain()
    }

    func feed(_ message: PeerMessage, _ link: LinkID) {
        node.machine.handle(message, on: link, now: now)
        drain()
    }

    /// Sends the frames as the log holds them, each in a message of its own.
    func feed(_ frames: [LoggedFrame], _ link: LinkID) {
        for frame in frames { feed(.frames(frame.envelope), link) }
    }

    /// Makes the store's log durable.
    func sync() {
        store.sync()
        node.machine.storeAdvanced(store.status, now: now)
        drain()
    }

    /// Lets time pass in steps, with a tick whenever one is due.
    func advance(_ milliseconds: UInt64) {
        let end = now.monotonicMilliseconds + milliseconds
        while now.monotonicMilliseconds < end {
            now.monotonicMilliseconds += 1
            now.wallMilliseconds += 1
            if now.monotonicMilliseconds >= node.machine.nextDeadline {
                node.machine.tick(now: now)
                drain()
            }
        }
    }

    func clear() {
        sent = []
        closed = []
        node.events = []
        node.directives = 0
    }

    func giveAnswer() {
        node.giveAnswer(now)
        drain()
    }

    func drain() {
        while let directive = node.machine.nextDirective() {
            node.directives += 1
            switch directive {
            case .send(let link, let message): sent.append((link, message))
            case .close(let link, let reason): closed.append((link, reason))
            default: node.carryOut(directive)
            }
        }
        if answers && !node.answers.isEmpty {
            node.giveAnswer(now)
            drain()
        }
    }

    /// The subscriptions that were sent on a link, oldest first.
    func subscriptions(_ link: LinkID) -> [[StreamPosition]] {
        sent.filter { $0.link == link }.compactMap {
            if case .subscribe(let positions) = $0.message { positions } else { nil }
        }
    }

    /// The bytes of frames that were sent on a link.
    func frameBytes(_ link: LinkID) -> Int {
        sent.filter { $0.link == link }.reduce(0) {
            if case .frames(let bytes) = $1.message { $0 + bytes.count } else { $0 }
        }
    }

    /// The ranges of counters of the frames that were sent on a link.
    func frames(_ link: LinkID) -> [ClosedRange<UInt64>] {
        var result: [ClosedRange<UInt64>] = []
        for case .frames(let bytes) in sent.filter({ $0.link == link }).map(\.message) {
            let span = bytes.span
            var offset = 0
            while case .frame(_, _, let payload, let end) = FrameEnvelope.read(span.bytes, at: offset) {
                if let header = try? FrameHeader(decoding: span.bytes.extracting(payload)) {
                    result.append(header.firstCounter...header.lastCounter)
                }
                offset = end
                if offset == bytes.count { break }
            }
        }
        return result
    }
}

/// A position, in short.
func position(_ replica: UInt64, _ counter: UInt64) -> StreamPosition {
    StreamPosition(origin: ReplicaID(replica), counter: counter)
}
