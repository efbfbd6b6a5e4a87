// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import IMAPCore
package import NIOCore

/// One frame of a front link; `docs/front-link.md` describes the bytes.
///
///     frame = length type payload      ; length: 32 bits, big-endian, of the payload; type: one octet
package enum FrontFrame: Hashable, Sendable {
    /// To a node: begin a session.
    case open(FrontPreamble)
    /// From a node: the session has begun.
    case ready
    /// From a node: the session has not begun; the connection ends.
    case refused(FrontFault)
    /// Both ways: octets of the client, or for it.
    case data(ByteBuffer)
    /// From a node: octets for the client, and the change of the ticket that they make.
    case change(TicketUpdate, ByteBuffer)
    /// From a node: the session goes on elsewhere; nothing was begun that was not answered.
    case release
    /// From a node: the client's connection is to be closed.
    case end
    /// To a node: are you there?
    case ping(UInt64)
    /// From a node: yes.
    case pong(UInt64)

    static let headerBytes = 5

    enum Kind: UInt8 {
        case open = 1
        case ready = 2
        case refused = 3
        case data = 4
        case change = 5
        case release = 6
        case end = 7
        case ping = 8
        case pong = 9
    }

    /// Writes the frame.
    ///
    /// - Parameter output: where it goes.
    package func write(into output: inout ByteBuffer) {
        switch self {
        case .open(let preamble): Self.write(.open, into: &output) { preamble.write(into: &$0) }
        case .ready: Self.write(.ready, into: &output) { _ in }
        case .refused(let fault):
            Self.write(.refused, into: &output) {
                $0.writeInteger(fault.code.rawValue)
                $0.writeBytes(fault.reason.utf8.prefix(1_000))
            }
        case .data(let bytes): Self.write(.data, into: &output) { $0.writeImmutableBuffer(bytes) }
        case .change(let update, let bytes):
            Self.write(.change, into: &output) {
                $0.writeInteger(UInt8(update.isComplete ? 1 : 0))
                $0.writeInteger(UInt32(clamping: update.bytes.count))
                $0.writeBytes(update.bytes)
                $0.writeImmutableBuffer(bytes)
            }
        case .release: Self.write(.release, into: &output) { _ in }
        case .end: Self.write(.end, into: &output) { _ in }
        case .ping(let number): Self.write(.ping, into: &output) { $0.writeInteger(number) }
        case .pong(let number): Self.write(.pong, into: &output) { $0.writeInteger(number) }
        }
    }

    private static func write(_ kind: Kind, into output: inout ByteBuffer, _ payload: (inout ByteBuffer) -> Void) {
        let start = output.writerIndex
        output.writeInteger(UInt32(0))
        output.writeInteger(kind.rawValue)
        payload(&output)
        output.setInteger(UInt32(clamping: output.writerIndex - start - headerBytes), at: start)
    }

    /// Takes a frame from what has come.
    ///
    /// - Parameters:
    ///   - input: what has come; a whole frame is taken, less than one is left.
    ///   - limits: the bounds.
    /// - Returns: the frame, or nil when more is needed.
    /// - Throws: ``FrontFault`` with `malformed` or `version`; nothing after it can be understood.
    package static func read(from input: inout ByteBuffer, limits: FrontLimits) throws(FrontFault) -> FrontFrame? {
        guard let length: UInt32 = input.getInteger(at: input.readerIndex),
            let type: UInt8 = input.getInteger(at: input.readerIndex + 4)
        else { return nil }
        guard let kind = Kind(rawValue: type) else { throw .malformed("a frame of the unknown type \(type)") }
        let limit = kind == .open ? limits.openBytes : limits.frameBytes
        guard length <= UInt32(clamping: limit) else {
            throw .malformed("a frame of \(length) octets; the limit is \(limit)")
        }
        guard input.readableBytes >= headerBytes + Int(length) else { return nil }
        input.moveReaderIndex(forwardBy: headerBytes)
        guard var payload = input.readSlice(length: Int(length)) else { return nil }
        return try frame(kind, &payload)
    }

    private static func frame(_ kind: Kind, _ payload: inout ByteBuffer) throws(FrontFault) -> FrontFrame {
        switch kind {
        case .open: return .open(try FrontPreamble(reading: &payload))
        case .data: return .data(payload)
        case .change: return try change(&payload)
        case .refused:
            guard let code: UInt8 = payload.readInteger() else { throw .malformed("an empty REFUSED") }
            let text = String(decoding: payload.readableBytesView.prefix(1_000), as: UTF8.self)
            // A newer node may have reasons that this one does not know.
            return .refused(FrontFault(code: FrontFault.Code(rawValue: code) ?? .unavailable, reason: text))
        case .ping, .pong:
            guard let number: UInt64 = payload.readInteger(), payload.readableBytes == 0 else {
                throw .malformed("a ping that is not 8 octets")
            }
            return kind == .ping ? .ping(number) : .pong(number)
        case .ready, .release, .end:
            guard payload.readableBytes == 0 else { throw .malformed("a frame with octets where none belong") }
            return kind == .ready ? .ready : kind == .release ? .release : .end
        }
    }

    private static func change(_ payload: inout ByteBuffer) throws(FrontFault) -> FrontFrame {
        guard let isComplete: UInt8 = payload.readInteger(), isComplete < 2,
            let count: UInt32 = payload.readInteger(), let bytes = payload.readBytes(length: Int(count))
        else { throw .malformed("a CHANGE that ends early") }
        return .change(TicketUpdate(isComplete: isComplete == 1, bytes: bytes), payload)
    }
}
