// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import Glibc

/// The least that durable appending takes: one file, one thread, pwrite and fdatasync in turns.
final class CommitLoop {
    private let path: String
    private let file: Int32
    private var offset = 0

    /// Makes the file.
    init(path: String) throws {
        self.path = path
        file = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw BenchFailure("\(path): \(String(cString: strerror(errno)))") }
    }

    deinit {
        close(file)
        unlink(path)
    }

    /// Appends so many bytes in commits of the same size.
    func run(bytes: Int, perCommit: Int) throws {
        let piece = [UInt8](unsafeUninitializedCapacity: perCommit) { buffer, count in
            for index in 0..<perCommit { buffer[index] = UInt8(truncatingIfNeeded: index &* 31) }
            count = perCommit
        }
        // Each run begins with an empty file, as a log of segments does every now and then.
        guard ftruncate(file, 0) == 0 else { throw BenchFailure("\(path): \(String(cString: strerror(errno)))") }
        offset = 0
        var left = bytes
        while left > 0 {
            let count = min(left, perCommit)
            guard pwrite(file, piece, count, offset) == count, fdatasync(file) == 0 else {
                throw BenchFailure("\(path): \(String(cString: strerror(errno)))")
            }
            offset += count
            left -= count
        }
    }

    /// Appends a little and makes it durable, so many times: the nanoseconds of each, ascending.
    func latencies(count: Int, bytes: Int) throws -> [UInt64] {
        let piece = [UInt8](repeating: 0x5a, count: bytes)
        var found: [UInt64] = []
        for _ in 0..<count {
            let began = MonotonicClock.now()
            guard pwrite(file, piece, bytes, offset) == bytes, fdatasync(file) == 0 else {
                throw BenchFailure("\(path): \(String(cString: strerror(errno)))")
            }
            offset += bytes
            found.append(MonotonicClock.now() - began)
        }
        return found.sorted()
    }
}
