// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import NodeSupport
internal import SyncJobs

/// When a mirror is due: intervals, cron expressions, windows.
extension MirrorReader {
    mutating func readTiming() -> JobTiming {
        let jitter = integer("jitter", in: 0...Self.maximumMinutes) ?? 0
        let zoneName = text("timezone")
        let trigger = readTrigger()
        let windows = readWindows()
        var needsZone = !windows.isEmpty
        if case .cron = trigger { needsZone = true }
        return JobTiming(
            trigger: trigger, zone: readZone(zoneName, isNeeded: needsZone), windows: windows,
            jitterMilliseconds: Int64(jitter) * 60_000)
    }

    private mutating func readTrigger() -> JobTiming.Trigger {
        if section.has("schedule"), section.has("interval"), let schedule = section.take("schedule") {
            tell(.error, at: schedule.place, "has both schedule and interval; keep one of them")
        }
        guard let schedule = text("schedule"), !schedule.value.isEmpty else {
            return .interval(milliseconds: Int64(readInterval()) * 60_000)
        }
        if schedule.value == "manual" { return .manual }
        do {
            return .cron(try CronExpression(schedule.value))
        } catch {
            section.tell(.error, at: schedule.place, "schedule: \(Shown.line(error.message)); or write \"manual\"")
            return .manual
        }
    }

    private mutating func readWindows() -> [TimeWindow] {
        guard let found = section.texts("windows") else { return [] }
        note("windows", found)
        var windows: [TimeWindow] = []
        for text in found.value {
            do {
                windows.append(try TimeWindow(text))
            } catch {
                section.tell(.error, at: found.place, "windows: \(Shown.line(error.message))")
            }
        }
        return windows
    }

    /// The zone of cron expressions and windows; that of the machine when none is written.
    private mutating func readZone(_ name: Located<String>?, isNeeded: Bool) -> TimeZoneRules {
        guard let name, !name.value.isEmpty else { return isNeeded ? defaults.zones.ofMachine : .utc }
        do {
            return try defaults.zones.zone(named: name.value)
        } catch {
            section.tell(.error, at: name.place, "timezone: \(error.message)")
            return .utc
        }
    }
}
