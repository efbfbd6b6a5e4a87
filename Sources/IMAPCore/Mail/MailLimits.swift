// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What a message may cost to take apart.
///
/// A message that goes beyond a limit is not refused: each property says what is left out. So every message has a
/// structure, and the memory that holds it is bounded by these numbers and not by the message.
public struct MailLimits: Sendable, Hashable {
    /// How deep multiparts and embedded messages are opened; what is deeper is one opaque text part.
    ///
    /// Default 100.
    public var maximumNestingDepth: Int
    /// How many parts are recorded in one message; further parts are left out.
    ///
    /// Default 10,000.
    public var maximumPartCount: Int
    /// How many octets of one unfolded header field value are kept; the rest is cut off.
    ///
    /// Default 65,536.
    public var maximumFieldBytes: Int
    /// How many fields of one header are examined; later ones are ignored.
    ///
    /// Default 4,096.
    public var maximumFieldCount: Int
    /// How many octets of field values are kept in all of one message; fields beyond that are ignored.
    ///
    /// Default 2 MiB.
    public var maximumRetainedBytes: Int
    /// How many parameters of one MIME field are kept, continuations counted one by one.
    ///
    /// Default 128.
    public var maximumParameterCount: Int
    /// How many addresses of one address field are kept, group markers included.
    ///
    /// Default 4,096.
    public var maximumAddressCount: Int
    /// How long a boundary delimiter line may be, its white space included; a longer line is text.
    ///
    /// Default 998.
    public var maximumDelimiterBytes: Int

    /// Limits with the documented defaults.
    ///
    /// - Parameters:
    ///   - maximumNestingDepth: see the property; values below 1 count as 1.
    ///   - maximumPartCount: see the property; values below 1 count as 1.
    ///   - maximumFieldBytes: see the property.
    ///   - maximumFieldCount: see the property.
    ///   - maximumRetainedBytes: see the property.
    ///   - maximumParameterCount: see the property.
    ///   - maximumAddressCount: see the property.
    ///   - maximumDelimiterBytes: see the property.
    public init(
        maximumNestingDepth: Int = 100, maximumPartCount: Int = 10_000, maximumFieldBytes: Int = 65_536,
        maximumFieldCount: Int = 4_096, maximumRetainedBytes: Int = 2_097_152, maximumParameterCount: Int = 128,
        maximumAddressCount: Int = 4_096, maximumDelimiterBytes: Int = 998
    ) {
        self.maximumNestingDepth = max(1, maximumNestingDepth)
        self.maximumPartCount = max(1, maximumPartCount)
        self.maximumFieldBytes = maximumFieldBytes
        self.maximumFieldCount = maximumFieldCount
        self.maximumRetainedBytes = maximumRetainedBytes
        self.maximumParameterCount = maximumParameterCount
        self.maximumAddressCount = maximumAddressCount
        self.maximumDelimiterBytes = maximumDelimiterBytes
    }
}
