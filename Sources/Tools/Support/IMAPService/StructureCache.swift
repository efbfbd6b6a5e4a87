// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import IMAPCore
internal import Synchronization

/// The structures of the bodies that were analysed lately, because clients ask for the parts of one message one after another.
///
/// A body never changes, so neither does its structure. The least recently used go first; large structures are not kept.
final class StructureCache: Sendable {
    private struct State {
        var entries: [BodyDigest: (structure: MessageStructure, use: UInt64)] = [:]
        var clock: UInt64 = 0
    }

    /// The parts beyond which a structure is not worth its memory.
    static let maximumParts = 200

    private let capacity: Int
    private let state = Mutex(State())

    init(capacity: Int) { self.capacity = capacity }

    func structure(of body: BodyDigest) -> MessageStructure? {
        state.withLock { state in
            state.clock += 1
            state.entries[body]?.use = state.clock
            return state.entries[body]?.structure
        }
    }

    func insert(_ structure: MessageStructure, for body: BodyDigest) {
        guard capacity > 0, Self.isSmall(structure.root) else { return }
        state.withLock { state in
            state.clock += 1
            if state.entries.count >= capacity, state.entries[body] == nil {
                // A quarter goes at once, so that the sort is paid for by many insertions.
                let oldest = state.entries.sorted { $0.value.use < $1.value.use }.prefix(max(1, capacity / 4))
                for (key, _) in oldest { state.entries[key] = nil }
            }
            state.entries[body] = (structure, state.clock)
        }
    }

    /// Whether a structure has at most ``maximumParts`` parts.
    private static func isSmall(_ root: MessagePart) -> Bool {
        var left = maximumParts
        var waiting = [root]
        while let part = waiting.popLast() {
            left -= 1
            if left < 0 { return false }
            waiting += part.children + (part.embedded.map { [$0.part] } ?? [])
        }
        return true
    }
}
