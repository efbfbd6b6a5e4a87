// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import TestSupport

@testable import SyncJobs

/// What must hold at each moment.
extension WorkerSimulation {
    /// Gives the machine an input, and compares what it does with what it had said it would do.
    mutating func input<Failure: Error>(
        isCommand: Bool = false, _ body: (inout WorkerSimulation) throws(Failure) -> [JobDirective]
    ) throws(Failure) {
        var said: [JobName: Explanation] = [:]
        for name in isCommand ? [] : machine.names() {
            do throws(JobError) {
                said[name] = try machine.explain(name, at: now)
            } catch {
                complain("\(name) cannot be explained: \(error)")
            }
        }
        let free = machine.limits.slots - slotHolders().count
        let directives = try body(&self)
        take(directives)
        do throws(JobError) {
            try machine.checkInvariants()
        } catch {
            complain("\(error)")
        }
        if !isCommand { compare(directives, said, free) }
    }

    private func slotHolders() -> [RunStatus] { machine.runs().filter { !$0.isForced && $0.step != nil } }

    private mutating func compare(
        _ directives: [JobDirective], _ said: [JobName: Explanation], _ free: Int
    ) {
        var begun: [JobName] = []
        var ended = 0
        for case .report(let report) in directives {
            if report.state == .preSyncing { begun.append(report.name) }
            if report.isFinal { ended += 1 }
        }
        for name in begun {
            guard let before = said[name] else { continue }
            let mayBegin =
                switch before.reason {
                case .due, .dueAfterFailures, .window: before.until.map { $0 <= now } ?? false
                case .waitingForSlot, .upstreamLimit: true
                case .ending: ended > 0
                case .running, .backoff, .paused, .disabled, .manualOnly, .neverDue, .workerStopping, .removing: false
                }
            if !mayBegin { complain("\(name) began although: \(before.text)") }
        }
        // One slot became free and one run began: it is the first of the queue, or one whose upstream became free.
        if free == 0, ended == 1, begun.count == 1, let name = begun.first, let before = said[name] {
            switch before.reason {
            case .waitingForSlot(let position, _) where position > 1:
                let passed = said.filter { _, other in
                    if case .waitingForSlot(let number, _) = other.reason { number < position } else { false }
                }
                let stillWaiting = passed.keys.filter { machine.run(of: $0) == nil && isOpenForSlot($0) }
                if !stillWaiting.isEmpty { complain("\(name) began before \(stillWaiting.sorted())") }
            default: break
            }
        }
    }

    private func isOpenForSlot(_ name: JobName) -> Bool {
        guard let spec = machine.spec(of: name), spec.timing.isOpen(at: now) else { return false }
        return (try? machine.explain(name, at: now).code) == "waiting-for-slot"  // A job that is unknown does not wait.
    }

    /// What holds between two events.
    mutating func check() throws(JobError) {
        let holders = slotHolders()
        transcript = transcript &* 31 &+ holders.count
        let dues = Set(machine.dueTimes().map(\.name))
        var positions: [Int] = []
        for name in machine.names() {
            let explanation = try machine.explain(name, at: now)
            if case .waitingForSlot(let position, _) = explanation.reason { positions.append(position) }
            if ledger.rows[name]?.state ?? .none != explanation.state { complain("\(name) is told in another state") }
            let isKnown =
                switch explanation.reason {
                case .running, .ending, .removing: steps[name] != nil
                case .backoff: steps[name] == nil
                case .due, .dueAfterFailures, .window: dues.contains(name)
                case .waitingForSlot, .upstreamLimit: dues.contains(name) || machine.run(of: name) != nil
                case .paused, .disabled, .manualOnly, .neverDue: !dues.contains(name)
                case .workerStopping: machine.isStopping
                }
            if !isKnown { complain("\(name) is lost: \(explanation.text)") }
            if case .paused = explanation.reason, explanation.state != .paused { complain("\(name) is not paused") }
        }
        if Set(positions) != Set(1..<(positions.count + 1)) { complain("the places in the queue are \(positions)") }
        for (name, step) in steps where machine.run(of: name)?.run != step.run {
            complain("\(name) performs a step of a run that is over")
        }
    }
}
