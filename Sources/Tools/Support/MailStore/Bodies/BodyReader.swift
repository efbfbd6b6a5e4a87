// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import Storage
internal import Synchronization

/// Reads a body piece by piece; as long as it is open the body stays, even if the last message that holds it is expunged.
package final class BodyReader: Sendable {
    /// The body's octets.
    package let size: Int
    private let store: MailStore
    private let digest: BodyDigest

    init(store: MailStore, digest: BodyDigest, size: Int) {
        self.store = store
        self.digest = digest
        self.size = size
    }

    /// Waits for a body that has not arrived from another replica, but no longer than ``MailStoreOptions/bodyWaitMilliseconds``.
    ///
    /// Who needs the body in order to answer a client calls it before the first ``read(_:)``; it costs next to nothing if the body is there.
    ///
    /// - Throws: ``MailStoreError`` with `bodyGone` if the body has not come, or `unavailable`.
    package func waitUntilThere() async throws {
        while true {
            switch store.core.withLock({ $0.bodies.isMissing(digest) }) {
            case .some(false): return
            case .some(true):
                guard await store.awaitBody(digest) else {
                    throw MailStoreError(.bodyGone, "the message's body has not arrived from its replica yet")
                }
            case .none: try store.verifyBodies([digest])
            }
        }
    }

    /// The bytes of a range, which must lie within the body.
    ///
    /// - Throws: ``MailStoreError`` with `bodyGone` if the body is not there, `corrupt` if it is not whole.
    package func read(_ range: Range<Int>) throws -> [UInt8] {
        let range = range.clamped(to: 0..<size)
        if range.isEmpty { return [] }
        // A body moves from the log to the engine at a checkpoint; whoever looked just before looks again.
        for _ in 0..<3 {
            let (log, logged) = store.core.withLock { ($0.log, $0.bodies.logged[digest]) }
            if let logged {
                if let bytes = try read(range, of: logged, from: log) { return bytes }
            } else if let bytes = try readFromEngine(range) {
                return bytes
            }
        }
        throw MailStoreError(.bodyGone, "the message's body is gone")
    }

    /// Lets the body go.
    package func close() { store.core.withLock { $0.bodies.unpin(digest) } }

    private func read(_ range: Range<Int>, of body: LoggedBody, from log: SegmentedLog) throws -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(range.count)
        for chunk in body.chunks {
            let start = Int(chunk.offset)
            let wanted = range.clamped(to: start..<start + chunk.length)
            if wanted.isEmpty { continue }
            do {
                bytes += try log.read(at: chunk.position.advanced(by: wanted.lowerBound - start), length: wanted.count)
            } catch {
                if error.code == .notFound || error.code == .closed { return nil }
                throw MailStoreError(error)
            }
        }
        return bytes.count == range.count ? bytes : nil
    }

    private func readFromEngine(_ range: Range<Int>) throws -> [UInt8]? {
        let pieceBytes = EngineKey.bodyPieceBytes
        do {
            return try store.engine.read { reader in
                var bytes: [UInt8] = []
                bytes.reserveCapacity(range.count)
                for index in range.lowerBound / pieceBytes...(range.upperBound - 1) / pieceBytes {
                    let start = index * pieceBytes
                    let wanted = range.clamped(to: start..<start + pieceBytes)
                    let isThere = try reader.withValue(for: EngineKey.bodyPiece(digest, index)) { piece in
                        guard piece.byteCount >= wanted.upperBound - start else { return false }
                        piece.extracting(wanted.lowerBound - start..<wanted.upperBound - start).withUnsafeBytes {
                            bytes.append(contentsOf: $0)
                        }
                        return true
                    }
                    guard isThere == true else { return nil }
                }
                return bytes
            }
        } catch {
            throw MailStoreError(error)
        }
    }
}

extension MailAccount {
    /// Opens a message's body; close it.
    package func openBody(of message: StoredMessage) -> BodyReader {
        _ = store.core.withLock { $0.bodies.pin(message.facts.body) }
        return BodyReader(store: store, digest: message.facts.body, size: Int(clamping: message.facts.size))
    }
}
