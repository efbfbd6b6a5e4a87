// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc

/// An error of the code around the kits: files, addresses, certificates, users, metrics.
///
/// Scope: the operation that threw it. Start-up code prints `description` and ends the process; a running service logs
/// it and goes on. No error of this type carries a password, a key or mail in its text.
package struct NodeError: Error, Sendable, CustomStringConvertible {
    /// What kind of thing went wrong; callers decide on this, never on the text.
    package struct Code: Hashable, Sendable, CustomStringConvertible {
        /// The code's stable name.
        package let name: String

        /// Creates a code.
        ///
        /// - Parameter name: A stable lower-camel-case name.
        package init(_ name: String) {
            self.name = name
        }

        /// The code's stable name.
        package var description: String { name }

        /// Text that should be `HOST:PORT` is not.
        package static let addressInvalid = Code("addressInvalid")
        /// A host name or address cannot stand in a certificate.
        package static let hostInvalid = Code("hostInvalid")
        /// An address cannot be listened on.
        package static let addressUnavailable = Code("addressUnavailable")
        /// A file that must be there is not.
        package static let fileMissing = Code("fileMissing")
        /// A file cannot be opened or read.
        package static let fileUnreadable = Code("fileUnreadable")
        /// A file cannot be written, synced or renamed.
        package static let fileUnwritable = Code("fileUnwritable")
        /// A file is larger than its named limit.
        package static let fileTooLarge = Code("fileTooLarge")
        /// A directory cannot be made or used.
        package static let directoryUnusable = Code("directoryUnusable")
        /// A PEM file holds no usable certificate or key.
        package static let pemMalformed = Code("pemMalformed")
        /// A private key does not belong to its certificate.
        package static let keyMismatch = Code("keyMismatch")
        /// A certificate authority cannot sign: it expired or its key is absent.
        package static let authorityUnusable = Code("authorityUnusable")
        /// A certificate in the store was made by somebody else and is not overwritten.
        package static let certificateForeign = Code("certificateForeign")
        /// The TLS library refused certificate, key or settings.
        package static let tlsUnusable = Code("tlsUnusable")
        /// A password is empty or longer than its limit.
        package static let passwordInvalid = Code("passwordInvalid")
        /// A stored password hash is malformed or asks for more than the limits.
        package static let passwordHashMalformed = Code("passwordHashMalformed")
        /// A user name is empty, too long or holds a forbidden character.
        package static let userNameInvalid = Code("userNameInvalid")
        /// A line of the users file cannot be used.
        package static let usersFileMalformed = Code("usersFileMalformed")
        /// A metric's name, labels or buckets break the exposition format, or clash.
        package static let metricInvalid = Code("metricInvalid")
        /// A log level's name is not known.
        package static let logLevelUnknown = Code("logLevelUnknown")
    }

    /// Where in our sources the error was made.
    package struct Location: Hashable, Sendable, CustomStringConvertible {
        /// Module and file, as `#fileID` gives them.
        package let fileID: String
        /// The line, from 1.
        package let line: Int

        /// `FILE:LINE`.
        package var description: String { "\(fileID):\(line)" }
    }

    /// What kind of thing went wrong.
    package let code: Code
    /// What was wrong where (file and line of the input), which limit, and what to do about it; one line for a person.
    package let message: String
    /// The error underneath, when there is one.
    package let cause: (any Error)?
    /// Where in our sources the error was made.
    package let location: Location

    /// Creates an error.
    ///
    /// - Parameters:
    ///   - code: What kind of thing went wrong.
    ///   - message: One line for a person: what, where, which limit, the remedy.
    ///   - cause: The error underneath.
    ///   - fileID: Filled in by the compiler.
    ///   - line: Filled in by the compiler.
    package init(
        _ code: Code, _ message: String, cause: (any Error)? = nil, fileID: String = #fileID, line: Int = #line
    ) {
        self.code = code
        self.message = message
        self.cause = cause
        self.location = Location(fileID: fileID, line: line)
    }

    /// Creates an error from a failed system call.
    ///
    /// - Parameters:
    ///   - code: What kind of thing went wrong.
    ///   - message: What was tried, and on what.
    ///   - errno: The number that the call left.
    ///   - remedy: What to do about it.
    ///   - fileID: Filled in by the compiler.
    ///   - line: Filled in by the compiler.
    /// - Returns: The error.
    package static func system(
        _ code: Code, _ message: String, errno: Int32, remedy: String, fileID: String = #fileID, line: Int = #line
    ) -> NodeError {
        NodeError(
            code, "\(message): \(String(cString: strerror(errno))) (errno \(errno)); \(remedy)", fileID: fileID,
            line: line)
    }

    /// The message, followed by the cause when there is one.
    package var description: String {
        guard let cause else { return message }
        return "\(message) (cause: \(cause))"
    }
}
