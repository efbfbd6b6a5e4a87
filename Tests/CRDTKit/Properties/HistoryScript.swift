// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import TestSupport

/// A random causal history as a list of steps that can be left out one by one: every number is reduced to what is possible when the step is
/// taken, and a step for which nothing is possible does nothing.
struct HistoryScript: CustomStringConvertible {
    struct Step: CustomStringConvertible {
        enum Action: Int, CaseIterable {
            case create, createWellKnown, delete, rename, append, expunge, store, replaceFlags, copy, move,
                assignWaiting, takeOver, handOver, merge,
                subscribe, unsubscribe, prune, restart, deliver
        }

        var action: Action
        var replica: Int
        var first: Int
        var second: Int
        var third: Int

        var description: String { "\(action)@\(replica)(\(first),\(second),\(third))" }
    }

    var replicaCount: Int
    var steps: [Step]

    /// Draws a script: mostly a shared beginning (a mailbox and messages that everybody has), then operations and deliveries.
    init(seed: UInt64, replicaCount givenCount: Int? = nil, stepCount: Int? = nil) {
        var generator = SeededGenerator(seed: seed)
        let replicas = givenCount ?? Int.random(in: 2...5, using: &generator)
        let count = stepCount ?? Int.random(in: 8...32, using: &generator)
        var actions: [Step.Action] = []
        if stepCount == nil && seed % 4 != 0 {
            actions = [seed % 2 == 0 ? .create : .createWellKnown, .append, .append]
            actions += Array(repeating: .deliver, count: replicas * 3)
        }
        let sharedCount = actions.count
        for _ in 0..<count {
            let isDelivery = Int.random(in: 0..<5, using: &generator) < 2
            actions.append(isDelivery ? .deliver : HistoryScript.choice.randomElement(using: &generator) ?? .append)
        }
        steps = actions.enumerated().map { index, action in
            let isShared = index < sharedCount && action != .deliver
            return Step(
                action: action, replica: isShared ? 0 : Int.random(in: 0..<replicas, using: &generator),
                first: Int.random(in: 0..<64, using: &generator), second: Int.random(in: 0..<64, using: &generator),
                third: Int.random(in: 0..<64, using: &generator))
        }
        self.replicaCount = replicas
    }

    /// What a step may be besides a delivery, as often as it occurs here.
    private static let choice: [Step.Action] = [
        .create, .createWellKnown, .createWellKnown, .delete, .delete, .delete, .rename, .append, .append, .append,
        .expunge, .expunge, .expunge, .store, .store, .store, .store, .store, .replaceFlags, .replaceFlags, .copy,
        .move, .assignWaiting, .assignWaiting, .takeOver, .handOver, .merge, .subscribe, .unsubscribe, .prune, .restart,
    ]

    var description: String { "\(replicaCount) replicas: " + steps.map(\.description).joined(separator: " ") }

    /// The shortest script found by leaving steps out for which `fails` still holds.
    func shrunk(while fails: (HistoryScript) -> Bool) -> HistoryScript {
        var best = self
        var length = max(1, best.steps.count / 2)
        while length >= 1 {
            var start = 0
            var isShorter = false
            while start < best.steps.count {
                var attempt = best
                attempt.steps.removeSubrange(start..<min(start + length, best.steps.count))
                if fails(attempt) {
                    best = attempt
                    isShorter = true
                } else {
                    start += length
                }
            }
            if length == 1 && !isShorter { break }
            length = max(1, length / 2)
        }
        return best
    }
}
