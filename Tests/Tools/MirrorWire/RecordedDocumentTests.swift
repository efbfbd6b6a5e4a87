// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import MirrorWire
import SyncJobs
import Testing

@Suite struct RecordedDocumentTests {
    @Test(arguments: Recorded.workers)
    func workersAreWrittenAsRecorded(_ text: String) throws { try expectSame(Worker.self, text) }

    @Test(arguments: Recorded.statuses)
    func statusesAreWrittenAsRecorded(_ text: String) throws { try expectSame(MirrorStatus.self, text) }

    @Test(arguments: Recorded.webStatuses)
    func rowsOfJobsAreWrittenAsRecorded(_ text: String) throws { try expectSame(WebStatus.self, text) }

    @Test(arguments: Recorded.schedules)
    func schedulesAreWrittenAsRecorded(_ text: String) throws { try expectSame(ScheduleList.self, text) }

    @Test(arguments: Recorded.clientCommands)
    func commandsOfClientsAreWrittenAsRecorded(_ text: String) throws { try expectSame(ClientCommand.self, text) }

    @Test(arguments: Recorded.workerCommands)
    func commandsToWorkersAreWrittenAsRecorded(_ text: String) throws { try expectSame(WorkerCommand.self, text) }

    @Test(arguments: Recorded.sizes)
    func sizesAreWrittenAsRecorded(_ text: String) throws { try expectSame(SizeUpdate.self, text) }

    @Test func clientsPostALineFeedAndServersAnswerNone() {
        let worker = Worker(id: "w1", url: "http://127.0.0.1:26000/")
        #expect(String(decoding: worker.json, as: UTF8.self) == Recorded.registration)
        // The recorded Content-Length of the registration.
        #expect(worker.jsonLine.count == 131)
        #expect(WorkerCommand(verb: .start, mirror: "m1", options: [:]).jsonLine.count == 58)
        #expect(WorkerCommand(verb: .reload, mirror: "").jsonLine.count == 59)
        #expect(SizeUpdate(name: "bad", size: "1T").jsonLine.count == 27)
    }

    @Test func answersAreWrittenAsRecorded() {
        #expect(text(MessageAnswer("flushed")) == #"{"message":"flushed"}"#)
        #expect(text(ErrorAnswer("invalid workerID fake")) == #"{"error":"invalid workerID fake"}"#)
        #expect(text(ErrorAnswer("newer", isFenced: true)) == #"{"error":"newer","fenced":true}"#)
        #expect(text(WorkerAnswer("OK")) == #"{"msg":"OK"}"#)
    }

    @Test func aSuccessHasTheSameUpdateAndEnd() throws {
        let status = try MirrorStatus(json: Array(Recorded.statuses[3].utf8))
        #expect(status.lastUpdate == status.lastEnded)
        let row = WebStatus(status)
        #expect(row.lastUpdate == row.lastEnded)
    }

    private func expectSame<Document: WireDocument>(_ type: Document.Type, _ recorded: String) throws {
        let document = try Document(json: Array(recorded.utf8))
        #expect(text(document) == recorded)
        // As it came over the wire, with a line feed.
        #expect(try Document(json: Array(recorded.utf8) + [0x0A]).json == document.json)
    }

    private func text(_ document: some WireDocument) -> String { String(decoding: document.json, as: UTF8.self) }
}
