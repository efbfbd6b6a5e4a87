// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Foundation
import TestSupport
import Testing

@testable import SyncJobs

@Suite("Time zones")
struct TimeZoneRulesTests {
    /// What the system's own `date` says: an oracle that shares nothing with our reader.
    private func systemOffsets(_ zone: String, at moments: [Int64]) throws -> [Int64] {
        let input = FileManager.default.temporaryDirectory.appending(path: "zone-\(UUID().uuidString)")
        try moments.map { "@\($0)\n" }.joined().write(to: input, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: input) }  // What is left in a temporary folder harms nobody.
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["TZ=\(zone)", "LC_ALL=C", "date", "-f", input.path(), "+%::z"]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return text.split(separator: "\n").compactMap { line in
            let parts = line.dropFirst().split(separator: ":").compactMap { Int64($0) }
            guard parts.count == 3 else { return nil }
            let size = parts[0] * 3_600 + parts[1] * 60 + parts[2]
            return line.hasPrefix("-") ? -size : size
        }
    }

    @Test("offsets are those of the system at random moments and around each change", arguments: ZoneFiles.names)
    func offsetsAreThoseOfTheSystem(name: String) throws {
        let zone = try ZoneFiles.zone(name)
        var generator = SeededGenerator(seed: name.utf8.reduce(7) { $0 &* 31 &+ UInt64($1) })
        var moments = (0..<400).map { _ in Int64.random(in: -3_000_000_000...6_000_000_000, using: &generator) }
        for change in ZoneFiles.changes(zone, from: 1_900, to: 2_100) { moments += [change - 1, change, change + 1] }
        let expected = try systemOffsets(name, at: moments)
        try #require(expected.count == moments.count)
        for (moment, offset) in zip(moments, expected) {
            let actual = zone.offsetSeconds(at: JobTime(seconds: moment))
            #expect(actual == offset, "\(name) at \(moment)")
            if actual != offset { return }
        }
    }

    @Test("a cut file is refused at every length", arguments: ["Europe/Berlin", "Asia/Kolkata"])
    func refusesACutFile(name: String) throws {
        let bytes = try ZoneFiles.bytes(name)
        for length in 0..<bytes.count - 1 {
            #expect(throws: JobError.self, "\(length)") {
                try TimeZoneRules(name: name, tzif: Array(bytes[..<length]))
            }
        }
    }

    @Test("changed files are refused or answer, and never trap")
    func survivesChangedFiles() throws {
        let original = try ZoneFiles.bytes("Europe/Berlin")
        for seed in 0..<UInt64(Effort.runs(20_000)) {
            var generator = SeededGenerator(seed: seed)
            var bytes = original
            for _ in 0..<Int.random(in: 1...8, using: &generator) {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            do throws(JobError) {
                let zone = try TimeZoneRules(name: "changed", tzif: bytes)
                for moment in [Int64.min, -1, 0, 1_700_000_000_000, 5_000_000_000_000, .max] {
                    _ = zone.text(of: JobTime(milliseconds: moment))
                }
            } catch {
                #expect(error.code == .malformed || error.code == .limitExceeded)
            }
        }
    }

    @Test("files that count leap seconds, other files and huge ones are refused with the reason")
    func refusesOtherFiles() throws {
        let leap = #expect(throws: JobError.self) { try ZoneFiles.zone("right/UTC") }
        #expect(leap?.message.contains("leap seconds") == true)
        #expect(throws: JobError.self) { try TimeZoneRules(name: "text", tzif: Array("Europe/Berlin".utf8)) }
        let huge = #expect(throws: JobError.self) {
            try TimeZoneRules(name: "huge", tzif: [UInt8](repeating: 0, count: (1 << 20) + 1))
        }
        #expect(huge?.code == .limitExceeded)
    }

    @Test("a file of version 1 has 32-bit times and no rule after them")
    func readsVersion1() throws {
        var bytes = Array("TZif".utf8) + [UInt8](repeating: 0, count: 16)
        for count: UInt32 in [0, 0, 0, 1, 2, 8] { bytes += Self.big(count) }
        bytes += Self.big(1_000_000) + [1]
        bytes += Self.big(UInt32(bitPattern: -3_600)) + [0, 0] + Self.big(7_200) + [1, 4] + Array("AAA\0BBB\0".utf8)
        let zone = try TimeZoneRules(name: "old", tzif: bytes)
        #expect(zone.offsetSeconds(at: JobTime(seconds: 999_999)) == -3_600)
        #expect(zone.offsetSeconds(at: JobTime(seconds: 1_000_000)) == 7_200)
        #expect(zone.segment(at: 1_000_000).offset.abbreviation == "BBB")
        #expect(zone.segment(at: 1 << 50).end == .max)
    }

    private static func big(_ number: UInt32) -> [UInt8] { withUnsafeBytes(of: number.bigEndian) { Array($0) } }

    @Test(
        "rules of POSIX give the offset of each season",
        arguments: [
            ("CET-1CEST,M3.5.0,M10.5.0/3", 3_600, 7_200),
            ("EST5EDT,M3.2.0,M11.1.0", -18_000, -14_400),
            ("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", 39_600, 37_800),
            ("IST-1GMT0,M10.5.0,M3.5.0/1", 0, 3_600),
            ("XXX3EDT4,0/0,J365/23", -14_400, -14_400),
            ("UTC0", 0, 0),
            ("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", -7_200, -3_600),
            ("AAA+5:30:10", -19_810, -19_810),
            ("NZST-12NZDT,J272/2,J94/3", 46_800, 43_200),
        ])
    func readsRulesOfPosix(text: String, january: Int64, july: Int64) throws {
        let rule = try #require(PosixTimeZone(Array(text.utf8)))
        for year: Int64 in [1_970, 2_024, 2_026, 2_400] {
            let winter = ZoneFiles.utc(year, 1, 15).seconds
            #expect(rule.segment(at: winter).offset.seconds == january)
            #expect(rule.segment(at: ZoneFiles.utc(year, 7, 15).seconds).offset.seconds == july)
            let segment = rule.segment(at: winter)
            #expect(segment.start <= winter && winter < segment.end)
        }
    }

    @Test(
        "what is no rule of POSIX is refused",
        arguments: [
            "", "C", "CET", "CET-1CEST", "CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M10.5.0", "CET-1CEST,M3.6.0,M10.5.0",
            "CET-1CEST,M3.5.7,M10.5.0", "CET-1CEST,J0,J5", "CET-1CEST,366,5", "CET-1CEST,M3.5.0,M10.5.0x", "<CE-1",
            "CET-168", "CET-1:60", "CET-1CEST,M3.5.0/,M10.5.0",
        ])
    func refusesWhatIsNoRule(text: String) { #expect(PosixTimeZone(Array(text.utf8)) == nil) }

    @Test("dates are those of a count day by day")
    func datesAreThoseOfACount() {
        var (year, month, day) = (Int64(1_890), 1, 1)
        for number in CivilTime.dayNumber(
            year: 1_890, month: 1, day: 1)..<CivilTime.dayNumber(year: 2_110, month: 1, day: 1)
        {
            let date = CivilTime(dayNumber: number)
            guard date.year == year, date.month == month, date.day == day,
                CivilTime.dayNumber(year: year, month: month, day: day) == number
            else {
                Issue.record("day \(number) is \(date), not \(year)-\(month)-\(day)")
                return
            }
            day += 1
            if day > CivilTime.days(inMonth: month, of: year) { (month, day) = (month + 1, 1) }
            if month > 12 { (year, month) = (year + 1, 1) }
        }
        #expect(CivilTime.weekday(dayNumber: 0) == 4)
        #expect(CivilTime(localSeconds: -1).text == "1969-12-31 23:59:59")
    }

    @Test("a moment is written as the clock on the wall shows it")
    func writesMoments() throws {
        let time = ZoneFiles.utc(2_026, 7, 4, 22, 30)
        #expect(try ZoneFiles.zone("Europe/Berlin").text(of: time) == "2026-07-05 00:30:00 +0200")
        #expect(try ZoneFiles.zone("America/St_Johns").text(of: time) == "2026-07-04 20:00:00 -0230")
        #expect(TimeZoneRules.utc.text(of: time) == "2026-07-04 22:30:00 +0000")
    }

    @Test("zones of the same bytes are equal, others are not")
    func comparesByContents() throws {
        let berlin = try ZoneFiles.zone("Europe/Berlin")
        #expect(try ZoneFiles.zone("Europe/Berlin") == berlin)
        #expect(try ZoneFiles.zone("Europe/Berlin").hashValue == berlin.hashValue)
        #expect(try ZoneFiles.zone("Europe/Dublin") != berlin)
        #expect(try TimeZoneRules(name: "Berlin", tzif: ZoneFiles.bytes("Europe/Berlin")) != berlin)
    }
}
