// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit

/// Who holds which body, and where it is: the part of the store's state that is about bytes.
///
/// A body lives once however many messages hold it. Its count in the engine is moved by the operations since the last checkpoint. One that nobody holds is removed a
/// checkpoint later, unless somebody reads it or is about to hold it again: a removal is announced in `removing` while it runs, and an upload of
/// the same bytes then writes them anew.
struct BodyLedger {
    /// Bodies that are in the log alone.
    private(set) var logged: [BodyDigest: LoggedBody] = [:]
    /// Bodies whose frames are queued for the log; they become `logged` when they are durable.
    private var queued: [BodyDigest: Int] = [:]
    /// Changes of the counts since the last checkpoint.
    private var changes: [BodyDigest: BodyChange] = [:]
    /// Readers and uploads that need a body to stay.
    private var pins: [BodyDigest: Int] = [:]
    /// Bodies that the running checkpoint removes.
    private var removing: Set<BodyDigest> = []
    /// Bodies in the engine that nobody held at the last checkpoint.
    private(set) var idle: Set<BodyDigest>
    /// Bodies that are held and have not arrived.
    var missing = MissingBodies()
    /// Bodies that operations of others hold, of which memory does not know whether the engine has them.
    private(set) var unverified: [BodyDigest: UInt64] = [:]

    /// How a count moved.
    struct BodyChange {
        var difference: Int
        var size: UInt64
    }

    /// What a checkpoint does with bodies.
    struct Plan: Sendable {
        /// Bodies to copy from the log.
        var copies: [(digest: BodyDigest, body: LoggedBody)]
        /// Counts to move.
        var changes: [(digest: BodyDigest, difference: Int, size: UInt64)]
        /// Bodies to remove.
        var removals: [BodyDigest]
        /// Held bodies that may not be there.
        var doubtful: [BodyDigest: UInt64]
    }

    init(idle: Set<BodyDigest> = []) { self.idle = idle }

    /// Whether the bytes need not be written again, as far as memory knows; nil means that the engine has to be asked.
    func isHeld(_ digest: BodyDigest) -> Bool? {
        if logged[digest] != nil || queued[digest] != nil { return true }
        return removing.contains(digest) || missing.contains(digest) ? false : nil
    }

    /// Keeps a body from being removed until ``unpin(_:)``.
    ///
    /// - Returns: whether it comes too late for a removal that is under way.
    @discardableResult
    mutating func pin(_ digest: BodyDigest) -> Bool {
        pins[digest, default: 0] += 1
        return removing.contains(digest)
    }

    /// Takes over who reads and uploads from a ledger that this one replaces.
    mutating func takePins(of other: BodyLedger) { pins = other.pins }

    /// Ends one ``pin(_:)``.
    mutating func unpin(_ digest: BodyDigest) {
        guard let count = pins[digest] else { return }
        pins[digest] = count > 1 ? count - 1 : nil
    }

    mutating func queue(_ digest: BodyDigest) {
        queued[digest, default: 0] += 1
        // It will have come when it is durable, whatever the engine says.
        if let size = unverified.removeValue(forKey: digest) { missing.insert(digest, size: size) }
    }

    /// The frames of a body are durable.
    ///
    /// - Returns: who waited for it.
    mutating func becameDurable(
        _ digest: BodyDigest, _ body: LoggedBody
    ) -> [CheckedContinuation<Void, Never>] {
        if let count = queued[digest] { queued[digest] = count > 1 ? count - 1 : nil }
        logged[digest] = body
        unverified[digest] = nil
        return missing.remove(digest)
    }

    // MARK: Bodies of others' messages

    /// An operation of another replica holds a body, which may have come, or may still come.
    mutating func retainedByOther(_ digest: BodyDigest, size: UInt64) {
        if logged[digest] != nil || queued[digest] != nil || missing.contains(digest) { return }
        // What a checkpoint is removing is as good as gone, however the race between the two ends.
        if removing.contains(digest) { missing.insert(digest, size: size) } else { unverified[digest] = size }
    }

    /// The engine was asked for a body.
    mutating func verified(_ digest: BodyDigest, isThere: Bool) {
        guard let size = unverified.removeValue(forKey: digest), !isThere else { return }
        missing.insert(digest, size: size)
    }

    /// Whether a body is known to be missing; nil means that it is not known.
    func isMissing(_ digest: BodyDigest) -> Bool? {
        if missing.contains(digest) { return true }
        return unverified[digest] == nil ? false : nil
    }

    /// A body was found in the log at the start.
    mutating func recovered(_ digest: BodyDigest, _ body: LoggedBody) {
        logged[digest] = body
        unverified[digest] = nil
        // Nobody waits at the start.
        _ = missing.remove(digest)
    }

    mutating func retained(_ digest: BodyDigest, size: UInt64) {
        func retain(_ change: inout BodyChange) {
            change.difference += 1
            change.size = size
        }
        retain(&changes[digest, default: BodyChange(difference: 0, size: size)])
    }

    mutating func released(_ digest: BodyDigest) {
        changes[digest, default: BodyChange(difference: 0, size: 0)].difference -= 1
    }

    /// The bodies that more messages hold than at the last checkpoint.
    var newlyHeld: [(digest: BodyDigest, size: UInt64)] {
        changes.compactMap { $0.value.difference > 0 ? ($0.key, $0.value.size) : nil }
    }

    /// Whether a checkpoint has anything to do.
    var hasChanges: Bool { !changes.isEmpty || !logged.isEmpty || !idle.isEmpty }

    /// Takes what a checkpoint has to do.
    mutating func plan() -> Plan {
        let removals = idle.filter { pins[$0] == nil && changes[$0] == nil && queued[$0] == nil && logged[$0] == nil }
        removing = removals
        var doubtful = unverified
        for digest in changes.keys { if let size = missing.size(of: digest) { doubtful[digest] = size } }
        let plan = Plan(
            copies: logged.map { ($0.key, $0.value) },
            changes: changes.map { ($0.key, $0.value.difference, $0.value.size) }, removals: Array(removals),
            doubtful: doubtful)
        changes = [:]
        return plan
    }

    /// The checkpoint of a plan is durable.
    ///
    /// - Parameters:
    ///   - plan: the plan.
    ///   - unheld: the bodies whose count became zero.
    /// - Returns: who waited for a body that nobody holds any more.
    mutating func completed(_ plan: Plan, unheld: [BodyDigest]) -> [CheckedContinuation<Void, Never>] {
        for (digest, body) in plan.copies where logged[digest]?.firstPosition == body.firstPosition {
            logged[digest] = nil
        }
        removing = []
        idle.subtract(plan.removals)
        for change in plan.changes { idle.remove(change.digest) }
        idle.formUnion(unheld)
        // Whoever holds it again since then has to ask again; for a body that nobody holds nobody asks any more.
        let gone = unheld.filter { changes[$0] == nil }
        for digest in gone { unverified[digest] = nil }
        return gone.flatMap { missing.remove($0) }
    }

    /// The checkpoint of a plan failed: everything is still to do.
    mutating func failed(_ plan: Plan) {
        removing = []
        for change in plan.changes {
            changes[change.digest, default: BodyChange(difference: 0, size: change.size)].difference +=
                change.difference
            if change.size > 0 { changes[change.digest]?.size = change.size }
        }
    }
}
