// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import NIOCore

/// Who a session on a front link is for: what a distributor says first.
package struct FrontPreamble: Hashable, Sendable {
    /// The version of the protocol.
    package static let version: UInt8 = 1

    /// The user's name, as the directory of users spells it.
    package var user: String
    /// The user's number in that directory.
    package var userID: Int64
    /// The group of replicas that has the user's mail.
    package var group: String
    /// The client's address, for logs.
    package var client: String
    /// How the client's connection is protected, such as `TLSv1.3`; empty when it is not.
    package var protection: String
    /// The ticket of a session that goes on; nil for a new one.
    package var ticket: [UInt8]?

    /// Describes a session.
    ///
    /// - Parameters:
    ///   - user: the user's name.
    ///   - userID: the user's number.
    ///   - group: the group that has the user's mail.
    ///   - client: the client's address.
    ///   - protection: how the client's connection is protected.
    ///   - ticket: the ticket of a session that goes on.
    package init(
        user: String, userID: Int64, group: String, client: String, protection: String, ticket: [UInt8]? = nil
    ) {
        self.user = user
        self.userID = userID
        self.group = group
        self.client = client
        self.protection = protection
        self.ticket = ticket
    }

    /// Writes the payload of an OPEN frame.
    func write(into output: inout ByteBuffer) {
        output.writeInteger(Self.version)
        for text in [user, group, client, protection] {
            let bytes = Array(text.utf8.prefix(Int(UInt16.max)))
            output.writeInteger(UInt16(clamping: bytes.count))
            output.writeBytes(bytes)
        }
        output.writeInteger(userID)
        output.writeInteger(UInt8(ticket == nil ? 0 : 1))
        if let ticket {
            output.writeInteger(UInt32(clamping: ticket.count))
            output.writeBytes(ticket)
        }
    }

    /// Reads the payload of an OPEN frame.
    init(reading input: inout ByteBuffer) throws(FrontFault) {
        guard let version: UInt8 = input.readInteger() else { throw FrontFault.malformed("an empty OPEN") }
        guard version == Self.version else {
            throw FrontFault(
                code: .version, reason: "version \(version) of the front link; this node speaks \(Self.version)")
        }
        user = try Self.text(&input, "the user's name", atMost: 255)
        group = try Self.text(&input, "the group's name", atMost: 255)
        client = try Self.text(&input, "the client's address", atMost: 255)
        protection = try Self.text(&input, "the protection", atMost: 64)
        guard let userID: Int64 = input.readInteger(), let isResumed: UInt8 = input.readInteger(), isResumed < 2 else {
            throw FrontFault.malformed("an OPEN that ends early")
        }
        self.userID = userID
        if isResumed == 1 {
            guard let count: UInt32 = input.readInteger(), let bytes = input.readBytes(length: Int(count)) else {
                throw FrontFault.malformed("an OPEN whose ticket ends early")
            }
            ticket = bytes
        }
        guard input.readableBytes == 0 else { throw FrontFault.malformed("an OPEN with more behind it") }
    }

    private static func text(_ input: inout ByteBuffer, _ what: String, atMost limit: Int) throws(FrontFault) -> String
    {
        guard let count: UInt16 = input.readInteger(), let bytes = input.readBytes(length: Int(count)) else {
            throw FrontFault.malformed("\(what) ends early")
        }
        guard bytes.count <= limit, let text = String(validating: bytes, as: UTF8.self) else {
            throw FrontFault.malformed("\(what) is no text of at most \(limit) octets")
        }
        return text
    }
}
