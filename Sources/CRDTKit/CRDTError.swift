// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What CRDTKit reports: a precondition that does not hold, or bytes that are not what they claim to be.
public struct CRDTError: Error, Sendable, CustomStringConvertible {
    /// The kind of an error; more may be added.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        /// The code's name.
        public let description: String
        private init(_ description: String) { self.description = description }

        /// The mailbox does not exist.
        ///
        /// Scope: the command.
        public static let noSuchMailbox = Code("noSuchMailbox")
        /// The name is taken.
        ///
        /// Scope: the command.
        public static let mailboxExists = Code("mailboxExists")
        /// The message does not exist.
        ///
        /// Scope: the command.
        public static let noSuchMessage = Code("noSuchMessage")
        /// The mailbox may not be changed in this way (INBOX).
        ///
        /// Scope: the command.
        public static let notPermitted = Code("notPermitted")
        /// A named limit is reached.
        ///
        /// Scope: the command or the frame.
        public static let limitExceeded = Code("limitExceeded")
        /// Bytes that are not a frame or a record.
        ///
        /// Scope: the stream.
        public static let malformed = Code("malformed")
        /// A format of a later version.
        ///
        /// Scope: the stream.
        public static let unsupportedVersion = Code("unsupportedVersion")
        /// A frame refers to something that its origin's stream never defined.
        ///
        /// Scope: the stream.
        public static let undefinedReference = Code("undefinedReference")
        /// A peer's clock is too far ahead.
        ///
        /// Scope: the frame.
        public static let clockTooFarAhead = Code("clockTooFarAhead")
        /// Two different frames claim the same operations.
        ///
        /// Scope: the replica.
        public static let fork = Code("fork")
        /// The store cannot take anything at the moment (its log failed, it is closing); what was refused is to be sent again.
        ///
        /// Scope: the process.
        public static let unavailable = Code("unavailable")
    }

    /// The kind.
    public let code: Code
    /// What happened, with the limit, the actual value and the remedy where there is one; never a credential or mail.
    public let message: String

    /// Makes an error.
    ///
    /// - Parameters:
    ///   - code: the kind.
    ///   - message: what happened.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// Code and message.
    public var description: String { "\(code): \(message)" }
}
