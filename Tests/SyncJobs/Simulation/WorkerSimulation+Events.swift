// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import TestSupport

@testable import SyncJobs

/// What happens to the worker.
extension WorkerSimulation {
    /// Lets the worker live for a number of events, then lets it settle: nothing fails or is asked any more, and every job must run once more.
    mutating func live(events: Int) throws(JobError) {
        for number in 0..<6 { try configure("m\(number)") }
        for _ in 0..<events where complaint == nil {
            switch Int.random(in: 0..<100, using: &generator) {
            case 0..<12: command()
            case 12..<15: try reload()
            case 15: crash()
            case 16: try shutDown()
            case 17:
                let limits = Self.limits(&generator)
                input(isCommand: true) { $0.machine.setLimits(limits, at: $0.now) }
            case 18: jump()
            default: nextEvent()
            }
            try check()
        }
        try settle()
    }

    private func name(_ text: String) -> JobName {
        guard let name = JobName(text) else { preconditionFailure("\(text) is no name of a job") }
        return name
    }

    private mutating func randomName() -> JobName { name("m\(Int.random(in: 0..<8, using: &generator))") }

    private mutating func configure(_ text: String) throws(JobError) {
        let spec = try spec(name(text))
        specs[spec.name] = spec
        input(isCommand: true) { $0.machine.add(spec, history: $0.ledger.history(spec.name), at: $0.now) }
    }

    /// The next step ends, or the next moment of the machine comes.
    private mutating func nextEvent() {
        let next = steps.filter { $0.value.ends != nil }.min {
            ($0.value.ends ?? now, $0.key) < ($1.value.ends ?? now, $1.key)
        }
        let wake = machine.nextWake
        if let wake, next?.value.ends.map({ wake <= $0 }) ?? true {
            now = max(now, wake)
            input { $0.machine.tick(at: $0.now) }
            if let wake = machine.nextWake, wake <= now { complain("the machine wants to be woken again at once") }
        } else if let (name, step) = next {
            now = max(now, step.ends ?? now)
            input { $0.machine.tick(at: $0.now) }
            // The tick may have asked for an end; the result is what the step has now.
            guard let step = steps.removeValue(forKey: name) else { return complain("a step of \(name) vanished") }
            input { $0.machine.stepEnded(name, run: step.run, step.result, at: $0.now) }
        } else {
            now = now.adding(milliseconds: Self.minute)
            command()
        }
    }

    private mutating func command() {
        let name = randomName()
        let isForced = chance(30)
        let commands: [JobCommand] = [
            .start(force: isForced), .start(force: isForced), .stop, .disable, .restart, .enable, .enable, .ping,
        ]
        let command = commands.randomElement(using: &generator) ?? .ping
        if case .start(force: true) = command {
            forced.insert(name)
            if machine.run(of: name)?.isEnding ?? false { forcedAfter.insert(name) }
        }
        let known = machine.state(of: name) != nil
        do throws(JobError) {
            try input(isCommand: true) { simulation throws(JobError) in
                try simulation.machine.handle(command, for: name, by: "ann", at: simulation.now)
            }
            if !known { complain("\(name) was commanded and is unknown") }
        } catch {
            let isExpected = error.code == .unknownJob && !known || error.code == .removing
            if !isExpected { complain("\(command) for \(name): \(error)") }
        }
    }

    private mutating func reload() throws(JobError) {
        let name = randomName()
        let isRemoving = machine.run(of: name)?.isEnding ?? false
        guard specs[name] != nil, machine.state(of: name) != nil else { return try configure(name.text) }
        if chance(30) {
            try input(isCommand: true) { simulation throws(JobError) in
                try simulation.machine.remove(name, at: simulation.now)
            }
        } else if isRemoving {
            try configure(name.text)
        } else {
            let spec = try spec(name)
            specs[name] = spec
            let restarts = chance(50)
            try input(isCommand: true) { simulation throws(JobError) in
                try simulation.machine.replace(spec, restartsRun: restarts, at: simulation.now)
            }
        }
    }

    /// The worker dies with everything that it runs; the next one knows what the manager remembers.
    private mutating func crash() {
        (steps, occupied, forced, forcedAfter) = ([:], [:], [], [])
        now = now.adding(milliseconds: Int64.random(in: 0...120, using: &generator) * Self.minute)
        machine = JobMachine(limits: machine.limits, seed: machine.seed, nextRun: machine.nextRun)
        // What was being removed when it died is gone from the configuration.
        for (name, spec) in specs.sorted(by: { $0.key < $1.key }) {
            take(machine.add(spec, history: ledger.history(name), at: now))
        }
    }

    private mutating func shutDown() throws(JobError) {
        input(isCommand: true) { $0.machine.beginStopping(at: $0.now) }
        var rounds = 0
        while !machine.isIdle, complaint == nil {
            rounds += 1
            guard let name = steps.keys.min(), let step = steps[name] else {
                return complain("the worker waits for runs that perform nothing")
            }
            if step.ends == nil { input(isCommand: true) { $0.machine.beginStopping(at: $0.now) } }
            guard let step = steps.removeValue(forKey: name) else { return complain("a step of \(name) vanished") }
            now = max(now, step.ends ?? now)
            input { $0.machine.stepEnded(name, run: step.run, step.result, at: $0.now) }
            if rounds > 100 { return complain("the worker does not stop") }
        }
        if !steps.isEmpty { complain("the worker is idle and performs steps") }
        for (name, row) in ledger.rows where row.openRun != nil { complain("\(name) has no final report") }
        crash()
    }

    /// The clock is set, back or forward.
    private mutating func jump() {
        let by = Int64.random(in: -600...600, using: &generator) * Self.minute
        now = now.adding(milliseconds: by)
        steps = steps.mapValues { step in
            var step = step
            step.ends = step.ends?.adding(milliseconds: min(by, 0))
            return step
        }
        take(machine.tick(at: now))
    }

    /// Nothing goes wrong any more: each job that is not held back runs to its end within its timing.
    private mutating func settle() throws(JobError) {
        let limits = JobMachine.Limits(slots: 3, upstreamDefault: 2)
        input(isCommand: true) { $0.machine.setLimits(limits, at: $0.now) }
        let before = ledger.rows.mapValues(\.runs)
        let goal = now.adding(milliseconds: 4 * 24 * 60 * Self.minute)
        var round = 0
        while now < goal, complaint == nil {
            round += 1
            for name in steps.keys.sorted() where steps[name]?.ends == nil { steps[name]?.ends = now }
            if steps.isEmpty, machine.nextWake == nil { break }
            nextEvent()
            if round % 16 == 0 { try check() }
        }
        for (name, spec) in specs where spec.timing.trigger != .manual {
            guard let row = ledger.rows[name] ?? Optional(ReportLedger.Row()),
                ![.paused, .disabled].contains(row.state)
            else { continue }
            if row.runs == before[name] ?? 0 { complain("\(name) never ran again") }
        }
    }
}
