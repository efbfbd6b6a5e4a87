// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import AsyncHTTPClient
import LiveTestSupport
import MirrorConfig
import MirrorWire
import NIOCore
import NIOHTTP1
import SyncJobs
import Testing
@testable import MirrorManager

@Suite struct EventStreamTests {
    /// One event of a stream.
    struct Event: Equatable {
        var id = ""
        var name = ""
        var data = ""
    }

    /// Reads events until there are so many with a name.
    private func read(
        _ manager: TestManager, after id: String? = nil, count: Int,
        _ whenOpen: @Sendable @escaping () async throws -> Void = {}
    ) async throws -> [Event] {
        let client = HTTPClient(eventLoopGroupProvider: .singleton)
        do {
            var request = HTTPClientRequest(url: manager.base + "/api/v1/events")
            if let id { request.headers.add(name: "Last-Event-ID", value: id) }
            let response = try await client.execute(request, timeout: .seconds(240))
            #expect(response.headers["Content-Type"] == ["text/event-stream; charset=utf-8"])
            var events: [Event] = []
            var text = ""
            var isOpen = false
            for try await part in response.body {
                if !isOpen { try await whenOpen() }
                isOpen = true
                text += String(buffer: part)
                while let end = text.firstRange(of: "\n\n") {
                    let event = Self.event(String(text[..<end.lowerBound]))
                    text.removeSubrange(..<end.upperBound)
                    if !event.name.isEmpty || !event.id.isEmpty { events.append(event) }
                }
                if events.count(where: { !$0.name.isEmpty }) >= count { break }
            }
            try await client.shutdown()
            return events
        } catch {
            // The first error is the one to tell.
            try? await client.shutdown()
            throw error
        }
    }

    private static func event(_ text: String) -> Event {
        var event = Event()
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: ": ", maxSplits: 1)
            guard parts.count == 2 else { continue }
            switch parts[0] {
            case "id": event.id = String(parts[1])
            case "event": event.name = String(parts[1])
            case "data": event.data = String(parts[1])
            default: continue
            }
        }
        return event
    }

    @Test func changesAreToldAsTheyHappen() async throws {
        try await TestManager.run { manager in
            let events = try await read(manager, count: 4) {
                _ = try await manager.post("/workers", Worker(id: "w1", url: "http://127.0.0.1:1/"))
                try await manager.status("a", "syncing")
                try await manager.status("a", "success")
                _ = try await manager.send(.DELETE, "/api/v1/mirrors/w1/a")
            }
            let named = events.filter { !$0.name.isEmpty }
            #expect(named.map(\.name) == ["worker", "mirror", "mirror", "removed"])
            #expect(named.last?.data == #"{"name":"a","worker":"w1"}"#)
            let rows = try named.filter { $0.name == "mirror" }.map { try MirrorRow(json: Array($0.data.utf8)) }
            #expect(rows.map(\.web.status) == [.syncing, .success])
        }
    }

    @Test func followersGoOnWhereTheyWere() async throws {
        try await TestManager.run { manager in
            let first = try await read(manager, count: 2) {
                for name in ["a", "b"] { try await manager.status(name, "success", worker: "w1") }
            }
            // The worker, then a.
            let id = try #require(first.last?.id)
            try await manager.status("c", "success")
            let second = try await read(manager, after: id, count: 2)
            let names = try second.filter { $0.name == "mirror" }.map {
                try MirrorRow(json: Array($0.data.utf8)).web.name
            }
            #expect(names == ["b", "c"])
        }
    }

    @Test(arguments: ["other-5", "nonsense", ""])
    func followersOfAnotherProcessLoadEverything(_ id: String) async throws {
        try await TestManager.run { manager in
            try await manager.status("a", "success")
            let events = try await read(manager, after: id, count: 1)
            #expect(events.first { !$0.name.isEmpty } == Event(name: "resync", data: "{}"))
        }
    }

    @Test func followersThatFellBehindLoadEverything() throws {
        let hub = EventHub()
        let follower = try #require(hub.follow())
        for _ in 0...EventHub.maximumEvents { hub.append([.worker([1])]) }
        guard case .behind(let next) = hub.read(from: follower.next) else {
            Issue.record("the follower is not behind")
            return
        }
        hub.append([.worker([2])])
        guard case .events(let events) = hub.read(from: next) else {
            Issue.record("there are no events")
            return
        }
        #expect(events.map(\.data) == [[2]])
        guard case .behind = hub.read(from: .max) else {
            Issue.record("nobody can be ahead")
            return
        }
    }

    @Test func nobodyHoldsTheManagerUpWhenItStops() async throws {
        let client = HTTPClient(eventLoopGroupProvider: .singleton)
        try await TestManager.run { manager in
            let response = try await client.execute(
                HTTPClientRequest(url: manager.base + "/api/v1/events"), timeout: .seconds(240))
            #expect(response.status == .ok)
            // The manager stops now, with the stream open.
        }
        try await client.shutdown()
    }

    @Test func logsThatAreFollowedEndWithTheManager() async throws {
        let client = HTTPClient(eventLoopGroupProvider: .singleton)
        try await FakeWorker.run { worker, url in
            worker.answer([.init(body: "line\n", isEndless: true)])
            try await TestManager.run { manager in
                let start = WireTime(seconds: 1_795_000_000)
                _ = try await manager.post(
                    "/workers", Worker(id: "w1", url: url, incarnation: "i", started: start))
                try await manager.status("a", "syncing")
                let response = try await client.execute(
                    HTTPClientRequest(url: manager.base + "/api/v1/mirrors/w1/a/logs/x?follow=true"),
                    timeout: .seconds(240))
                #expect(response.status == .ok)
                var lines = response.body.makeAsyncIterator()
                #expect(try await lines.next() != nil)
                // The manager stops now, while the log grows.
            }
        }
        try await client.shutdown()
    }
}
