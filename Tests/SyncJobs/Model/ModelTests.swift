// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Testing

@testable import SyncJobs

@Suite("Names, policies and moments")
struct ModelTests {
    @Test("names of folders are names of jobs", arguments: ["debian", "a", "centos-7", "日本語", "a.b", "...", "x y"])
    func acceptsNames(text: String) { #expect(JobName(text)?.description == text) }

    @Test(
        "paths, options and what no file can be called are refused",
        arguments: ["", ".", "..", "a/b", "/", "-x", "a\nb", "a\0", "\u{7f}"])
    func refusesOtherNames(text: String) { #expect(JobName(text) == nil) }

    @Test("a name has at most 255 bytes")
    func limitsNames() {
        #expect(JobName(String(repeating: "x", count: 255)) != nil)
        #expect(JobName(String(repeating: "x", count: 256)) == nil)
        #expect(JobName(String(repeating: "ü", count: 128)) == nil)
    }

    @Test("waits double up to the longest, without overflow")
    func waitsDouble() {
        let backoff = RetryPolicy.Backoff(firstMilliseconds: 3, maximumMilliseconds: 20)
        #expect((1...5).map { backoff.wait(afterFailures: $0) } == [3, 6, 12, 20, 20])
        #expect(RetryPolicy.Backoff.none.wait(afterFailures: 1_000) == 0)
        let huge = RetryPolicy.Backoff(firstMilliseconds: 1, maximumMilliseconds: .max)
        #expect(huge.wait(afterFailures: .max) == .max)
        #expect(RetryPolicy.Backoff(firstMilliseconds: 9, maximumMilliseconds: 0).wait(afterFailures: 3) == 9)
        #expect(RetryPolicy.Backoff(firstMilliseconds: -9, maximumMilliseconds: 0).wait(afterFailures: 3) == 0)
    }

    @Test("there is always one attempt, and none after a hook")
    func countsAttempts() {
        #expect(RetryPolicy(attempts: 0).attempts(after: .transient) == 1)
        #expect(RetryPolicy(attempts: 4).attempts(after: .transient) == 4)
        #expect(RetryPolicy(attempts: 4).attempts(after: .configuration) == 1)
        #expect(RetryPolicy(attempts: 4, attemptsByClass: [.hook: 9]).attempts(after: .hook) == 1)
    }

    @Test("moments do not overflow")
    func momentsDoNotOverflow() {
        #expect(JobTime(milliseconds: .max).adding(milliseconds: 1).milliseconds == .max)
        #expect(JobTime(milliseconds: .min).adding(milliseconds: -1).milliseconds == .min)
        #expect(JobTime(milliseconds: -1).seconds == -1)
        #expect(JobTime(seconds: .max).milliseconds == .max)
    }

    @Test("the seven states have the names that every peer knows")
    func statesHaveTheirNames() {
        let names = ["none", "failed", "success", "syncing", "pre-syncing", "paused", "disabled"]
        #expect(JobState.allCases.map(\.rawValue) == names)
    }
}
