// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// A media type with its parameters, the value of Content-Type (RFC 2045 section 5).
public struct MediaType: Sendable, Hashable {
    /// The top-level type in lower case.
    public var type: [UInt8]
    /// The subtype in lower case.
    public var subtype: [UInt8]
    /// The parameters in the order of their first appearance.
    public var parameters: [MIMEParameter]

    /// A media type.
    ///
    /// - Parameters:
    ///   - type: the top-level type in lower case.
    ///   - subtype: the subtype in lower case.
    ///   - parameters: the parameters.
    public init(type: [UInt8], subtype: [UInt8], parameters: [MIMEParameter] = []) {
        self.type = type
        self.subtype = subtype
        self.parameters = parameters
    }

    /// `text/plain; charset=us-ascii`, what a part is that does not say otherwise (RFC 2045 section 5.2).
    public static let plainText = MediaType(
        type: Array("text".utf8), subtype: Array("plain".utf8),
        parameters: [MIMEParameter(name: Array("charset".utf8), value: Array("us-ascii".utf8))])

    /// `message/rfc822`, what a part of a digest is that does not say otherwise (RFC 2046 section 5.1.5).
    public static let embeddedMessage = MediaType(type: Array("message".utf8), subtype: Array("rfc822".utf8))

    /// Whether this is `multipart/*`.
    public var isMultipart: Bool { MailASCII.isEqualIgnoringCase(type, "multipart") }

    /// Whether this is `text/*`.
    public var isText: Bool { MailASCII.isEqualIgnoringCase(type, "text") }

    /// Whether this is `message/rfc822` or `message/global` (RFC 6532 section 3.7), whose body is a message.
    public var isMessage: Bool {
        isOfMessageType
            && (MailASCII.isEqualIgnoringCase(subtype, "rfc822") || MailASCII.isEqualIgnoringCase(subtype, "global"))
    }

    /// Whether this is `message/*`.
    var isOfMessageType: Bool { MailASCII.isEqualIgnoringCase(type, "message") }

    /// Whether this is `multipart/digest`.
    var isDigest: Bool { isMultipart && MailASCII.isEqualIgnoringCase(subtype, "digest") }

    /// The value of a parameter, the extended form of RFC 2231 before the plain one.
    ///
    /// - Parameter name: the name in lower case.
    /// - Returns: the value's octets, or nil when there is no such parameter.
    public func parameter(_ name: [UInt8]) -> [UInt8]? { MIMEParameter.value(of: name, in: parameters) }
}
