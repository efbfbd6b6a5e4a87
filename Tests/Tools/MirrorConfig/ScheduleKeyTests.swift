// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import NodeSupport
import SyncJobs
import Testing

@testable import MirrorConfig

/// Cron expressions, windows and zones.
@Suite struct ScheduleKeyTests {
    @Test func cronExpressionsWindowsAndZonesAreRead() throws {
        let outcome = try ConfigFolder().mirror(
            """
            schedule = "30 4 * * mon-fri"
            timezone = "Europe/Berlin"
            windows = ["Mon-Fri 22:00-06:00", "Sat,Sun"]
            jitter = 10
            """)
        let timing = try outcome.mirror().job.timing
        #expect(timing.trigger == .cron(try CronExpression("30 4 * * mon-fri")))
        #expect(timing.zone.name == "Europe/Berlin")
        #expect(timing.windows == [try TimeWindow("Mon-Fri 22:00-06:00"), try TimeWindow("Sat,Sun")])
        #expect(timing.jitterMilliseconds == 600_000)
        #expect(try outcome.field("schedule") == #""30 4 * * mon-fri""#)
        #expect(try outcome.field("windows") == #"["Mon-Fri 22:00-06:00", "Sat,Sun"]"#)
        #expect(try outcome.origin("timezone") == ["worker.conf:16"])
        #expect(outcome.told.isEmpty)
    }

    @Test(arguments: [
        ("schedule = \"61 * * * *\"", "worker.conf:15: error: [[mirrors]] schedule: "),
        ("schedule = \"x\\ny\"", "worker.conf:15: error: [[mirrors]] schedule: "),
        ("schedule = 5", "worker.conf:15: error: [[mirrors]] schedule must be a text, not a whole number"),
        ("windows = [\"Mon\", \"25:00-26:00\"]", "worker.conf:15: error: [[mirrors]] windows: "),
        ("timezone = \"Europe/Berlni\"", "worker.conf:15: error: [[mirrors]] timezone: there is no zone"),
        (
            "timezone = \"../../etc/passwd\"",
            "worker.conf:15: error: [[mirrors]] timezone: \"../../etc/passwd\" is no name"
        ),
        ("timezone = \"/etc/passwd\"", "worker.conf:15: error: [[mirrors]] timezone: \"/etc/passwd\" is no name"),
        ("timezone = \"tzdata.zi\"", "worker.conf:15: error: [[mirrors]] timezone: \"tzdata.zi\" is no name"),
        ("schedule = \"@daily\"\ninterval = 5", "worker.conf:15: error: mirror m: has both schedule and interval"),
    ]) func whatCannotBeIsTold(lines: String, expected: String) throws {
        let outcome = try ConfigFolder().mirror(lines)
        #expect(outcome.configuration == nil)
        #expect(outcome.told.contains { $0.hasPrefix(expected) }, "\(outcome.told)")
        #expect(outcome.problems.allSatisfy { !$0.message.contains("\n") })
    }

    @Test func theNearerOfScheduleAndIntervalHolds() throws {
        let outcome = try ConfigFolder().mirrors(
            """
            [[mirrors]]
            upstream = "rsync://h/p/"
            schedule = "@hourly"
            [[mirrors.mirrors]]
            name = "same"
            [[mirrors.mirrors]]
            name = "often"
            interval = 5
            [[mirrors.mirrors]]
            name = "back"
            schedule = ""
            [[mirrors.mirrors]]
            name = "never"
            schedule = "manual"
            """)
        #expect(outcome.told.isEmpty)
        #expect(try outcome.field("schedule", of: "same") == #""@hourly""#)
        #expect(try outcome.field("interval", of: "often") == "5")
        #expect(try outcome.field("interval", of: "back") == "60")
        #expect(try outcome.mirror("never").job.timing.trigger == .manual)
    }

    @Test func theMachinesZoneIsTakenWhereOneIsNeeded() throws {
        let folder = try ConfigFolder()
        let none = ZoneCache(folder: folder.path, own: folder.path + "/none")
        #expect(none.ofMachine == .utc)
        try folder.write("broken", "no zone")
        #expect(ZoneCache(folder: folder.path, own: folder.path + "/broken").ofMachine == .utc)
        let berlin = ZoneCache(own: ZoneCache.standardFolder + "/Europe/Berlin").ofMachine
        #expect(try berlin == ZoneCache().zone(named: "Europe/Berlin"))
        let outcome = try folder.mirror("")
        #expect(try outcome.mirror().job.timing.zone == .utc, "intervals need none")
    }
}
