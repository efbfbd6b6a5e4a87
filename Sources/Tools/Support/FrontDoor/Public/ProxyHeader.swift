// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import NIOCore

/// The header that a load balancer puts in front of a connection to say whom it is for ("The PROXY protocol", version 2,
/// section 2.2).
///
///     header = signature (12 octets) version-command family-protocol length (16 bits) addresses *TLV
enum ProxyHeader: Hashable {
    /// The connection is for this client.
    case client(String)
    /// The balancer speaks for itself (LOCAL), or of a protocol without addresses: the connection's own address counts.
    case local

    /// Why there is no header.
    enum Fault: Error, Hashable {
        case signature
        case version(UInt8)
        case family(UInt8)
        case length(Int)
    }

    static let signature: [UInt8] = [0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A]

    /// The most octets behind the first 16: addresses and what balancers add.
    static let maximumLength = 2_048

    /// Reads a header.
    ///
    /// - Parameter input: what has come; a whole header is taken from it, less than one is left.
    /// - Returns: the header, or nil when more is needed.
    /// - Throws: ``Fault``, as soon as it is clear that no header comes.
    static func read(from input: inout ByteBuffer) throws(Fault) -> ProxyHeader? {
        let begin = input.readableBytesView.prefix(signature.count)
        guard signature.starts(with: begin) else { throw .signature }
        let start = input.readerIndex
        guard let versionAndCommand: UInt8 = input.getInteger(at: start + 12) else { return nil }
        guard versionAndCommand >> 4 == 2, versionAndCommand & 0x0F <= 1 else { throw .version(versionAndCommand) }
        guard let family: UInt8 = input.getInteger(at: start + 13),
            let length: UInt16 = input.getInteger(at: start + 14)
        else { return nil }
        guard length <= maximumLength else { throw .length(Int(length)) }
        let isLocal = versionAndCommand & 0x0F == 0
        let needed: Int
        switch family {
        case 0x00: needed = 0
        case 0x11: needed = 12
        case 0x21: needed = 36
        default:
            guard isLocal else { throw .family(family) }
            needed = 0
        }
        guard isLocal || length >= needed else { throw .length(Int(length)) }
        guard input.readableBytes >= 16 + Int(length) else { return nil }
        input.moveReaderIndex(forwardBy: 16)
        guard let body = input.readSlice(length: Int(length)), !isLocal, needed > 0,
            let bytes = body.getBytes(at: body.readerIndex, length: needed == 12 ? 4 : 16),
            let address = try? SocketAddress(packedIPAddress: ByteBuffer(bytes: bytes), port: 0).ipAddress
        else { return .local }
        return .client(address)
    }
}
