// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// One element of an address list as ENVELOPE shows it (RFC 3501 section 7.4.2).
///
/// A group is a start marker, its members, and an end marker. All values are the octets of the header, with quoting
/// resolved and encoded words left as they are.
public struct MailAddress: Sendable, Hashable {
    /// The display name.
    public var name: [UInt8]?
    /// The obsolete source route, `@a,@b` (RFC 5322 section 4.4).
    public var route: [UInt8]?
    /// The local part; the group's name in a group start; nil in a group end.
    public var mailbox: [UInt8]?
    /// The domain; nil only in group markers.
    ///
    /// An address without a domain has an empty one.
    public var host: [UInt8]?

    /// An address or marker.
    ///
    /// - Parameters:
    ///   - name: the display name.
    ///   - route: the source route.
    ///   - mailbox: the local part.
    ///   - host: the domain.
    public init(name: [UInt8]?, route: [UInt8]?, mailbox: [UInt8]?, host: [UInt8]?) {
        self.name = name
        self.route = route
        self.mailbox = mailbox
        self.host = host
    }

    /// The marker that begins a group.
    ///
    /// - Parameter name: the group's name.
    /// - Returns: the marker.
    public static func groupStart(_ name: [UInt8]) -> MailAddress {
        MailAddress(name: nil, route: nil, mailbox: name, host: nil)
    }

    /// The marker that ends a group.
    public static let groupEnd = MailAddress(name: nil, route: nil, mailbox: nil, host: nil)

    /// Whether this is a group start or a group end.
    public var isGroupMarker: Bool { host == nil }
}
