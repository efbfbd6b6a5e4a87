// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc

/// The process's standard streams, unbuffered: what is said is said at once, also into a pipe.
enum Console {
    /// Says something on standard output.
    static func say(_ text: String) { write(text, to: STDOUT_FILENO) }

    /// Says something on standard error.
    static func complain(_ text: String) { write(text, to: STDERR_FILENO) }

    private static func write(_ text: String, to descriptor: Int32) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            // Nobody listens: there is no better place to say it.
            guard count > 0 else { return }
            bytes = bytes.dropFirst(count)
        }
    }
}
