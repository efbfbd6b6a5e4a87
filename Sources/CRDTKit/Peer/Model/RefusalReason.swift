// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Why a link is closed: sent to the peer, logged and counted.
public struct RefusalReason: Hashable, Sendable, CustomStringConvertible {
    /// The kind of a reason; the set is open, so that later versions can add some.
    public struct Code: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
        /// The byte on the wire.
        public let rawValue: UInt8

        /// Makes a code from its byte; every byte is one.
        ///
        /// - Parameter rawValue: the byte.
        public init(rawValue: UInt8) { self.rawValue = rawValue }

        /// The peer speaks another version of the protocol or of the frames.
        public static let wrongVersion = Code(rawValue: 1)
        /// The peer is of another group or partition.
        public static let wrongGroup = Code(rawValue: 2)
        /// The peer's name is not among the members.
        public static let unknownMember = Code(rawValue: 3)
        /// The name in the greeting is not the one that the certificate proves.
        public static let wrongIdentity = Code(rawValue: 4)
        /// The peer's configuration contradicts this node's.
        public static let otherConfiguration = Code(rawValue: 5)
        /// The peer has this node's replica, or one that another member has: a store was copied.
        public static let clone = Code(rawValue: 6)
        /// The peer's clock is too far ahead.
        public static let clockTooFarAhead = Code(rawValue: 7)
        /// Bytes that are no message or no frame.
        public static let malformed = Code(rawValue: 8)
        /// A message that has no place in the protocol's order or breaks a limit.
        public static let protocolViolation = Code(rawValue: 9)
        /// A frame refers to something that its origin cannot know.
        public static let undefinedReference = Code(rawValue: 10)
        /// Two different frames claim the same operations.
        public static let fork = Code(rawValue: 11)
        /// A store lost operations that others hold: it must take a new incarnation.
        public static let staleLife = Code(rawValue: 12)
        /// The greeting did not come in time, or nothing came for too long.
        public static let timeout = Code(rawValue: 13)
        /// A newer link of the same direction took this one's place.
        public static let superseded = Code(rawValue: 14)
        /// The member was removed from the group.
        public static let removed = Code(rawValue: 15)
        /// This node's own state changed in a way that every link must start anew for.
        public static let restarting = Code(rawValue: 16)
        /// The store could not do what was asked of it.
        public static let storeFailure = Code(rawValue: 17)

        /// The code's name for logs and metrics, or its number.
        public var description: String {
            switch self {
            case .wrongVersion: "wrongVersion"
            case .wrongGroup: "wrongGroup"
            case .unknownMember: "unknownMember"
            case .wrongIdentity: "wrongIdentity"
            case .otherConfiguration: "otherConfiguration"
            case .clone: "clone"
            case .clockTooFarAhead: "clockTooFarAhead"
            case .malformed: "malformed"
            case .protocolViolation: "protocolViolation"
            case .undefinedReference: "undefinedReference"
            case .fork: "fork"
            case .staleLife: "staleLife"
            case .timeout: "timeout"
            case .superseded: "superseded"
            case .removed: "removed"
            case .restarting: "restarting"
            case .storeFailure: "storeFailure"
            default: "code\(rawValue)"
            }
        }
    }

    /// The kind.
    public var code: Code
    /// What happened, with the values that do not fit and the remedy where there is one.
    public var text: String

    /// Gives a reason.
    ///
    /// - Parameters:
    ///   - code: the kind.
    ///   - text: what happened.
    public init(_ code: Code, _ text: String) {
        self.code = code
        self.text = text
    }

    /// Whether trying again soon may help: a passing fault, not a configuration that has to be changed.
    ///
    /// The shell dials again with its usual backoff if so, else with its longest pause.
    public var isTransient: Bool {
        code == .timeout || code == .superseded || code == .restarting || code == .storeFailure
            || code == .staleLife
    }

    /// Code and text.
    public var description: String { "\(code): \(text)" }
}
