// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import Synchronization

/// Where log lines go: one file descriptor, one `write` per line, one line at a time.
///
/// A full pipe that is set to non-blocking is waited for, but not longer than ``maximumWaitMilliseconds``; then the
/// line is dropped and counted, because a log reader that hangs must not stop mail.
package final class LogOutput: Sendable {
    /// The longest wait for a full non-blocking pipe, for one line.
    package static let maximumWaitMilliseconds: Int32 = 100

    private struct State {
        var droppedLines = 0
    }

    private let descriptor: Int32
    private let state = Mutex(State())

    /// Writes to a descriptor, which stays the caller's to close.
    ///
    /// - Parameter descriptor: An open descriptor; 2 is standard error.
    package init(descriptor: Int32 = STDERR_FILENO) {
        self.descriptor = descriptor
    }

    /// How many lines could not be written.
    package var droppedLines: Int {
        state.withLock { $0.droppedLines }
    }

    /// Writes one line.
    ///
    /// - Parameter line: The bytes, with the line feed at their end.
    package func write(_ line: [UInt8]) {
        state.withLock { state in
            if !writeWhole(line) { state.droppedLines += 1 }
        }
    }

    private func writeWhole(_ line: [UInt8]) -> Bool {
        var offset = 0
        while offset < line.count {
            let outcome = line.withUnsafeBytes { buffer in
                let rest = UnsafeRawBufferPointer(rebasing: buffer[offset...])
                return SystemCall.retrying { Glibc.write(descriptor, rest.baseAddress, rest.count) }
            }
            switch outcome {
            case .value(let written): offset += written
            case .failed(EAGAIN):
                var waiter = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                guard poll(&waiter, 1, Self.maximumWaitMilliseconds) > 0 else { return false }
            case .failed: return false
            }
        }
        return true
    }
}
