// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Foundation

@testable import SyncJobs

/// The time zones of this system.
enum ZoneFiles {
    /// Zones with all that zones do: both hemispheres, half an hour, negative daylight saving time, a skipped day, changes that were given up, none at all.
    static let names = [
        "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Europe/Dublin", "Pacific/Apia",
        "America/Sao_Paulo", "Asia/Kolkata", "Antarctica/Troll", "Africa/Casablanca", "Pacific/Chatham", "Asia/Tehran",
        "America/St_Johns",
    ]

    static func bytes(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(filePath: "/usr/share/zoneinfo/" + name)))
    }

    static func zone(_ name: String) throws -> TimeZoneRules {
        try TimeZoneRules(name: name, tzif: try bytes(name))
    }

    /// The moments between two years at which another offset begins, in seconds.
    static func changes(_ zone: TimeZoneRules, from first: Int64, to last: Int64) -> [Int64] {
        var changes: [Int64] = []
        var moment = CivilTime.dayNumber(year: first, month: 1, day: 1) * 86_400
        let end = CivilTime.dayNumber(year: last, month: 1, day: 1) * 86_400
        while moment < end {
            let segment = zone.segment(at: moment)
            if segment.end < end, zone.segment(at: segment.end).offset.seconds != segment.offset.seconds {
                changes.append(segment.end)
            }
            moment = segment.end
        }
        return changes
    }

    /// A moment of UTC, such as (2026, 3, 29, 1, 0).
    static func utc(_ year: Int64, _ month: Int, _ day: Int, _ hour: Int64 = 0, _ minute: Int64 = 0) -> JobTime {
        JobTime(seconds: CivilTime.dayNumber(year: year, month: month, day: day) * 86_400 + hour * 3_600 + minute * 60)
    }
}
