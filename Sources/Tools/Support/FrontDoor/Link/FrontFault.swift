// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Why a front link, or a session on it, is refused or ends.
package struct FrontFault: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kind of fault; its number is sent.
    package enum Code: UInt8, Hashable, Sendable, CaseIterable {
        /// The frames make no sense, or are too large.
        case malformed = 1
        /// The versions of the two ends differ.
        case version = 2
        /// The other end's certificate is not of a role, or name, that may do this.
        case role = 3
        /// This node does not have the group.
        case group = 4
        /// The ticket cannot be read here.
        case ticket = 5
        /// Too many sessions, or the node is ending.
        case overloaded = 6
        /// The user's mail cannot be read at the moment.
        case unavailable = 7
        /// The connection could not be made, or was lost.
        case unreachable = 8
        /// The other end took too long.
        case timeout = 9
    }

    /// The kind of fault.
    package let code: Code
    /// What happened, for a log.
    package let reason: String

    /// Describes a fault.
    ///
    /// - Parameters:
    ///   - code: the kind of fault.
    ///   - reason: what happened.
    package init(code: Code, reason: String) {
        self.code = code
        self.reason = reason
    }

    static func malformed(_ reason: String) -> FrontFault { FrontFault(code: .malformed, reason: reason) }

    /// The kind and the reason.
    package var description: String { "\(code): \(reason)" }
}
