// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import FoundationEssentials
package import NodeSupport

/// What can be asked of a node about the members of a group.
package enum MemberRequest: Codable, Hashable, Sendable, CustomStringConvertible {
    /// Who the members are.
    case list
    /// Let a node take part.
    case add(name: String, addresses: [String])
    /// Let a node take part no longer.
    case remove(name: String)

    /// The request as the command line says it.
    package var description: String {
        switch self {
        case .list: "list"
        case .add(let name, let addresses): "add \(name) \(addresses.joined(separator: " "))"
        case .remove(let name): "remove \(name)"
        }
    }
}

/// A member of a group as a node knows it.
package struct MemberReport: Codable, Hashable, Sendable {
    /// The node's name.
    package var name: String
    /// The stripe of UIDs that only it assigns from.
    package var stripe: UInt8
    /// Where it takes links; empty if only the configuration says so.
    package var addresses: [String]
    /// Its replica, if it was ever heard of.
    package var replica: String?
    /// Whether it is the node that was asked.
    package var isAsked: Bool

    /// Describes a member.
    ///
    /// - Parameters:
    ///   - name: The node's name.
    ///   - stripe: Its stripe of UIDs.
    ///   - addresses: Where it takes links.
    ///   - replica: Its replica, if known.
    ///   - isAsked: Whether it is the node that was asked.
    package init(name: String, stripe: UInt8, addresses: [String], replica: String?, isAsked: Bool) {
        self.name = name
        self.stripe = stripe
        self.addresses = addresses
        self.replica = replica
        self.isAsked = isAsked
    }
}

/// What a node answers.
package enum MemberReply: Codable, Hashable, Sendable {
    /// The members after what was asked.
    case members(group: String, [MemberReport])
    /// Nothing was done, and why.
    case refused(String)
}

/// Requests and replies on the control socket: one JSON value on a line each way, one pair for each connection.
enum ControlCoding {
    /// The most bytes of a line.
    static let maximumLineBytes = 256 << 10

    static func line(_ value: some Encodable) throws(NodeError) -> [UInt8] {
        do { return try Array(StatusJSON.encoder(isPretty: false).encode(value)) + [0x0A] } catch {
            throw NodeError(.controlUnusable, "a message for the control socket has no JSON form", cause: error)
        }
    }

    static func value<Value: Decodable>(_ type: Value.Type, in line: [UInt8]) throws(NodeError) -> Value {
        do { return try JSONDecoder().decode(type, from: Data(line)) } catch {
            throw NodeError(.controlUnusable, "the control socket carries something else than \(type)", cause: error)
        }
    }
}

extension NodeError.Code {
    /// A node's control socket cannot be made, reached or understood.
    package static let controlUnusable = NodeError.Code("controlUnusable")
    /// A node refused what was asked of it.
    package static let controlRefused = NodeError.Code("controlRefused")
}
