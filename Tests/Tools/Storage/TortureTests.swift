// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import CRDTKit
import Foundation
import Glibc
import Storage
import TestSupport
import Testing

/// Real processes that are killed, starved and locked out.
@Suite(.serialized) struct TortureTests {
    @Test func keepsEveryAcknowledgedBatchWhenTheProcessIsKilled() async throws {
        let directory = TemporaryDirectory()
        let seed: UInt64 = .random(in: .min ... .max)
        var random = SeededGenerator(seed: seed)
        var acknowledged: Set<Int> = []
        for round in 0..<15 {
            let child = try ChildProcess("storage-torture", ["write", directory.path])
            let wanted = Int.random(in: 0...60, using: &random)
            let spins = Int.random(in: 0...100_000, using: &random)
            let lines = await onThread {
                var lines: [String] = []
                while lines.count <= wanted, let line = child.line() { lines.append(line) }
                // The child writes on meanwhile, so the kill meets it anywhere in a batch.
                var waste: UInt64 = 1
                for index in 0..<spins { waste = waste &* 31 &+ UInt64(index) }
                child.kill()
                return lines + child.remainingLines() + (waste == 0 ? [""] : [])
            }
            let context = "seed \(seed) round \(round)"
            #expect(lines.first?.hasPrefix("ready ") == true, "\(context): \(lines.first ?? "no output")")
            acknowledged.formUnion(lines.compactMap { Int($0) })
            try check(directory.path, acknowledged, context)
        }
        #expect(!acknowledged.isEmpty)
    }

    private func check(_ directory: String, _ acknowledged: Set<Int>, _ context: String) throws {
        let lock = try DirectoryLock.acquire(directory: directory)
        defer { lock.close() }
        let (log, frames) = try openCollecting(directory + "/log")
        defer { log.close() }
        let numbers = frames.compactMap { Int($0.text) }
        #expect(numbers == Array(numbers.indices.map { $0 + 1 }), "\(context)")
        #expect(acknowledged.isSubset(of: numbers), "\(context)")
        let ends = Set(frames.map(\.text).filter { $0.hasPrefix("end ") })
        #expect(acknowledged.allSatisfy { ends.contains("end \($0)") }, "\(context)")
        let engine = try LMDBEngine.open(directory: directory + "/engine")
        defer { engine.close() }
        var parts: [Int: Int] = [:]
        try engine.read { reader in
            try reader.scan(from: [], upTo: nil) { key, _ in
                let number = key.withUnsafeBytes { $0.prefix(8).reduce(0) { $0 << 8 | Int($1) } }
                parts[number, default: 0] += 1
                return true
            }
        }
        #expect(parts.values.allSatisfy { $0 == 8 }, "\(context)")
        #expect(acknowledged.isSubset(of: parts.keys), "\(context)")
        #expect(Set(parts.keys).isSubset(of: numbers), "\(context)")
    }

    @Test func survivesAFileSizeLimitInTheLogAndInTheEngine() async throws {
        let directory = TemporaryDirectory()
        let child = try ChildProcess("storage-torture", ["fill", directory.path, "400000"])
        let lines = await onThread { child.remainingLines() }
        #expect(
            lines == [
                "log diskFull true", "log readable 5000", "engine diskFull true", "engine readable 16368 true",
                "engine deletes", "recovered true",
            ])
    }

    @Test func refusesADirectoryThatAnotherProcessUses() async throws {
        let directory = TemporaryDirectory()
        let child = try ChildProcess("storage-torture", ["hold", directory.path])
        #expect(await onThread { child.line() } == "held")
        let error = #expect(throws: StorageError.self) { try DirectoryLock.acquire(directory: directory.path) }
        #expect(error?.code == .locked)
        #expect(error?.message.contains("process \(child.pid)") == true)
        #expect(error?.message.contains(directory.path) == true)
        child.kill()
        let lock = try DirectoryLock.acquire(directory: directory.path)
        let other = try ChildProcess("storage-torture", ["hold", directory.path])
        #expect(await onThread { other.line() }?.hasPrefix("error locked") == true)
        lock.close()
    }

    @Test func refusesASecondLockInTheSameProcess() throws {
        let directory = TemporaryDirectory()
        let path = directory.path + "/made/on/the/way"
        let lock = try DirectoryLock.acquire(directory: path)
        let error = #expect(throws: StorageError.self) { try DirectoryLock.acquire(directory: path) }
        #expect(error?.code == .locked)
        lock.close()
        try DirectoryLock.acquire(directory: path).close()
    }

    /// A process that forks another shares the lock with it until that one begins its program.
    @Test func aLockIsFreeWhenItIsClosedWhoeverSharesItsDescriptor() throws {
        let directory = TemporaryDirectory()
        let lock = try DirectoryLock.acquire(directory: directory.path)
        let path = directory.path + "/" + DirectoryLock.fileName
        var shared: [Int32] = []
        // Other tests may have thousands of files open.
        let numbers = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap { Int32($0) }
        for number in numbers where shared.isEmpty {
            var name = [CChar](repeating: 0, count: 4_096)
            let count = readlink("/proc/self/fd/\(number)", &name, name.count - 1)
            guard count > 0, String(decoding: name.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self) == path
            else { continue }
            shared.append(dup(number))
        }
        defer { for number in shared { close(number) } }
        #expect(shared.count == 1)
        lock.close()
        try DirectoryLock.acquire(directory: directory.path).close()
    }
}
