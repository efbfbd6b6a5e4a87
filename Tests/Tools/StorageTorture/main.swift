// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import CRDTKit
import Glibc
import Storage

// A program for the storage tests to kill, to starve of disk and to lock out:
//     storage-torture write DIRECTORY        numbered batches into a log and an engine; each number is printed once it is durable in both
//     storage-torture hold DIRECTORY         takes the directory's lock, says so, and waits for the end of its input
//     storage-torture fill DIRECTORY BYTES   meets a file size limit in the log and in the engine, and goes on when it is lifted

let arguments = CommandLine.arguments
do {
    switch (arguments.dropFirst().first, arguments.count) {
    case ("write", 3): try await writeForEver(arguments[2])
    case ("hold", 3): try hold(arguments[2])
    case ("fill", 4): try await fill(arguments[2], limit: UInt64(arguments[3]) ?? 0)
    default: throw StorageError(.invalidState, "usage: storage-torture write|hold|fill DIRECTORY [BYTES]")
    }
} catch {
    say("error \(error)")
    exit(1)
}
