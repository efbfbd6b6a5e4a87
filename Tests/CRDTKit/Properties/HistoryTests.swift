// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Testing

@testable import CRDTKit
@testable import TestSupport

@Suite("Random causal histories")
struct HistoryTests {
    /// Runs a script to the end and says what went wrong first.
    static func violation(_ script: HistoryScript) -> String? {
        var world = HistoryWorld(replicaCount: script.replicaCount)
        for step in script.steps {
            if let violation = world.take(step) { return violation }
        }
        world.quiesce()
        for index in world.replicas.indices {
            if let violation = world.violation(at: index) { return "in the end: " + violation }
            if world.replicas[index].state.digest != world.replicas[0].state.digest {
                return "in the end the digests of replicas 0 and \(index) differ"
            }
        }
        return nil
    }

    /// Checks the first of the seeds, as many as this build can do.
    static func check(_ seeds: Range<UInt64>, _ check: (HistoryScript) -> String?) {
        for seed in seeds.prefix(Effort.runs(seeds.count)) {
            let script = HistoryScript(seed: seed)
            if check(script) == nil { continue }
            let shrunk = script.shrunk { check($0) != nil }
            Issue.record("seed \(seed): \(check(shrunk) ?? "") after \(shrunk)")
            return
        }
    }

    /// 10,000 histories in full, in eight parts that run side by side.
    @Test("Every replica is what the reference and the verified model say, after every step", arguments: 0..<8)
    func everyReplicaIsWhatReferenceAndModelSay(part: UInt64) {
        HistoryTests.check(part * 1_250..<(part + 1) * 1_250, HistoryTests.violation)
    }

    @Test("All linear extensions of a history give the same state and digest")
    func allLinearExtensionsGiveTheSameState() {
        HistoryTests.check(20_000..<20_300) { script in
            var world = HistoryWorld(replicaCount: script.replicaCount, withModel: false)
            for step in script.steps { _ = world.take(step) }
            let history = world.streams.flatMap { $0 }
            var expected: (StateDigest, AbstractAccount)?
            var generator = SeededGenerator(seed: UInt64(history.count))
            for _ in 0..<6 {
                let state = HistoryTests.replay(history, world.context, &generator)
                let result = (state.digest, AbstractAccount(state))
                if let expected, expected != result { return "two linear extensions differ" }
                expected = result
            }
            return nil
        }
    }

    /// All linear extensions, not some, for histories that are small enough.
    @Test("Every single linear extension of small histories gives the same state")
    func everyLinearExtensionOfSmallHistories() {
        for seed in 30_000..<30_000 + UInt64(Effort.runs(60)) {
            let script = HistoryScript(seed: seed, replicaCount: 3, stepCount: 9)
            var world = HistoryWorld(replicaCount: 3, withModel: false)
            for step in script.steps { _ = world.take(step) }
            let history = world.streams.flatMap { $0 }
            if history.count > 7 { continue }
            var digests: Set<StateDigest> = []
            HistoryTests.extensions(history, [], AccountState(), world.context, &digests)
            #expect(digests.count == 1, "seed \(seed): \(script)")
        }
    }

    private static func extensions(
        _ rest: [IssuedOperation], _ delivered: [IssuedOperation], _ state: borrowing AccountState,
        _ context: ApplyContext, _ digests: inout Set<StateDigest>
    ) {
        if rest.isEmpty { digests.insert(state.digest) }
        for (index, next) in rest.enumerated() where !rest.contains(where: { $0.happenedBefore(next) }) {
            var copy = state.copy()
            var context = context
            context.past = next.past
            var changes: StateChanges = []
            copy.apply(next.operation, context: context, changes: &changes)
            var left = rest
            left.remove(at: index)
            extensions(left, delivered + [next], copy, context, &digests)
        }
    }

    private static func replay(
        _ history: [IssuedOperation], _ context: ApplyContext, _ generator: inout SeededGenerator
    ) -> AccountState {
        var state = AccountState()
        var rest = history
        var context = context
        var changes: StateChanges = []
        while !rest.isEmpty {
            let ready = rest.indices.filter { index in !rest.contains { $0.happenedBefore(rest[index]) } }
            let index = ready.randomElement(using: &generator) ?? 0
            context.past = rest[index].past
            state.apply(rest[index].operation, context: context, changes: &changes)
            rest.remove(at: index)
        }
        return state
    }

    @Test("Identities never repeat, and a delete's past is what its source had delivered")
    func identitiesNeverRepeat() {
        HistoryTests.check(40_000..<40_200) { script in
            var world = HistoryWorld(replicaCount: script.replicaCount, withModel: false)
            for step in script.steps { _ = world.take(step) }
            let dots = world.streams.flatMap { $0 }.map(\.dot)
            if Set(dots).count != dots.count { return "a dot is repeated" }
            for (origin, stream) in world.streams.enumerated() {
                for (index, issued) in stream.enumerated() {
                    if issued.dot != Dot(ReplicaIndex(UInt16(origin + 1)), UInt64(index + 1)) {
                        return "dots are not dense"
                    }
                    if issued.past[issued.dot.replica] != UInt64(index) { return "the past lacks own operations" }
                }
            }
            return nil
        }
    }

    @Test(
        "Concurrent operations satisfy the side conditions, and identifiers stem from the operations that insert them")
    func concurrentOperationsSatisfyTheSideConditions() {
        HistoryTests.check(50_000..<50_500) { script in
            var world = HistoryWorld(replicaCount: script.replicaCount)
            for step in script.steps { if let violation = world.take(step) { return violation } }
            let history = world.streams.flatMap { $0 }
            for first in history {
                for second in history where first.isConcurrent(with: second) {
                    for left in world.translations[first.dot] ?? [] {
                        for right in world.translations[second.dot] ?? [] where !left.commutes(with: right) {
                            return "\(left) and \(right) are concurrent"
                        }
                    }
                }
            }
            return HistoryTests.provenanceViolation(world)
        }
    }

    /// P7: what is in a folder was inserted by delivered operations on that folder, into the set where it is.
    private static func provenanceViolation(_ world: borrowing HistoryWorld) -> String? {
        for replica in world.replicas {
            var tags: Set<ModelTranslation.ID> = []
            var files: [ModelTranslation.ID: MailboxID] = [:]
            for operation in replica.log.flatMap({ world.translations[$0.dot] ?? [] }) {
                switch operation {
                case .create(let id, _), .expunge(_, _, let id): tags.insert(id)
                case .append(let id, let name), .store(let name, _, let id): files[id] = name
                case .delete: break
                }
            }
            for (name, folder) in replica.model.folders {
                if !folder.meta.isSubset(of: tags) { return "a tag without its operation in \(name)" }
                if folder.files.contains(where: { files[$0] != name }) { return "a message from elsewhere in \(name)" }
            }
        }
        return nil
    }

    @Test("A failing script is shrunk to the steps that matter")
    func aFailingScriptIsShrunk() {
        let script = HistoryScript(seed: 7, replicaCount: 3, stepCount: 40)
        let shrunk = script.shrunk { attempt in
            attempt.steps.contains { $0.action == .append } && attempt.steps.contains { $0.action == .deliver }
        }
        #expect(shrunk.steps.count == 2)
    }
}
