// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import FoundationEssentials
internal import Storage
internal import SyncJobs

/// A worker's durable state in one LMDB store: mirrors, untold events, how far each manager was told, and numbers that are never used again.
///
/// Keys begin with a letter: `e` and eight bytes for an event by its sequence number, `j` and a name for a mirror, `m` and a base address for a
/// manager, `n` for numbers. Each ``commit(_:)`` is one transaction with one `fsync`.
final class WorkerStore: Sendable {
    /// What a store held when it was opened.
    struct Content: Sendable {
        var events: [(sequence: UInt64, event: OutboxEvent)] = []
        var jobs: [JobName: StoredJob] = [:]
        /// The last sequence number that each manager has acknowledged, by base address.
        var acknowledged: [String: UInt64] = [:]
        /// The first sequence number that was never used; nothing in a new store.
        var nextSequence: UInt64?
        /// The first run number that was never used; nothing in a new store.
        var nextRun: UInt64?
        /// What managers prove themselves with; nothing in a new store.
        var commandToken: String?
        /// What tells this store's sequence numbers from those of another one; nothing in a new store.
        var outbox: String?
    }

    /// One batch of changes.
    struct Changes: Sendable {
        var events: [(sequence: UInt64, event: OutboxEvent)] = []
        var droppedEvents: [UInt64] = []
        /// Every event up to this number goes.
        var droppedThrough: UInt64 = 0
        var jobs: [JobName: StoredJob] = [:]
        var forgottenJobs: Set<JobName> = []
        var acknowledged: [String: UInt64] = [:]
        var forgottenManagers: Set<String> = []
        var nextSequence: UInt64?
        var nextRun: UInt64?

        /// Whether somebody waits for this to be durable.
        var isUrgent: Bool { !events.isEmpty || !jobs.isEmpty || nextRun != nil }

        /// Whether there is nothing to write.
        var isEmpty: Bool {
            events.isEmpty && droppedEvents.isEmpty && droppedThrough == 0 && jobs.isEmpty && forgottenJobs.isEmpty
                && acknowledged.isEmpty && forgottenManagers.isEmpty && nextSequence == nil && nextRun == nil
        }
    }

    /// The address space of the store; a worker needs a few megabytes.
    private static let options = LMDBOptions(mapBytes: 1 << 30, maximumMapBytes: 16 << 30, maximumReaders: 16)

    private let engine: LMDBEngine

    /// Opens the store of a directory that the caller has locked.
    ///
    /// - Throws: `StorageError` of the engine.
    init(directory: String) throws(StorageError) {
        engine = try LMDBEngine.open(directory: directory, options: Self.options)
    }

    /// Reads everything.
    ///
    /// - Throws: `StorageError`; `DecodingError` when a record is not one of ours.
    func load() throws -> Content {
        try engine.read { reader in
            var content = Content()
            try reader.scan(from: [], upTo: nil) { key, value in
                try Self.add(key: Self.bytes(key), value: Self.bytes(value), to: &content)
                return true
            }
            return content
        }
    }

    /// Keeps what a new store is known by.
    ///
    /// - Throws: `StorageError`.
    func keep(commandToken: String, outbox: String) async throws {
        try await engine.write { writer in
            try writer.put(Array(commandToken.utf8), for: Self.key("n", "token"))
            try writer.put(Array(outbox.utf8), for: Self.key("n", "outbox"))
        }
    }

    /// Writes a batch; it is durable when this returns.
    ///
    /// - Throws: `StorageError`; nothing of the batch is kept then.
    func commit(_ changes: Changes) async throws {
        let encoder = JSONEncoder()
        let events = try changes.events.map { (Self.eventKey($0.sequence), [UInt8](try encoder.encode($0.event))) }
        let jobs = try changes.jobs.map { (Self.key("j", $0.key.text), [UInt8](try encoder.encode($0.value))) }
        try await engine.write { writer in
            if changes.droppedThrough > 0 {
                try writer.deleteRange(from: Self.eventKey(0), upTo: Self.eventKey(changes.droppedThrough + 1))
            }
            for sequence in changes.droppedEvents { try writer.delete(Self.eventKey(sequence)) }
            for (key, value) in events { try writer.put(value, for: key) }
            for (key, value) in jobs { try writer.put(value, for: key) }
            for name in changes.forgottenJobs { try writer.delete(Self.key("j", name.text)) }
            for (manager, sequence) in changes.acknowledged {
                try writer.put(Self.bytes(of: sequence), for: Self.key("m", manager))
            }
            for manager in changes.forgottenManagers { try writer.delete(Self.key("m", manager)) }
            if let next = changes.nextSequence {
                try writer.put(Self.bytes(of: next), for: Self.key("n", "sequence"))
            }
            if let next = changes.nextRun { try writer.put(Self.bytes(of: next), for: Self.key("n", "run")) }
        }
    }

    /// Closes the store; blocks until what is queued is written.
    func close() { engine.close() }

    private static func add(key: [UInt8], value: [UInt8], to content: inout Content) throws {
        let rest = key.dropFirst()
        switch key.first {
        case UInt8(ascii: "e"):
            let event = try JSONDecoder().decode(OutboxEvent.self, from: Data(value))
            content.events.append((number(rest), event))
        case UInt8(ascii: "j"):
            let job = try JSONDecoder().decode(StoredJob.self, from: Data(value))
            if let name = JobName(job.name) { content.jobs[name] = job }
        case UInt8(ascii: "m"): content.acknowledged[String(decoding: rest, as: UTF8.self)] = number(value[...])
        case UInt8(ascii: "n"):
            switch String(decoding: rest, as: UTF8.self) {
            case "sequence": content.nextSequence = number(value[...])
            case "run": content.nextRun = number(value[...])
            case "token": content.commandToken = String(decoding: value, as: UTF8.self)
            case "outbox": content.outbox = String(decoding: value, as: UTF8.self)
            default: break
            }
        default: break
        }
    }

    private static func key(_ kind: Character, _ text: String) -> [UInt8] { Array("\(kind)\(text)".utf8) }

    private static func eventKey(_ sequence: UInt64) -> [UInt8] { [UInt8(ascii: "e")] + bytes(of: sequence) }

    private static func bytes(of number: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * UInt64($0))) }
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }

    private static func bytes(_ span: RawSpan) -> [UInt8] { span.withUnsafeBytes { Array($0) } }
}
