// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import TestSupport

@testable import CRDTKit

/// What all parts of a simulation share: time, chance, and the list of what went wrong.
final class World {
    private let timeline = Timeline()
    let seed: UInt64
    let faults: FaultProfile
    let mutant: Mutant?
    private var generator: SeededGenerator
    /// What went wrong; the first entry is what counts.
    private(set) var violations: [String] = []
    /// The last things that happened, for whoever has to understand a violation.
    private(set) var trace: [String] = []
    var traceLimit = 0
    /// Whether the machines' rules are checked after each step rather than now and then.
    var checksEveryStep = false
    /// Whether a test has damaged a state and waits for the repair.
    var expectsDivergence = false
    /// Whether time passes without new faults, so that everything must come to rest.
    var isCalm = false

    init(seed: UInt64, faults: FaultProfile, mutant: Mutant? = nil) {
        self.seed = seed
        self.faults = faults
        self.mutant = mutant
        generator = SeededGenerator(seed: seed)
    }

    var hasFailed: Bool { !violations.isEmpty }

    func violate(_ what: String) {
        violations.append("at \(milliseconds) ms: " + what)
    }

    func note(_ what: @autoclosure () -> String) {
        if traceLimit == 0 { return }
        if trace.count >= 2 * traceLimit { trace.removeFirst(traceLimit) }
        trace.append("\(timeline.now) " + what())
    }

    // MARK: Planned crashes

    /// Which write of which node ends in a crash.
    var plannedCrash: (node: String, write: Int)?
    private var writes: [String: Int] = [:]
    /// Whether the planned crash has come.
    private(set) var hasCrashedAsPlanned = false

    /// A node begins to write.
    func isPlannedCrash(of node: String) -> Bool {
        guard let plannedCrash, plannedCrash.node == node, !isCalm else { return false }
        writes[node, default: 0] += 1
        if writes[node] != plannedCrash.write { return false }
        hasCrashedAsPlanned = true
        return true
    }

    // MARK: Time

    /// Microseconds since the beginning.
    var now: UInt64 { timeline.now }

    /// Milliseconds since the beginning.
    var milliseconds: UInt64 { timeline.nowMilliseconds }

    var steps: UInt64 { timeline.steps }

    func after(_ microseconds: UInt64, _ action: @escaping () -> Void) { timeline.after(microseconds, action) }

    func step(until limit: UInt64) -> Bool { timeline.step(until: limit) }

    // MARK: Chance

    func number(_ range: ClosedRange<UInt64>) -> UInt64 { UInt64.random(in: range, using: &generator) }

    func index(_ count: Int) -> Int { Int.random(in: 0..<max(count, 1), using: &generator) }

    func pick<Element>(_ list: [Element]) -> Element? { list.isEmpty ? nil : list[index(list.count)] }

    /// True once in so many times; never for 0.
    func once(in times: UInt64) -> Bool { times > 0 && number(1...times) == 1 }

    /// True once in so many times while there are faults.
    func fault(_ times: UInt64) -> Bool { !isCalm && once(in: times) }

    func replicaID() -> ReplicaID { ReplicaID(number(1...UInt64.max)) }
}

/// How hostile a world is: each number is "once in so many times", 0 never.
struct FaultProfile {
    /// Crashes of the node per write of its log.
    var crashAtWrite: UInt64 = 0
    /// Breaks of a connection per message.
    var breakPerMessage: UInt64 = 0
    /// The delay of a message, in microseconds.
    var latency: ClosedRange<UInt64> = 100...20_000
    /// The delay of a write, in microseconds.
    var disk: ClosedRange<UInt64> = 50...5_000
    /// Writes that take a hundred times as long.
    var slowWrite: UInt64 = 0
    /// The delay of an answer of the store, in microseconds.
    var store: ClosedRange<UInt64> = 0...2_000
    /// How far the clocks of the nodes lie apart, in milliseconds.
    var skewMilliseconds: UInt64 = 0
    /// Whether one node's clock is far ahead, yet within what is believed.
    var hasClockFarAhead = false
    /// Partitions, wipes, crashes, absences, changes of membership and full disks per action of the script.
    var partition: UInt64 = 0
    var crash: UInt64 = 0
    var wipe: UInt64 = 0
    var absence: UInt64 = 0
    var membership: UInt64 = 0
    var full: UInt64 = 0

    /// A world without faults.
    static let none = FaultProfile()
}

/// A deliberate mistake, which the checks must find.
enum Mutant: String, CaseIterable {
    /// Clients are answered before their write is durable.
    case answersBeforeDurable
    /// Peers are sent, and told of, what is not durable yet.
    case sendsBeforeDurable
    /// Frames are delivered without what they depend on.
    case skipsTheCausalWait
    /// A restart forgets up to which UID messages were shown.
    case forgetsWhatWasExposed
    /// All nodes give UIDs out of the same stripe.
    case sharesTheStripe
    /// Assignments that do not count are never repeated.
    case neverMerges
    /// Recovery leaves out the last frame of the log.
    case forgetsTheLastFrame
    /// After a snapshot one operation too many of each replica counts as contained.
    case skipsOneMoreThanTheSnapshotHad
    /// What is deleted here is forgotten before everybody has deleted it.
    case prunesTooEarly
    /// A MODSEQ that another replica told is taken for one of this replica's own.
    case believesForeignModSeqs
}
