// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc

/// The process's standard streams, unbuffered: what is said is said at once, also into a pipe.
enum Console {
    /// Says something on standard output.
    static func say(_ text: String) { write(Array(text.utf8)[...], to: STDOUT_FILENO) }

    /// Says something on standard error.
    static func complain(_ text: String) { write(Array(text.utf8)[...], to: STDERR_FILENO) }

    /// Writes bytes to standard output as they are.
    ///
    /// - Returns: whether somebody still reads them.
    @discardableResult
    static func write(_ bytes: some Sequence<UInt8>) -> Bool { write(Array(bytes)[...], to: STDOUT_FILENO) }

    /// Whether standard output is a terminal, where control characters do things.
    static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

    /// A text from outside without the characters that a terminal obeys.
    static func plain(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isControl) else { return text }
        var clean = String.UnicodeScalarView()
        for scalar in text.unicodeScalars { clean.append(isControl(scalar) ? "\u{FFFD}" : scalar) }
        return String(clean)
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
    }

    @discardableResult
    private static func write(_ text: ArraySlice<UInt8>, to descriptor: Int32) -> Bool {
        var bytes = text
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            // Nobody listens: there is no better place to say it.
            guard count > 0 else { return false }
            bytes = bytes.dropFirst(count)
        }
        return true
    }
}
