// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// An observed-remove set without tombstones as libraries write it (Bieniusa and others, arXiv 1210.3368): a clock for the
/// whole set, and for each element the dots that keep it; a removal carries the clock that it has seen.
struct OrswotMap {
    /// The element's name, sixteen bytes as those of the libraries' benchmarks.
    struct Key: Hashable {
        let high: UInt64
        let low: UInt64
    }

    /// What the libraries send for an operation: the dot or the clock, with the element.
    enum Change {
        case add(Key, replica: Int, counter: UInt64)
        case remove(Key, seen: [UInt64])
    }

    private var entries: [Key: [UInt64]] = [:]
    private(set) var clock: [UInt64]

    init(replicas: Int) { clock = [UInt64](repeating: 0, count: replicas) }

    var count: Int { entries.count }

    /// Issues an addition at a replica.
    func adding(_ key: Key, at replica: Int) -> Change { .add(key, replica: replica, counter: clock[replica] + 1) }

    /// Issues a removal: of what this replica has seen of the element.
    func removing(_ key: Key) -> Change {
        var seen = [UInt64](repeating: 0, count: clock.count)
        for dot in entries[key] ?? [] { seen[Int(dot >> 48)] = max(seen[Int(dot >> 48)], dot & 0xffff_ffff_ffff) }
        return .remove(key, seen: seen)
    }

    /// A replica's dot takes the place of its former one.
    private static func put(_ dot: UInt64, into dots: inout [UInt64]) {
        if let old = dots.firstIndex(where: { $0 >> 48 == dot >> 48 }) { dots[old] = dot } else { dots.append(dot) }
    }

    mutating func apply(_ change: Change) {
        switch change {
        case .add(let key, let replica, let counter):
            if clock[replica] >= counter { return }
            clock[replica] = counter
            Self.put(UInt64(replica) << 48 | counter, into: &entries[key, default: []])
        case .remove(let key, let seen):
            guard let position = entries.index(forKey: key) else { return }
            entries.values[position].removeAll { $0 & 0xffff_ffff_ffff <= seen[Int($0 >> 48)] }
            if entries.values[position].isEmpty { entries.remove(at: position) }
        }
    }
}
