// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import SyncJobs
internal import Glibc

/// Why a step of a run failed.
///
/// Scope: one step of one run. The message is what people see as the mirror's error; it holds no password.
package struct RunFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kind of failure; decides whether the run is tried again.
    package var failure: FailureClass
    /// What went wrong, for a person.
    package var message: String

    /// Creates a failure.
    ///
    /// - Parameters:
    ///   - failure: the kind of failure.
    ///   - message: what went wrong.
    package init(_ failure: FailureClass, _ message: String) {
        self.failure = failure
        self.message = message
    }

    /// The failure of a system call.
    ///
    /// - Parameters:
    ///   - what: what was tried, such as "open /var/log/mirror/a.log".
    ///   - code: the error number that it left.
    /// - Returns: a failure that says so; of a kind that fits the error number.
    static func system(_ what: String, _ code: Int32) -> RunFailure {
        let failure: FailureClass
        switch code {
        case EAGAIN, EBUSY, EINTR, EMFILE, ENFILE, ENOMEM, ETIMEDOUT, EIO: failure = .transient
        case ENAMETOOLONG, EINVAL, ENOTDIR, ELOOP, E2BIG: failure = .configuration
        default: failure = .permanent
        }
        return RunFailure(failure, "\(what): \(SystemText.error(code))")
    }

    package var description: String { message }
}

/// Texts of the system for people.
enum SystemText {
    /// The text of an error number, such as "no such file or directory".
    static func error(_ code: Int32) -> String {
        var text = [CChar](repeating: 0, count: 256)
        guard strerror_r(code, &text, text.count) == 0 else { return "error \(code)" }
        return lowered(String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
    }

    private static func lowered(_ text: String) -> String {
        guard let first = text.first else { return text }
        return first.lowercased() + text.dropFirst()
    }
}
