// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import TestSupport
import Testing

@testable import SyncJobs

@Suite("Time windows")
struct TimeWindowTests {
    /// The hours of the first week of 2026 (UTC, from Sunday the 4th) that are inside.
    private func hours(_ text: String) throws -> [String] {
        let window = try TimeWindow(text)
        let names = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        var hours: [String] = []
        for hour in 0..<168 where window.contains(ZoneFiles.utc(2_026, 1, 4, Int64(hour)), in: .utc) {
            hours.append("\(names[hour / 24])\(hour % 24)")
        }
        return hours
    }

    @Test("a window is open on its days between its times")
    func isOpenOnItsDays() throws {
        #expect(try hours("Mon 22:00-24:00") == ["Mon22", "Mon23"])
        #expect(try hours("Mon 22:00-02:00") == ["Mon22", "Mon23", "Tue0", "Tue1"])
        #expect(try hours("Sat 23:00-01:00") == ["Sun0", "Sat23"])
        #expect(try hours("tue,thu 5:00-6:30") == ["Tue5", "Tue6", "Thu5", "Thu6"])
        #expect(try hours("Fri-Mon 03:00-04:00") == ["Sun3", "Mon3", "Fri3", "Sat3"])
        #expect(try hours("04:00-05:00").count == 7)
        #expect(try hours("* 04:00-05:00").count == 7)
        #expect(try hours("Sat,Sun").count == 48)
        #expect(try hours("00:00-24:00").count == 168)
        #expect(try hours("Mon-Sun").count == 168)
    }

    @Test(
        "what is no window is refused",
        arguments: [
            "", "22:00", "22:00-22:00", "24:00-25:00", "24:00-01:00", "22:60-23:00", "22-23", "Foo 22:00-23:00",
            "Mon Tue 22:00-23:00", "Mon- 22:00-23:00", "Mon, 22:00-23:00", "22:00-23:00x", "22:0-23:00", "Mon 22:00",
            "-1:00-02:00", "Mon-Fri 22:00 - 06:00",
        ])
    func refusesWhatIsNoWindow(text: String) {
        let error = #expect(throws: JobError.self) { try TimeWindow(text) }
        #expect(error?.code == .malformed)
    }

    @Test("long windows are refused unread")
    func refusesLongWindows() {
        let error = #expect(throws: JobError.self) { try TimeWindow(String(repeating: "Mon,", count: 60) + "Mon") }
        #expect(error?.code == .limitExceeded)
    }

    @Test("an hour that is skipped opens no window, one that comes twice is inside both times")
    func followsTheClockOnTheWall() throws {
        let berlin = try ZoneFiles.zone("Europe/Berlin")
        let skipped = try TimeWindow("02:00-02:30")
        #expect(skipped.opening(from: ZoneFiles.utc(2_026, 3, 28, 12), in: berlin) == ZoneFiles.utc(2_026, 3, 30, 0))
        let half = try TimeWindow("01:00-02:30")
        #expect(half.closing(after: ZoneFiles.utc(2_026, 3, 29, 0, 30), in: berlin) == ZoneFiles.utc(2_026, 3, 29, 1))
        let twice = try TimeWindow("02:00-03:00")
        #expect(twice.opening(from: ZoneFiles.utc(2_026, 10, 24, 12), in: berlin) == ZoneFiles.utc(2_026, 10, 25, 0))
        #expect(twice.closing(after: ZoneFiles.utc(2_026, 10, 25, 0), in: berlin) == ZoneFiles.utc(2_026, 10, 25, 2))
    }

    @Test("a window that is always open never closes")
    func neverCloses() throws {
        let window = try TimeWindow("Mon-Sun")
        #expect(window.closing(after: ZoneFiles.utc(2_026, 1, 1), in: .utc) == nil)
        let halves = JobTiming(
            trigger: .manual, windows: [try TimeWindow("00:00-12:00"), try TimeWindow("12:00-24:00")])
        #expect(halves.closing(after: ZoneFiles.utc(2_026, 1, 1)) == nil)
    }

    @Test("openings and closings are those of a clock that is read each minute", arguments: ZoneFiles.names)
    func openingsAreThoseOfAClock(name: String) throws {
        let zone = try ZoneFiles.zone(name)
        let changes = ZoneFiles.changes(zone, from: 2_005, to: 2_045)
        let days = ["", "Mon ", "Sun ", "Sat,Sun ", "Mon-Fri ", "Fri-Mon "]
        for seed in 0..<UInt64(Effort.runs(300)) {
            var generator = SeededGenerator(seed: seed)
            func time() -> String {
                let minute = Int.random(in: 0...5, using: &generator) * 10
                return "\(Int.random(in: 0...23, using: &generator)):\(minute == 0 ? "00" : String(minute))"
            }
            var windows: [TimeWindow] = []
            while windows.count < Int.random(in: 1...3, using: &generator) {
                let (start, end) = (time(), time())
                if start == end { continue }
                windows.append(try TimeWindow("\(days.randomElement(using: &generator) ?? "")\(start)-\(end)"))
            }
            let timing = JobTiming(trigger: .manual, zone: zone, windows: windows)
            let around = changes.randomElement(using: &generator) ?? 1_789_999_980
            let start = around - Int64.random(in: 1...2_880, using: &generator) * 60
            let minutes = stride(from: start, through: start + 8 * 86_400, by: 60).map { JobTime(seconds: $0) }
            let first = JobTime(seconds: start)
            let opening = timing.opening(from: first)
            let expected = minutes.first { timing.isOpen(at: $0) }
            guard let expected else { continue }
            guard opening == expected else {
                Issue.record("seed \(seed): \(windows.map(\.text)) in \(name) opens at \(zone.text(of: expected))")
                return
            }
            let closing = timing.closing(after: expected)
            let close = minutes.first { $0 > expected && !timing.isOpen(at: $0) }
            guard closing == close || close == nil else {
                Issue.record("seed \(seed): \(windows.map(\.text)) in \(name) from \(zone.text(of: expected))")
                return
            }
        }
    }
}
