// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The subscribed names (RFC 3501 section 6.3.6), with the operations that subscribed them: subscribing wins over a concurrent unsubscribing.
struct Subscriptions: Sendable {
    private(set) var dotsByName: [String: [Dot]] = [:]

    /// Applies SUBSCRIBE: what it had seen gives way to its own dot.
    mutating func add(_ name: String, _ dot: Dot, context: borrowing ApplyContext, digest: inout StateDigest) {
        var dots = unseen(name, context.past)
        if !dots.contains(dot) { dots.append(dot) }
        replace(name, dots, context, &digest)
    }

    /// Applies UNSUBSCRIBE: what it had seen goes.
    mutating func remove(_ name: String, context: borrowing ApplyContext, digest: inout StateDigest) {
        replace(name, unseen(name, context.past), context, &digest)
    }

    /// Enters what a snapshot held of a name.
    mutating func install(_ name: String, _ dots: [Dot]) { dotsByName[name] = dots.isEmpty ? nil : dots }

    /// The subscriptions' part of the digest, computed anew.
    func wholeElement(_ context: borrowing ApplyContext) -> StateDigest {
        var sum = StateDigest()
        for (name, dots) in dotsByName { Subscriptions.addElements(name, dots, context, &sum) }
        return sum
    }

    private func unseen(_ name: String, _ past: borrowing VersionVector) -> [Dot] {
        var kept: [Dot] = []
        for dot in dotsByName[name] ?? [] where !past.contains(dot) { kept.append(dot) }
        return kept
    }

    private mutating func replace(
        _ name: String, _ dots: [Dot], _ context: borrowing ApplyContext, _ digest: inout StateDigest
    ) {
        var before = StateDigest()
        Subscriptions.addElements(name, dotsByName[name] ?? [], context, &before)
        digest.subtract(before)
        dotsByName[name] = dots.isEmpty ? nil : dots
        Subscriptions.addElements(name, dots, context, &digest)
    }

    private static func addElements(
        _ name: String, _ dots: [Dot], _ context: borrowing ApplyContext, _ digest: inout StateDigest
    ) {
        for dot in dots {
            var hash = ElementHash(.subscription)
            hash.absorb(context.identityHash(dot))
            hash.absorb(name)
            digest.add(hash.finish())
        }
    }
}
