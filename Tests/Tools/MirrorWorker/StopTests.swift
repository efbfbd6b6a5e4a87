// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import LiveTestSupport
import MirrorConfig
import MirrorRun
import MirrorWire
import SyncJobs
import Testing

@testable import MirrorWorker

/// Stopping, starting many at once, and coming back after a crash, with real processes.
@Suite(.serialized) struct StopTests {
    /// tunasync's worker never ended with more than about 33 running jobs, and the manager was never told.
    @Test func stopWithManyRunningJobsEndsAndReportsAll() async throws {
        let manager = FakeManager()
        try await manager.listening {
            var fixture = try WorkerFixture(managers: [manager.baseURL], concurrent: 90)
            // The machine may be busy; what counts here is that everything ends and is told.
            fixture.limits.stopPatience = .seconds(60)
            for number in 0..<90 { try fixture.add("m\(number)", "sleep 1000") }
            let names = fixture.settings.mirrors.map(\.name.text)
            let worker = try await fixture.worker()
            let elapsed = try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await worker.run() }
                try await eventually("90 runs") { names.allSatisfy { manager.states(of: $0).last == "syncing" } }
                let start = ContinuousClock.now
                worker.stop()
                try await group.waitForAll()
                return ContinuousClock.now - start
            }
            print("stopped 90 runs in \(elapsed)")
            #expect(names.allSatisfy { manager.states(of: $0).last == "failed" })
        }
    }

    @Test func startsAsManyOf500DueJobsAsThereAreSlots() async throws {
        var fixture = try WorkerFixture(concurrent: 50)
        for number in 0..<500 {
            try fixture.add("m\(number)", "true") { $0.job.priority = number >= 450 ? 1 : 0 }
        }
        let carrier = ScriptedCarrier()
        try await fixture.running(carrier: carrier) { worker, port in
            let start = ContinuousClock.now
            try await eventually("50 runs") { carrier.going.count == 50 }
            print("began 50 of 500 runs in \(ContinuousClock.now - start)")
            let urgent = Set((450..<500).map { "m\($0)" })
            let begun = Set(carrier.begun.map(\.text))
            #expect(begun == urgent)
            carrier.end(try #require(JobName("m450")))
            try await eventually("the next") { carrier.begun.count == 51 }
            #expect(carrier.going.count == 50)
        }
        #expect(carrier.finished.count == 51)
    }

    @Test func fiftyProcessesOf500DueMirrorsBegin() async throws {
        var fixture = try WorkerFixture(concurrent: 50)
        for number in 0..<500 { try fixture.add("m\(number)", "sleep 1000") }
        let worker = try await fixture.worker()
        try await withThrowingTaskGroup(of: Void.self) { group in
            let start = ContinuousClock.now
            group.addTask { try await worker.run() }
            let base = "http://127.0.0.1:\(try await worker.port())"
            var elapsed = Duration.zero
            try await eventually("50 runs") {
                elapsed = ContinuousClock.now - start
                return try await request("GET", base + "/metrics").body.contains("mirror_worker_running 50\n")
            }
            print("began 50 processes of 500 mirrors in \(elapsed)")
            #expect(try await request("GET", base + "/metrics").body.contains("mirror_worker_waiting 450\n"))
            worker.stop()
            try await group.waitForAll()
        }
    }

    @Test func whatCouldNotBeToldIsToldAfterTheNextStart() async throws {
        let manager = FakeManager()
        try await manager.listening {
            var fixture = try WorkerFixture(managers: [manager.baseURL])
            fixture.limits.flushPatience = .milliseconds(50)
            fixture.limits.stopPatience = .milliseconds(50)
            try fixture.add("a", "true")
            let name = try #require(JobName("a"))
            let carrier = ScriptedCarrier()
            try await fixture.running(carrier: carrier) { _, _ in
                try await eventually("syncing") { manager.states(of: "a").last == "syncing" }
                manager.isDown = true
                carrier.end(name)
                try await eventually("the end") { carrier.finished.count == 1 }
            }
            manager.clear()
            manager.remember(#"[{"name":"a","status":"syncing"}]"#)
            manager.isDown = false
            try await fixture.running(carrier: ScriptedCarrier()) { _, port in
                try await eventually("success") { manager.states(of: "a") == ["success"] }
                // A run that ended well is not taken for a broken one.
                let explanation = try await request("GET", "http://127.0.0.1:\(port)/api/v1/jobs/a/explain").body
                #expect(explanation.contains(#""reason":"due""#))
            }
        }
    }

    /// A worker that dies leaves processes and a state behind; here both are those of a worker that only stands still.
    @Test func aWorkerAfterACrashEndsWhatIsLeftAndRunsItAgain() async throws {
        let manager = FakeManager()
        try await manager.listening {
            var fixture = try WorkerFixture(managers: [manager.baseURL])
            try fixture.add("a", "sleep 1000")
            let mirror = try #require(fixture.settings.mirrors.first)
            let copy = fixture.directory.file("copy")
            let run = RunNumber(1)
            // What the dead worker knew, and what it had begun.
            let store = try WorkerStore(directory: copy + "/store")
            var job = StoredJob(name: mirror.name)
            job.state = JobState.syncing.rawValue
            job.run = run.number
            job.changed = 1
            var changes = WorkerStore.Changes()
            changes.jobs[mirror.name] = job
            changes.nextRun = 2
            try await store.commit(changes)
            store.close()
            let dead = try RunSupervisor(RunSupervisorSettings(stateDirectory: copy + "/runs.d", logger: quietLogger))
            fixture.settings.stateDirectory = copy
            let settings = fixture
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    _ = await dead.perform(.beforeJob, of: mirror, run: run)
                    _ = await dead.perform(.execute(attempt: 1), of: mirror, run: run)
                    dead.finish(mirror.name, run: run)
                }
                try await eventually("the first process") { dead.activeLog(of: mirror.name) != nil }
                try await settings.running { _, port in
                    try await eventually("failed, then again") {
                        let states = manager.states(of: "a")
                        return states.first == "failed" && states.last == "syncing"
                    }
                    let told = try #require(manager.heard.first { $0.path.hasSuffix("/jobs/a") })
                    #expect(!(try MirrorStatus(json: Array(told.body.utf8)).errorMessage.isEmpty))
                }
                // The dead worker's process was ended, so its step ends.
                try await group.waitForAll()
            }
        }
    }

    @Test func oneStateDirectoryHasOneWorker() async throws {
        let fixture = try WorkerFixture()
        let worker = try await fixture.worker()
        await #expect(throws: WorkerError.self) { _ = try await fixture.worker() }
        worker.stop()
        try await worker.run()
        _ = try await fixture.worker()
    }
}
