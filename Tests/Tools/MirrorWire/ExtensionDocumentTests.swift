// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import MirrorWire
import SyncJobs
import Testing

@Suite struct ExtensionDocumentTests {
    static let time = WireTime(seconds: 1_795_233_287, nanoseconds: 500_000_000)

    @Test func registrationsOfOurWorkersHaveMoreMembers() throws {
        let worker = Worker(
            id: "w", url: "http://h:1/", token: "t", incarnation: "i-1", started: Self.time, version: "0.5")
        #expect(
            text(worker)
                == #"{"id":"w","url":"http://h:1/","token":"t","last_online":"0001-01-01T00:00:00Z","last_register":"0001-01-01T00:00:00Z","incarnation":"i-1","started":"2026-11-21T03:54:47.5Z","version":"0.5"}"#
        )
        #expect(try Worker(json: worker.json) == worker)
    }

    @Test func eventsComeBackFromTheirText() throws {
        let status = MirrorStatus(name: "m", worker: "w", status: .failed, errorMessage: "x")
        let run = RunRecord(
            name: "m", run: 7, started: Self.time, ended: Self.time, state: .failed, attempts: 2, size: "1G", bytes: 5,
            message: "x")
        let events = WorkerEvents(
            incarnation: "i", started: Self.time, outbox: "o",
            events: [
                WorkerEvent(
                    sequence: 1,
                    kind: .status(
                        .init(at: Self.time, run: 7, attempt: 2, status: status, failure: .transient, isFinal: true))),
                WorkerEvent(
                    sequence: 2, kind: .schedules(at: Self.time, [.init(name: "m", nextSchedule: Self.time)])),
                WorkerEvent(sequence: 3, kind: .removed(name: "m")), WorkerEvent(sequence: 4, kind: .run(run)),
            ])
        #expect(try WorkerEvents(json: events.json) == events)
    }

    @Test(arguments: [
        #"{"incarnation":"i","events":[{"kind":"status"}]}"#,
        #"{"incarnation":"i","events":[{"seq":0,"kind":"removed"}]}"#,
        #"{"incarnation":"i","events":[{"seq":1,"kind":"other"}]}"#,
        #"{"incarnation":"i","events":[{"seq":1,"kind":"status"}]}"#,
        #"{"incarnation":"i","events":[{"seq":-1,"kind":"removed"}]}"#, #"{"events":[1]}"#,
        #"{"events":[{"seq":1,"kind":"status","status":{"name":"m"},"failure":"odd"}]}"#,
    ])
    func eventsWithoutNumberOrKindAreRefused(_ json: String) {
        #expect(throws: WireError.self) { try WorkerEvents(json: Array(json.utf8)) }
    }

    @Test func heartbeatsComeBackFromTheirText() throws {
        let heartbeat = Heartbeat(
            incarnation: "i", started: Self.time,
            running: [
                .init(
                    name: "m", run: 1, state: .syncing, attempt: 1, started: Self.time,
                    progress: RunProgress(bytes: 10, percent: 50, etaSeconds: 3)),
                .init(name: "n", run: 2, state: .preSyncing, attempt: 0, started: Self.time),
            ], queued: 4)
        #expect(try Heartbeat(json: heartbeat.json) == heartbeat)
    }

    @Test func rowsHaveWhatJobsLack() throws {
        let status = MirrorStatus(name: "m", worker: "w", status: .syncing, errorMessage: "e")
        let row = MirrorRow(status, run: 3, attempt: 1, progress: RunProgress(percent: 5), isWorkerOnline: true)
        #expect(
            text(row).contains(
                #""worker":"w","error_msg":"e","run":3,"attempt":1,"progress":{"percent":5},"worker_online":true,"failure":"""#
            ))
        #expect(try MirrorRow(json: row.json) == row)
    }

    @Test func explanationsAndLogsComeBackFromTheirText() throws {
        let answer = ExplanationAnswer(state: .paused, reason: "paused", text: "paused by a", since: Self.time, by: "a")
        #expect(try ExplanationAnswer(json: answer.json) == answer)
        let entry = LogEntry(id: "x", run: 1, started: Self.time, bytes: 3, isFailed: true, isCompressed: false)
        #expect(try [LogEntry](json: [entry].json) == [entry])
    }

    private func text(_ document: some WireDocument) -> String { String(decoding: document.json, as: UTF8.self) }
}
