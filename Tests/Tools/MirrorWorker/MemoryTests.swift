// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import MirrorConfig
import MirrorWire
import SyncJobs
import Testing

@testable import MirrorWorker

/// What a worker knows of its mirrors when it starts.
@Suite struct MemoryTests {
    private static let name = JobName("a")

    private func own(_ state: JobState, isRemoved: Bool = false) throws -> StoredJob {
        var job = StoredJob(name: try #require(Self.name))
        job.state = state.rawValue
        job.changed = 5
        job.ended = 100
        job.isRemoved = isRemoved
        return job
    }

    private func row(_ state: JobState) -> MirrorStatus {
        MirrorStatus(name: "a", worker: "w1", status: state, lastEnded: WireTime(seconds: 7))
    }

    @Test func theStricterOfTwoMemoriesHolds() throws {
        let name = try #require(Self.name)
        func joined(_ mine: JobState, _ theirs: JobState, isUntold: Bool = false) throws -> JobState? {
            Memory.join(name, own: try own(mine), row: row(theirs), isUntold: isUntold)?.jobState
        }
        #expect(try joined(.success, .disabled) == .disabled)
        #expect(try joined(.disabled, .success) == .disabled)
        #expect(try joined(.paused, .success) == .paused)
        #expect(try joined(.paused, .disabled) == .disabled)
        #expect(try joined(.failed, .success) == .failed)
        // The manager was not told yet that the mirror was enabled again.
        #expect(try joined(.success, .disabled, isUntold: true) == .success)
    }

    @Test func theLaterEndOfARunHolds() throws {
        let job = Memory.join(try #require(Self.name), own: try own(.success), row: row(.success), isUntold: false)
        #expect(job?.ended == 7_000)
    }

    @Test func aManagerIsBelievedAboutMirrorsThatTheWorkerDoesNotKnow() throws {
        let name = try #require(Self.name)
        #expect(Memory.join(name, own: nil, row: row(.paused), isUntold: false)?.jobState == .paused)
        #expect(Memory.join(name, own: nil, row: nil, isUntold: false) == nil)
    }

    @Test func aMirrorThatComesBackIntoTheConfigurationIsNotTakenForDisabled() throws {
        let name = try #require(Self.name)
        let removed = try own(.none, isRemoved: true)
        #expect(Memory.join(name, own: removed, row: row(.disabled), isUntold: false)?.jobState == JobState.none)
        #expect(Memory.join(name, own: removed, row: nil, isUntold: false) == nil)
    }

    /// Contract 0.2: an unreachable manager made tunasync's worker start what somebody had paused or disabled.
    @Test func pausedAndDisabledMirrorsStaySoWhenNoManagerAnswers() async throws {
        var fixture = try WorkerFixture()
        for name in ["p", "d", "r"] { try fixture.add(name, "true") }
        try await fixture.running(carrier: ScriptedCarrier()) { _, port in
            for (verb, name) in [("stop", "p"), ("disable", "d")] {
                _ = try await request(
                    "POST", "http://127.0.0.1:\(port)/", body: #"{"cmd":"\#(verb)","mirror_id":"\#(name)"}"#)
            }
            for (name, state) in [("p", "paused"), ("d", "disabled")] {
                try await eventually(state) {
                    try await request("GET", "http://127.0.0.1:\(port)/api/v1/jobs/\(name)/explain").body
                        .contains(#""state":"\#(state)""#)
                }
            }
        }
        // Nothing listens there.
        fixture.settings.managers = [ManagerAddress(baseURL: "http://127.0.0.1:1")]
        let carrier = ScriptedCarrier()
        try await fixture.running(carrier: carrier) { _, port in
            try await eventually("the run that was broken off") { carrier.begun.map(\.text) == ["r"] }
            for (name, state) in [("p", "paused"), ("d", "disabled")] {
                let answer = try await request("GET", "http://127.0.0.1:\(port)/api/v1/jobs/\(name)/explain").body
                #expect(answer.contains(#""state":"\#(state)""#))
            }
        }
        #expect(carrier.begun.map(\.text) == ["r"])
    }

    /// Contract 0.2: tunasync's worker started every mirror behind a row with a state that it did not know.
    @Test func aDisabledMirrorBehindARowThatCannotBeReadStaysDisabled() async throws {
        let manager = FakeManager()
        manager.remember(#"[{"name":"x","status":"verifying"},{"name":"d","status":"disabled"}]"#)
        try await manager.listening {
            var fixture = try WorkerFixture(managers: [manager.baseURL])
            for name in ["x", "d"] { try fixture.add(name, "true") }
            let carrier = ScriptedCarrier()
            try await fixture.running(carrier: carrier) { _, port in
                try await eventually("the other one") { carrier.begun.map(\.text) == ["x"] }
                let answer = try await request("GET", "http://127.0.0.1:\(port)/api/v1/jobs/d/explain").body
                #expect(answer.contains(#""state":"disabled""#))
            }
        }
    }

    /// tunasync lost one of two mirrors with an equal due time after a restart.
    @Test func twoMirrorsThatNeverSucceededBothRunAfterARestart() async throws {
        let manager = FakeManager()
        manager.remember(#"[{"name":"bad","status":"failed"},{"name":"bad2","status":"failed"}]"#)
        try await manager.listening {
            var fixture = try WorkerFixture(managers: [manager.baseURL])
            for name in ["bad", "bad2"] { try fixture.add(name, "true") }
            let carrier = ScriptedCarrier()
            try await fixture.running(carrier: carrier) { _, _ in
                try await eventually("both") { carrier.going.count == 2 }
            }
        }
    }
}
