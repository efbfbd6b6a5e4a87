// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What SyncJobs reports: a command that cannot be carried out, or a text or bytes that are not what they claim to be.
public struct JobError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kind of an error; more may be added.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        /// The code's name.
        public let description: String
        private init(_ description: String) { self.description = description }

        /// There is no job of that name.
        ///
        /// Scope: the command.
        public static let unknownJob = Code("unknownJob")
        /// The job is being removed: its run is ending and it takes no command any more.
        ///
        /// Scope: the command.
        public static let removing = Code("removing")
        /// The worker is stopping and starts nothing any more.
        ///
        /// Scope: the command.
        public static let stopping = Code("stopping")
        /// A text or bytes break a rule of their format.
        ///
        /// Scope: the value.
        public static let malformed = Code("malformed")
        /// A named limit is exceeded.
        ///
        /// Scope: the value.
        public static let limitExceeded = Code("limitExceeded")
        /// A rule that the library's own state must obey is broken; only ``JobMachine/checkInvariants()`` reports it.
        ///
        /// Scope: the process.
        public static let invariantBroken = Code("invariantBroken")
    }

    /// The kind.
    public let code: Code
    /// What happened, with the limit, the actual value and the remedy where there is one.
    public let message: String

    /// Creates an error.
    ///
    /// - Parameters:
    ///   - code: the kind.
    ///   - message: what happened.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The kind and what happened.
    public var description: String { "\(code): \(message)" }
}
