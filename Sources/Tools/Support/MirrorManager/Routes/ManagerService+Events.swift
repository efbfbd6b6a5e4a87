// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import HTTPTypes
internal import Hummingbird
internal import NIOCore

/// `GET /api/v1/events`: server-sent events.
extension ManagerService {
    /// After how long without an event a comment is sent.
    private static let silence: Duration = .seconds(15)

    func follow(_ inquiry: Inquiry) -> Response {
        let hub = core.hub
        guard let follower = hub.follow() else {
            return .error(.serviceUnavailable, "too many follow the events already")
        }
        let last = HTTPField.Name("Last-Event-ID").flatMap { inquiry.headers[$0] } ?? inquiry.parameter("last_event_id")
        let resumed = last.map { Self.resume($0, epoch: hub.epoch) }
        let headers: HTTPFields = [
            .contentType: "text/event-stream; charset=utf-8", .cacheControl: "no-store",
        ]
        let isHead = inquiry.method == .head
        if isHead { hub.stop(follower.id) }
        return Response(
            status: .ok, headers: headers,
            body: ResponseBody { writer in
                defer { hub.stop(follower.id) }
                var next = follower.next
                var first = "retry: 2000\nid: \(hub.epoch)-\(next - 1)\n\n"
                switch resumed {
                case .some(.some(let sequence)): next = sequence + 1
                case .some(nil): first += Self.resync
                case nil: break
                }
                try await writer.write(ByteBuffer(string: first))
                var lastWrite = ContinuousClock.now
                var wakes = follower.wakes.makeAsyncIterator()
                following: while true {
                    reading: while true {
                        switch hub.read(from: next) {
                        case .ended: break following
                        case .behind(let current):
                            try await writer.write(ByteBuffer(string: Self.resync))
                            next = current
                        case .events(let events):
                            guard let newest = events.last else { break reading }
                            try await writer.write(Self.encode(events, epoch: hub.epoch))
                            next = newest.sequence + 1
                        }
                        lastWrite = .now
                    }
                    guard await wakes.next() != nil else { break }
                    if ContinuousClock.now - lastWrite >= Self.silence {
                        try await writer.write(ByteBuffer(string: ":\n\n"))
                        lastWrite = .now
                    }
                }
                try await writer.finish(nil)
            })
    }

    private static let resync = "event: resync\ndata: {}\n\n"

    /// The number behind which a follower wants to go on; nothing when it is another process's.
    private static func resume(_ id: String, epoch: String) -> UInt64? {
        let parts = id.split(separator: "-")
        guard parts.count == 2, parts[0] == epoch, let sequence = UInt64(parts[1]), sequence < .max else { return nil }
        return sequence
    }

    private static func encode(_ events: [EventHub.Event], epoch: String) -> ByteBuffer {
        var buffer = ByteBuffer()
        for event in events {
            buffer.writeString("id: \(epoch)-\(event.sequence)\nevent: \(event.name)\ndata: ")
            buffer.writeBytes(event.data)
            buffer.writeString("\n\n")
        }
        return buffer
    }
}
