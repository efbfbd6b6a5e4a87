// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import NodeSupport
internal import SyncJobs

/// What a reload would do: the difference between two configurations of a worker.
///
/// Only what differs is touched. (tunasync stopped and began again every mirror that had both `env` and a password, because
/// it changed its own copy of the configuration while running.)
package struct ReloadPlan: Sendable, Encodable {
    /// A setting that differs.
    package struct Change: Hashable, Sendable, Encodable {
        /// The setting, as ``SettingField/key`` has it.
        package let key: String
        /// What it was; nil when it was not set.
        package let old: SettingValue?
        /// What it becomes; nil when it is not set any more.
        package let new: SettingValue?
        /// Where the old value was written; empty for a standard value.
        package let oldPlaces: [ConfigPlace]
        /// Where the new value is written; empty for a standard value.
        package let newPlaces: [ConfigPlace]
    }

    /// A mirror that is new.
    package struct AddedMirror: Sendable, Encodable {
        package let name: String
        package let settings: [EffectiveSetting]
    }

    /// A mirror that is in both configurations and differs.
    package struct ChangedMirror: Sendable, Encodable {
        package let name: String
        /// What differs; empty when only the rules of its time zone do.
        package let changes: [Change]
        /// Whether a run that is under way must be stopped and begun again; else it goes on and the next one has the new settings.
        package let restartsRun: Bool
    }

    /// A setting of the worker itself that differs.
    package struct WorkerChange: Sendable, Encodable {
        package let change: Change
        /// Whether it takes effect with the next start of the worker only.
        package let needsRestart: Bool
    }

    /// In the order of the new configuration.
    package let added: [AddedMirror]
    /// In the order of the old configuration.
    package let removed: [String]
    /// In the order of the new configuration.
    package let changed: [ChangedMirror]
    /// How many mirrors stay as they are.
    package let unchangedCount: Int
    package let worker: [WorkerChange]

    /// Whether nothing differs.
    package var isEmpty: Bool { added.isEmpty && removed.isEmpty && changed.isEmpty && worker.isEmpty }

    /// Compares two configurations.
    ///
    /// - Parameters:
    ///   - old: What is in force.
    ///   - new: What would be.
    package init(old: WorkerConfiguration, new: WorkerConfiguration) {
        let oldMirrors = Dictionary(old.settings.mirrors.map { ($0.name, $0) }) { first, _ in first }
        let newNames = Set(new.settings.mirrors.map(\.name))
        removed = old.settings.mirrors.map(\.name).filter { !newNames.contains($0) }.map(\.text)
        var added: [AddedMirror] = []
        var changed: [ChangedMirror] = []
        var unchanged = 0
        for mirror in new.settings.mirrors {
            guard let before = oldMirrors[mirror.name] else {
                added.append(AddedMirror(name: mirror.name.text, settings: new.effectiveSettings(of: mirror)))
                continue
            }
            guard before != mirror else {
                unchanged += 1
                continue
            }
            let changes = Self.changes(
                from: old.effectiveSettings(of: before), to: new.effectiveSettings(of: mirror))
            changed.append(
                ChangedMirror(
                    name: mirror.name.text, changes: changes,
                    restartsRun: changes.contains { !Self.leavesRunAlone($0.key) }))
        }
        self.added = added
        self.changed = changed
        unchangedCount = unchanged
        worker = Self.changes(from: old.effectiveSettings, to: new.effectiveSettings).map {
            WorkerChange(change: $0, needsRestart: WorkerSettings.needsRestart($0.key))
        }
    }

    private static func changes(from old: [EffectiveSetting], to new: [EffectiveSetting]) -> [Change] {
        let before = Dictionary(old.map { ($0.key, $0) }) { first, _ in first }
        let after = Set(new.map(\.key))
        var changes: [Change] = []
        for setting in new where before[setting.key]?.value != setting.value {
            let earlier = before[setting.key]
            changes.append(
                Change(
                    key: setting.key, old: earlier?.value, new: setting.value, oldPlaces: earlier?.places ?? [],
                    newPlaces: setting.places))
        }
        for setting in old where !after.contains(setting.key) {
            changes.append(
                Change(key: setting.key, old: setting.value, new: nil, oldPlaces: setting.places, newPlaces: []))
        }
        return changes
    }

    /// Whether a setting matters for the next run only.
    private static func leavesRunAlone(_ key: String) -> Bool {
        let keys: Set<String> = [
            "interval", "schedule", "timezone", "windows", "jitter", "retry", "retry_backoff", "failed_run_backoff",
            "priority", "upstream_group", "role", "hook_timeout",
        ]
        return keys.contains(key) || key.hasPrefix("log_keep.") || key.hasPrefix("guard.")
            || key.hasPrefix("retry_by_class.") || key.hasPrefix("exec_")
    }
}

extension ReloadPlan {
    /// The plan for people, a line for each thing; no secret is shown.
    package var text: String {
        if isEmpty { return "nothing changes: \(unchangedCount) mirrors stay as they are\n" }
        var lines = [
            "\(added.count) added, \(removed.count) removed, \(changed.count) changed, \(unchangedCount) unchanged"
        ]
        if !worker.isEmpty {
            lines.append("worker")
            lines += worker.map { "    " + Self.line($0.change) + ($0.needsRestart ? "  [needs a restart]" : "") }
        }
        for mirror in added {
            lines.append("+ \(mirror.name)")
            lines += mirror.settings.filter { !$0.places.isEmpty && $0.key != "name" }.map { "    \($0.description)" }
        }
        lines += removed.map { "- \($0)" }
        for mirror in changed {
            lines.append("~ \(mirror.name)" + (mirror.restartsRun ? "  [a run under way begins again]" : ""))
            lines += mirror.changes.map { "    " + Self.line($0) }
            if mirror.changes.isEmpty { lines.append("    the rules of its time zone differ") }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func line(_ change: Change) -> String {
        func side(_ value: SettingValue?, _ places: [ConfigPlace]) -> String {
            guard let value else { return "(not set)" }
            return "\(value) (\(EffectiveSetting.origin(places)))"
        }
        return "\(change.key): \(side(change.old, change.oldPlaces)) -> \(side(change.new, change.newPlaces))"
    }
}
