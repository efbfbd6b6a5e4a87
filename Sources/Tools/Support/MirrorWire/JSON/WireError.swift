// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Why a document cannot be read.
package struct WireError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The sort of failure.
    package enum Code: Hashable, Sendable {
        /// It is not JSON.
        case malformed
        /// It is longer, deeper or has more parts than a named limit.
        case limitExceeded
        /// A member has another type than it must have.
        case wrongType
        /// A member has a value that nobody knows.
        case unknownValue
        /// A member that must be there is not.
        case missing
    }

    /// The sort of failure.
    package let code: Code
    /// What is wrong where, in words for whoever sent it.
    package let message: String

    /// Creates an error.
    ///
    /// - Parameters:
    ///   - code: the sort of failure.
    ///   - message: what is wrong where.
    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}
