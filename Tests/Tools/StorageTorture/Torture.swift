// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import CRDTKit
import Glibc
import Storage

/// Writes a line to the standard output in one call, so that a kill cannot split it.
func say(_ line: String) {
    let bytes = Array("\(line)\n".utf8)
    _ = write(1, bytes, bytes.count)
}

func frame(_ text: String) -> [UInt8] {
    var bytes: [UInt8] = []
    let payload = Array(text.utf8)
    let span = payload.span
    FrameEnvelope.append(kind: .operations, payload: span.bytes, to: &bytes)
    return bytes
}

/// The key of one of the eight entries of a batch.
func key(_ number: Int, _ part: Int) -> [UInt8] {
    (0..<8).reversed().map { UInt8(truncatingIfNeeded: number >> (8 * $0)) } + [UInt8(part)]
}

func writeForEver(_ directory: String) async throws {
    let lock = try DirectoryLock.acquire(directory: directory)
    defer { lock.close() }
    let engine = try LMDBEngine.open(directory: directory + "/engine")
    var number = 0
    // Small segments, so that kills also meet the change of segments.
    let log = try SegmentedLog.open(directory: directory + "/log", options: LogOptions(segmentBytes: 4096)) {
        _, payload in
        let text = payload.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
        if let found = Int(text) { number = max(number, found) }
    }
    say("ready \(number)")
    while true {
        number += 1
        let batch = number
        try await log.waitUntilDurable(log.append(frame("\(batch)") + frame("end \(batch)")))
        try await engine.write { writer in
            let value = Array("\(batch)".utf8)
            for part in 0..<8 { try writer.put(value, for: key(batch, part)) }
        }
        say("\(batch)")
    }
}

func hold(_ directory: String) throws {
    let lock = try DirectoryLock.acquire(directory: directory)
    defer { lock.close() }
    say("held")
    var byte: UInt8 = 0
    while read(0, &byte, 1) > 0 {}
}

private func setFileSizeLimit(_ bytes: UInt64) {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
    limit.rlim_cur = rlim_t(bytes)
    setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
}

func fill(_ directory: String, limit: UInt64) async throws {
    signal(SIGXFSZ, SIG_IGN)
    let engine = try LMDBEngine.open(directory: directory + "/engine")
    let log = try SegmentedLog.open(directory: directory + "/log") { _, _ in }
    setFileSizeLimit(limit)
    let body = String(repeating: "x", count: 5000)
    var units = 0
    do {
        while true {
            try await log.waitUntilDurable(log.append(frame(body)))
            units += 1
        }
    } catch {
        say("log \(error.code.rawValue) \(units > 0)")
    }
    let first = try log.readFrame(
        at: LogPosition(rawValue: UInt64(LogSegmentHeader.byteCount + LogBatchMark.frameBytes)))
    say("log readable \(first.payload.count)")
    var batches = 0
    do {
        while true {
            let number = batches
            try await engine.write { try $0.put([UInt8](repeating: 7, count: 16_368), for: key(number, 0)) }
            batches += 1
        }
    } catch let error as StorageError {
        say("engine \(error.code.rawValue) \(batches > 0)")
    }
    let value = try engine.read { try $0.value(for: key(0, 0)) }
    say("engine readable \(value?.count ?? 0) \(try engine.statistics().entries == batches)")
    try await engine.write { try $0.delete(key(0, 0)) }
    say("engine deletes")
    setFileSizeLimit(UInt64(bitPattern: -1))
    try log.resetAfterFailure()
    try await log.waitUntilDurable(log.append(frame(body)))
    try await engine.write { try $0.put([1], for: key(0, 1)) }
    log.close()
    engine.close()
    var frames = 0
    let again = try SegmentedLog.open(directory: directory + "/log") { _, _ in frames += 1 }
    again.close()
    say("recovered \(frames == units + 1)")
}
