// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What went wrong with input that this module was given.
///
/// Incomplete input is never an error. The message names what was found, which limit it broke and its value; it never
/// contains a credential, a mailbox's content or other bytes of the client beyond a command's name.
public struct IMAPError: Error, Hashable, Sendable {
    /// What an error is about.
    ///
    /// More codes may be added, also by other parts of the program.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        /// The code's name, for logs and metrics.
        public let description: String

        /// Makes a code.
        ///
        /// - Parameter name: its name in lower camel case.
        public init(_ name: String) { self.description = name }

        /// The bytes do not follow the grammar.
        public static let syntax = Code("syntax")
        /// The command's name is not known.
        public static let unknownCommand = Code("unknownCommand")
        /// The command asks for a feature that this server does not have.
        public static let unsupported = Code("unsupported")
        /// A line is longer than allowed.
        public static let lineTooLong = Code("lineTooLong")
        /// A literal that is an ordinary argument is longer than allowed.
        public static let literalTooBig = Code("literalTooBig")
        /// A message to be appended is longer than allowed.
        public static let messageTooBig = Code("messageTooBig")
        /// A non-synchronising literal is longer than LITERAL- allows.
        public static let nonSynchronizingLiteralTooBig = Code("nonSynchronizingLiteralTooBig")
        /// A command with all its literals is longer than allowed.
        public static let commandTooLong = Code("commandTooLong")
        /// A list has more elements than allowed.
        public static let tooManyElements = Code("tooManyElements")
        /// Search keys are nested deeper than allowed.
        public static let nestedTooDeep = Code("nestedTooDeep")
        /// A NUL byte stands where none may stand.
        public static let nulByte = Code("nulByte")
        /// Text is not the base64 form that SASL asks for.
        public static let invalidBase64 = Code("invalidBase64")
        /// A mailbox name is not modified UTF-7, holds control characters, or is empty or too long.
        public static let invalidMailboxName = Code("invalidMailboxName")
        /// SEARCH names a charset that this server does not have.
        public static let unsupportedCharset = Code("unsupportedCharset")
        /// CREATE asks for a special use that this server does not have.
        public static let unsupportedUse = Code("unsupportedUse")
        /// Another line than DONE came during IDLE.
        public static let idleInterrupted = Code("idleInterrupted")
        /// What follows in the stream cannot be made sense of.
        public static let lostFraming = Code("lostFraming")
    }

    /// How far an error reaches.
    public enum Scope: Hashable, Sendable {
        /// The command fails; the connection goes on.
        case command
        /// The connection has to end with a BYE.
        case connection
    }

    /// What the error is about.
    public let code: Code
    /// What was found, for a person: printable ASCII without line breaks.
    public let message: String
    /// How far the error reaches.
    public let scope: Scope
    /// The tag of the command, when it could be read.
    public var tag: Tag?
    /// The response code that tells a program what to do, if there is one.
    public let responseCode: ResponseCode?
    /// The byte of the command, from 0, at which the error was seen.
    public let location: Int?

    /// Describes an error.
    ///
    /// - Parameters:
    ///   - code: what the error is about.
    ///   - message: what was found, which limit it broke, what to do.
    ///   - scope: how far the error reaches.
    ///   - tag: the tag of the command, when it could be read.
    ///   - responseCode: the response code for the client, if there is one.
    ///   - location: the byte of the command at which the error was seen.
    public init(
        code: Code, message: String, scope: Scope = .command, tag: Tag? = nil, responseCode: ResponseCode? = nil,
        location: Int? = nil
    ) {
        self.code = code
        self.message = message
        self.scope = scope
        self.tag = tag
        self.responseCode = responseCode
        self.location = location
    }
}

extension IMAPError {
    /// The status that answers the error: the one place that decides between NO, BAD and BYE.
    ///
    /// NO (RFC 3501 section 7.1.2) for what is well-formed but cannot be done, BAD (section 7.1.3) for what is not
    /// well-formed or breaks a limit of the protocol, BYE (section 7.1.5) for what ends the connection.
    public var status: ResponseStatus {
        guard scope == .command else { return .bye }
        switch code {
        case .messageTooBig, .invalidMailboxName, .unsupportedCharset, .unsupportedUse: return .no
        default: return .bad
        }
    }

    /// Returns the same error with a tag, unless it already has one.
    ///
    /// - Parameter tag: the tag to add.
    /// - Returns: the error with a tag.
    public func tagged(_ tag: Tag?) -> IMAPError {
        var copy = self
        copy.tag = self.tag ?? tag
        return copy
    }
}

extension IMAPError: CustomStringConvertible {
    /// The code, the message and the position.
    public var description: String {
        "\(code): \(message)" + (location.map { " (at byte \($0))" } ?? "")
    }
}
