// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import CRDTKit
import Storage
import Synchronization

/// Makes a frame whose payload is some text.
func frame(_ text: String, kind: FrameKind = .operations) -> [UInt8] {
    frame(Array(text.utf8), kind: kind)
}

/// Makes a frame.
func frame(_ payload: [UInt8], kind: FrameKind = .operations) -> [UInt8] {
    var bytes: [UInt8] = []
    let span = payload.span
    FrameEnvelope.append(kind: kind, payload: span.bytes, to: &bytes)
    return bytes
}

/// A frame as a test remembers it.
struct SeenFrame: Hashable, Sendable {
    let kind: FrameKind
    let position: LogPosition
    let payload: [UInt8]

    var text: String { String(decoding: payload, as: UTF8.self) }
}

/// Opens a log and collects the frames that recovery gives.
func openCollecting(_ directory: String, _ options: LogOptions = LogOptions()) throws -> (SegmentedLog, [SeenFrame]) {
    var seen: [SeenFrame] = []
    let log = try SegmentedLog.open(directory: directory, options: options) { recovered, payload in
        seen.append(
            SeenFrame(
                kind: recovered.kind, position: recovered.position, payload: payload.withUnsafeBytes { Array($0) }))
    }
    return (log, seen)
}

/// Collects what a log tells its commit handler.
final class CommitRecorder: Sendable {
    struct Seen: Sendable {
        var positions: [LogTicket: LogPosition] = [:]
        var upTo: [LogTicket] = []
        var failures: [(from: LogTicket, error: StorageError)] = []
    }

    private let state = Mutex(Seen())

    init(_ log: SegmentedLog) {
        log.setCommitHandler { [self] commit in
            state.withLock { seen in
                switch commit {
                case .durable(let ticket, let positions):
                    seen.upTo.append(ticket)
                    for unit in positions { seen.positions[unit.ticket] = unit.position }
                case .failed(let from, let error):
                    seen.failures.append((from, error))
                }
            }
        }
    }

    var seen: Seen { state.withLock { $0 } }
}

/// The code of the error that waiting for a ticket gives; nothing when it became durable.
func failure(of ticket: LogTicket, in log: SegmentedLog) async -> StorageError.Code? {
    do {
        try await log.waitUntilDurable(ticket)
        return nil
    } catch {
        return error.code
    }
}
