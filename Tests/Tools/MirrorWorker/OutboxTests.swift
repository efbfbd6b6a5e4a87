// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import LiveTestSupport
import MirrorWire
import SyncJobs
import Testing

@testable import MirrorWorker

/// Events that are kept until each manager has them.
@Suite struct OutboxTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory("outbox") }

    private func status(_ name: String, _ state: JobState, audience: String? = nil) -> OutboxEvent {
        OutboxEvent(
            .status(
                OutboxEvent.Status(
                    name: name, state: state.rawValue, isMaster: true, upstream: "", size: "1G", message: "", run: 3,
                    attempt: 1, failure: nil, isFinal: false)), at: JobTime(milliseconds: 9), audience: audience)
    }

    private func batch(_ events: [OutboxEvent]) -> Outbox.Batch {
        var batch = Outbox.Batch()
        batch.events = events.map { ($0, nil) }
        return batch
    }

    private func outbox(_ managers: [String], limits: WorkerLimits = WorkerLimits()) throws -> (WorkerStore, Outbox) {
        let store = try WorkerStore(directory: directory.path)
        let outbox = Outbox(
            store: store, content: try store.load(), managers: managers, limits: limits, logger: quietLogger)
        return (store, outbox)
    }

    /// Writes what is queued.
    private func settle(_ outbox: Outbox) async {
        outbox.finish()
        await outbox.commitLoop()
    }

    private func texts(_ outbox: Outbox, _ manager: String) -> [String] {
        (outbox.next(for: manager, limit: 100)?.entries ?? []).map { entry in
            switch entry.event.content {
            case .status(let status): "\(status.name) \(status.state)"
            case .schedules: "schedules"
            case .removed(let name): "removed \(name)"
            case .run(let run): "run \(run.run)"
            }
        }
    }

    @Test func tellsNothingBeforeItIsDurable() async throws {
        let (store, outbox) = try outbox(["m"])
        defer { store.close() }
        outbox.append(batch([status("a", .syncing)]))
        #expect(outbox.next(for: "m", limit: 10) == nil)
        await settle(outbox)
        #expect(texts(outbox, "m") == ["a syncing"])
    }

    @Test func keepsEventsInOrderOverARestartUntilEachManagerHasThem() async throws {
        do {
            let (store, outbox) = try outbox(["m", "n"])
            defer { store.close() }
            outbox.append(batch([status("a", .preSyncing), status("a", .syncing), status("a", .success)]))
            await settle(outbox)
            outbox.acknowledge(2, by: "m")
            await settle(outbox)
        }
        let (store, outbox) = try outbox(["m", "n"])
        defer { store.close() }
        #expect(texts(outbox, "m") == ["a success"])
        #expect(texts(outbox, "n") == ["a pre-syncing", "a syncing", "a success"])
        outbox.acknowledge(3, by: "m")
        outbox.acknowledge(3, by: "n")
        #expect(outbox.pendingCount == 0)
        outbox.append(batch([status("a", .failed)]))
        await settle(outbox)
        let sequences = outbox.next(for: "m", limit: 10)?.entries.map(\.sequence)
        #expect(sequences == [4])
        let stored = try store.load().events.map(\.sequence)
        #expect(stored == [4])
    }

    @Test func tellsEventsAlthoughTheDiskRefuses() async throws {
        let (store, outbox) = try outbox(["m"])
        store.close()
        outbox.append(batch([status("a", .syncing)]))
        await settle(outbox)
        #expect(outbox.failure != nil)
        #expect(texts(outbox, "m") == ["a syncing"])
    }

    @Test func neverUsesASequenceNumberTwice() async throws {
        do {
            let (store, outbox) = try outbox(["m"])
            defer { store.close() }
            outbox.append(batch([status("a", .syncing)]))
            outbox.acknowledge(1, by: "m")
            await settle(outbox)
        }
        let (store, outbox) = try outbox(["m"])
        defer { store.close() }
        outbox.append(batch([status("a", .success)]))
        await settle(outbox)
        let sequences = outbox.next(for: "m", limit: 10)?.entries.map(\.sequence)
        #expect(sequences == [2])
    }

    @Test func collapsesToTheLastStateOfEachMirrorOverTheLimit() async throws {
        var limits = WorkerLimits()
        limits.maximumPendingEvents = 10
        limits.maximumPendingRuns = 2
        let (store, outbox) = try outbox(["m"], limits: limits)
        defer { store.close() }
        for number in 0..<4 {
            let run = OutboxEvent.Run(
                name: "a", run: UInt64(number), started: 0, ended: 1, state: "success", attempts: 1, size: "",
                bytes: nil,
                message: "")
            outbox.append(
                batch([
                    status("a", .syncing), status("b", number == 3 ? .failed : .success),
                    OutboxEvent(.run(run), at: JobTime(milliseconds: 1)),
                ]))
        }
        await settle(outbox)
        #expect(texts(outbox, "m") == ["run 2", "a syncing", "b failed", "run 3"])
        #expect(try store.load().events.count == 4)
    }

    @Test func anEventForOneManagerIsNotToldToOthers() async throws {
        let (store, outbox) = try outbox(["m", "n"])
        defer { store.close() }
        outbox.append(batch([status("a", .success, audience: "n")]))
        await settle(outbox)
        #expect(texts(outbox, "m") == [])
        #expect(outbox.next(for: "m", limit: 10)?.through == 1)
        #expect(texts(outbox, "n") == ["a success"])
        #expect(outbox.untoldNames(for: "m") == [])
        #expect(outbox.untoldNames(for: "n") == ["a"])
    }

    @Test func aNewManagerIsToldFromNowOnAndAForgottenOneHoldsNothingUp() async throws {
        let (store, outbox) = try outbox(["m"])
        defer { store.close() }
        outbox.append(batch([status("a", .syncing)]))
        await settle(outbox)
        outbox.add(manager: "n")
        #expect(texts(outbox, "n") == [])
        outbox.acknowledge(1, by: "n")
        outbox.remove(manager: "m")
        #expect(outbox.pendingCount == 0)
        await settle(outbox)
        #expect(try store.load().acknowledged.keys.sorted() == ["n"])
    }

    @Test func rememberedMirrorsAreReadBack() async throws {
        let name = try #require(JobName("a"))
        var job = StoredJob(name: name)
        job.state = JobState.paused.rawValue
        job.by = "somebody"
        job.size = "3G"
        do {
            let (store, outbox) = try outbox([])
            defer { store.close() }
            var batch = Outbox.Batch()
            batch.jobs[name] = job
            batch.nextRun = 77
            outbox.append(batch)
            await settle(outbox)
        }
        let store = try WorkerStore(directory: directory.path)
        defer { store.close() }
        let content = try store.load()
        #expect(content.jobs[name] == job)
        #expect(content.nextRun == 77)
    }
}
