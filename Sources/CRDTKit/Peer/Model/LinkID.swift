// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// One connection between two members of a group, as the shell numbers them; a number is never used again in a process.
///
/// A link is dialled by the node that sends operations on it. Each pair of nodes has two, one for each direction.
public struct LinkID: Hashable, Sendable, CustomStringConvertible {
    /// The shell's number of the link.
    public let rawValue: UInt64

    /// Wraps a number.
    ///
    /// - Parameter rawValue: the number, new for every connection.
    public init(_ rawValue: UInt64) { self.rawValue = rawValue }

    /// The number in decimal.
    public var description: String { String(rawValue) }
}

/// Who dialled a link, and so in which direction operations travel on it.
public enum LinkDirection: UInt8, Hashable, Sendable {
    /// This node dialled and sends operations.
    case outgoing
    /// The peer dialled; this node receives operations.
    case incoming
}
