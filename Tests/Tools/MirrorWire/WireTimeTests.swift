// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import MirrorWire
import SyncJobs
import TestSupport
import Testing

@Suite struct WireTimeTests {
    @Test(arguments: [
        "0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "2026-11-21T03:54:47.78364865Z",
        "2024-02-29T23:59:59.999999999Z",
        "2026-11-21T11:54:47.5+08:00", "2026-11-20T19:24:47-08:30", "9999-12-31T23:59:59Z", "2000-02-29T00:00:00.1Z",
    ])
    func timesAreWrittenAsTheyWereRead(_ text: String) throws {
        let time = try #require(WireTime(rfc3339: text))
        #expect(time.rfc3339 == text)
    }

    @Test(arguments: [
        ("2026-11-21T03:54:47.100000000Z", "2026-11-21T03:54:47.1Z"),
        ("2026-11-21T03:54:47.000Z", "2026-11-21T03:54:47Z"),
        ("2026-11-21T03:54:47.1234567899Z", "2026-11-21T03:54:47.123456789Z"),
        ("2026-11-21T03:54:47+00:00", "2026-11-21T03:54:47Z"),
    ])
    func zerosAtTheEndOfAFractionAreCut(_ text: String, _ expected: String) throws {
        #expect(try #require(WireTime(rfc3339: text)).rfc3339 == expected)
    }

    @Test(arguments: [
        "", "2026-11-21", "2026-11-21 03:54:47Z", "2026-11-21t03:54:47Z", "2026-11-21T03:54:47z", "2026-11-21T03:54:47",
        "2026-11-21T24:00:00Z", "2026-11-21T03:60:00Z", "2026-11-21T03:54:60Z", "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-11-21T03:54:47.Z", "2026-11-21T03:54:47,5Z",
        "2026-11-21T03:54:47+0800", "2026-11-21T03:54:47+24:00", "0000-12-31T00:00:00Z", "2026-11-21T03:54:47Z ",
        "-026-11-21T03:54:47Z", "2026-11-21T03:54:47ZZ", "10000-01-01T00:00:00Z",
    ])
    func whatIsNoTimeIsRefused(_ text: String) { #expect(WireTime(rfc3339: text) == nil) }

    @Test func neverIsYearOne() throws {
        #expect(WireTime.never.rfc3339 == "0001-01-01T00:00:00Z")
        #expect(WireTime.never.webText == "0001-01-01 00:00:00 +0000")
        #expect(WireTime.never.seconds == -62_135_596_800)
        #expect(try #require(WireTime(rfc3339: "0001-01-01T00:00:00Z")).isNever)
    }

    @Test func timesOfJobsKeepTheirOffset() throws {
        let time = try #require(WireTime(rfc3339: "2026-11-21T11:54:47.5+08:00"))
        #expect(time.webText == "2026-11-21 11:54:47 +0800")
        #expect(time.seconds == 1_795_233_287)
        let read = try #require(WireTime(webText: "2026-11-21 11:54:47 +0800"))
        #expect(read.seconds == time.seconds)
        #expect(read.webText == time.webText)
        for bad in ["", "2026-11-21T11:54:47 +0800", "2026-11-21 11:54:47 +08:00", "2026-11-21 11:54:47 Z"] {
            #expect(WireTime(webText: bad) == nil)
        }
    }

    @Test func anyMomentComesBackFromItsText() throws {
        var generator = SeededGenerator(seed: 11)
        for _ in 0..<2_000 {
            let time = WireTime(
                seconds: .random(in: -62_135_596_800...253_402_300_799, using: &generator),
                nanoseconds: .random(in: 0...999_999_999, using: &generator))
            #expect(WireTime(rfc3339: time.rfc3339) == time)
        }
    }

    @Test func jobTimesComeBack() {
        for milliseconds: Int64 in [0, 1, -1, -1_000, -1_001, 1_795_233_287_500] {
            #expect(WireTime(JobTime(milliseconds: milliseconds)).jobTime.milliseconds == milliseconds)
        }
    }
}
