// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Glibc
@testable import NodeSupport

/// A pipe that collects what is logged.
final class Pipe: Sendable {
    let readEnd: Int32
    let writeEnd: Int32
    let output: LogOutput

    init() {
        var ends: [Int32] = [0, 0]
        precondition(pipe(&ends) == 0)
        (readEnd, writeEnd) = (ends[0], ends[1])
        output = LogOutput(descriptor: ends[1])
    }

    deinit {
        close(readEnd)
        close(writeEnd)
    }

    /// What has been written so far, as lines without their line feeds. The pipe must hold less than its capacity of 64 KiB.
    func lines() -> [String] {
        _ = fcntl(readEnd, F_SETFL, O_NONBLOCK)
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(readEnd, &chunk, chunk.count)
            guard count > 0 else { break }
            bytes += chunk[..<count]
        }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }
}
