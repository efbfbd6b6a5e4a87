// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import MirrorWire
internal import Synchronization

/// The latest events in a ring, for those who follow them.
///
/// A follower reads from the ring at its own pace; one that falls behind the ring's end is told to load everything anew, so
/// that a slow reader costs no memory.
final class EventHub: Sendable {
    /// One event as it goes over the wire.
    struct Event: Sendable {
        let sequence: UInt64
        let name: String
        let data: [UInt8]
    }

    /// What a follower finds.
    enum Reading: Sendable {
        /// Events; the next reading begins behind the last one.
        case events([Event])
        /// Events are gone: load everything; the next reading begins here.
        case behind(next: UInt64)
        /// There will be no more.
        case ended
    }

    /// How many events the ring holds.
    static let maximumEvents = 2_048
    /// How many may follow at once.
    static let maximumFollowers = 512
    /// How many events one reading gives at most.
    static let maximumReading = 256

    fileprivate struct State {
        var events: [Event] = []
        /// Where the oldest event is once the ring is full.
        var start = 0
        var next: UInt64 = 1
        var followers: [UInt64: AsyncStream<Void>.Continuation] = [:]
        var nextFollower: UInt64 = 0
        var hasEnded = false
    }

    /// Tells this process's events from those of earlier ones.
    let epoch: String
    private let state = Mutex(State())

    init() {
        epoch = String(UInt64.random(in: .min ... .max), radix: 36)
    }

    /// Whether there will be no more events.
    var hasEnded: Bool { state.withLock(\.hasEnded) }

    /// Adds events; ``wake()`` tells the followers.
    func append(_ notices: [Notice]) {
        guard !notices.isEmpty else { return }
        state.withLock { state in
            for notice in notices {
                switch notice {
                case .mirror(let row): state.append("mirror", row)
                case .worker(let row): state.append("worker", row)
                case .removed(let key): state.append("removed", Self.document(key))
                case .transition: break
                }
            }
        }
    }

    /// Tells the followers that there may be something new.
    func wake() {
        let followers = state.withLock { $0.followers.isEmpty ? [] : Array($0.followers.values) }
        for follower in followers { follower.yield() }
    }

    /// Ends all following.
    func end() {
        let followers = state.withLock { state in
            state.hasEnded = true
            defer { state.followers = [:] }
            return Array(state.followers.values)
        }
        for follower in followers { follower.finish() }
    }

    /// Begins to follow.
    ///
    /// - Returns: a number for ``stop(_:)``, what says when to read, and where to begin; nothing when too many follow.
    func follow() -> (id: UInt64, wakes: AsyncStream<Void>, next: UInt64)? {
        state.withLock { state in
            guard !state.hasEnded, state.followers.count < Self.maximumFollowers else { return nil }
            let (wakes, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
            state.nextFollower += 1
            state.followers[state.nextFollower] = continuation
            return (state.nextFollower, wakes, state.next)
        }
    }

    /// Ends the following of one.
    func stop(_ id: UInt64) {
        let follower = state.withLock { $0.followers.removeValue(forKey: id) }
        follower?.finish()
    }

    /// Gives the events from a number on.
    func read(from next: UInt64) -> Reading {
        state.withLock { state in
            if state.hasEnded { return .ended }
            let oldest = state.next - UInt64(state.events.count)
            guard next >= oldest, next <= state.next else { return .behind(next: state.next) }
            let count = min(Int(state.next - next), Self.maximumReading)
            let offset = Int(next - oldest)
            return .events((0..<count).map { state.events[(state.start + offset + $0) % state.events.count] })
        }
    }

    private static func document(_ key: MirrorKey) -> [UInt8] { RemovedRow(key).json }
}

extension EventHub.State {
    fileprivate mutating func append(_ name: String, _ data: [UInt8]) {
        let event = EventHub.Event(sequence: next, name: name, data: data)
        next += 1
        if events.count < EventHub.maximumEvents {
            events.append(event)
        } else {
            events[start] = event
            start = (start + 1) % events.count
        }
    }
}
