// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Logging
internal import MirrorConfig
internal import SyncJobs

/// Takes over another configuration: what did not change is not disturbed.
extension WorkerLoop {
    /// Applies a configuration that was read without an error.
    func apply(_ new: WorkerConfiguration, at now: JobTime, in group: inout DiscardingTaskGroup) {
        guard !machine.isStopping else { return }
        let plan = ReloadPlan(old: configuration, new: new)
        let old = configuration
        configuration = new
        let settings = Dictionary(new.settings.mirrors.map { ($0.name, $0) }) { first, _ in first }
        for name in plan.removed.compactMap({ JobName($0) }) {
            askers[name] = "the configuration"
            carry(name, at: now, in: &group) { machine throws(JobError) in try machine.remove(name, at: now) }
        }
        for change in plan.changed {
            guard let name = JobName(change.name), let mirror = settings[name] else { continue }
            mirrors[name] = mirror
            carry(name, at: now, in: &group) { machine throws(JobError) in
                try machine.replace(mirror.job, restartsRun: change.restartsRun, at: now)
            }
        }
        for name in plan.added.compactMap({ JobName($0.name) }) {
            guard let mirror = settings[name] else { continue }
            mirrors[name] = mirror
            introduce(name, mirror, at: now)
            let history = jobs[name].flatMap { $0.isRemoved ? nil : Memory.history(of: $0, interruptedRun: nil) }
            carryOut(machine.add(mirror.job, history: history, at: now), at: now, in: &group)
        }
        if Self.limits(old.settings) != Self.limits(new.settings) {
            carryOut(machine.setLimits(Self.limits(new.settings), at: now), at: now, in: &group)
        }
        areSchedulesStale = true
        parts.view.set(mirrors: mirrors)
        parts.logger.notice(
            "the configuration was read again",
            metadata: [
                "added": "\(plan.added.count)", "removed": "\(plan.removed.count)", "changed": "\(plan.changed.count)",
                "unchanged": "\(plan.unchangedCount)",
            ])
        for change in plan.worker where change.needsRestart {
            parts.logger.warning(
                "a setting takes effect with the next start only", metadata: ["setting": "\(change.change.key)"])
        }
    }

    private func carry(
        _ name: JobName, at now: JobTime, in group: inout DiscardingTaskGroup,
        _ change: (inout JobMachine) throws(JobError) -> [JobDirective]
    ) {
        do throws(JobError) {
            carryOut(try change(&machine), at: now, in: &group)
        } catch {
            parts.logger.error(
                "a change of the configuration cannot be applied",
                metadata: ["mirror": "\(name)", "reason": "\(error)"])
        }
    }
}
