// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import CRDTKit
internal import Foundation
internal import Logging
internal import MailStore
internal import NodeSupport

/// What the catch-up is compared with.
enum Reference {
    /// Applies to a copy of the receiver's store, in this process and without a network, what the writer's log has
    /// beyond it.
    ///
    /// - Returns: operations per second, until everything is durable, and the octets of log that were read.
    static func localApply(_ source: MailStore, copy: String) async throws -> (operations: Double, bytes: UInt64) {
        let logger = JSONLogHandler.logger(
            label: "node-bench", node: "copy", level: .error, output: LogOutput())
        let options = BenchNode.options("b")
        let store = try await MailStore.open(directory: copy, options: options, logger: logger)
        let origin = source.replicaID
        let have = StreamVector(store.replicationStatus().durable)[origin]
        let goal = StreamVector(source.replicationStatus().durable)[origin]
        guard var position = source.locate([StreamPosition(origin: origin, counter: have + 1)]) else {
            throw BenchFailure("the log has lost what the copy needs")
        }
        let clock = ContinuousClock()
        let begin = clock.now
        let first = position
        while StreamVector(store.replicationStatus().durable)[origin] < goal {
            guard let read = try source.readLog(from: position, maximumBytes: 256 << 10) else {
                throw BenchFailure("the log was cut")
            }
            if read.next == position {
                try await Task.sleep(for: .milliseconds(1))
                continue
            }
            position = read.next
            let items = read.frames.filter { $0.kind == .operations }.map { frame in
                PeerItem.operations(Array(frame.envelope[FrameEnvelope.headerBytes...]))
            }
            let outcome = await store.receive(items)
            if let refusal = outcome.refusal { throw BenchFailure("\(refusal.error)") }
        }
        let spent = (clock.now - begin).seconds
        await store.close()
        return (Double(goal - have) / spent, position.rawValue - first.rawValue)
    }

    /// Writes as many octets as the log has, in pieces of 256 KiB, each with `fdatasync`.
    ///
    /// - Returns: the time in seconds.
    static func write(_ bytes: UInt64, to path: String) throws -> Double {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw BenchFailure("\(path) cannot be opened: \(errno)") }
        defer {
            close(descriptor)
            unlink(path)
        }
        let piece = [UInt8](repeating: 0x5a, count: 256 << 10)
        let clock = ContinuousClock()
        let begin = clock.now
        var written: UInt64 = 0
        while written < bytes {
            let count = Foundation.write(descriptor, piece, piece.count)
            guard count > 0, fdatasync(descriptor) == 0 else {
                throw BenchFailure("\(path) cannot be written: \(errno)")
            }
            written += UInt64(count)
        }
        return (clock.now - begin).seconds
    }
}
