// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import IMAPCore
package import NIOCore

/// Puts what a session sends into the frames of a link to the server that has the client.
///
/// Without one, bytes go to the client as they are.
package protocol SessionFraming: Sendable {
    /// Writes bytes for the client.
    ///
    /// - Parameters:
    ///   - bytes: the bytes.
    ///   - output: where the frames go.
    func data(_ bytes: ByteBuffer, into output: inout ByteBuffer)

    /// Writes bytes for the client with the change of the ticket that they make.
    ///
    /// - Parameters:
    ///   - update: the change.
    ///   - bytes: the bytes.
    ///   - output: where the frame goes.
    func change(_ update: TicketUpdate, _ bytes: [UInt8], into output: inout ByteBuffer)

    /// Writes the end of the session.
    ///
    /// - Parameters:
    ///   - end: what is to become of the client.
    ///   - output: where the frame goes.
    func end(_ end: SessionEnd, into output: inout ByteBuffer)
}

/// How a session on a link ends.
package enum SessionEnd: Hashable, Sendable {
    /// The client's connection is to be closed.
    case closed
    /// Another server is to go on with the ticket; nothing was begun that was not answered.
    case released
}

/// What is gathered to be sent, in frames or bare.
struct SessionOutput {
    private let framing: (any SessionFraming)?
    private var bare = ByteBuffer()
    private var framed = ByteBuffer()

    init(framing: (any SessionFraming)?) { self.framing = framing }

    var isFramed: Bool { framing != nil }

    var readableBytes: Int { bare.readableBytes + framed.readableBytes }

    mutating func writeBytes(_ bytes: [UInt8]) { bare.writeBytes(bytes) }

    mutating func writeBytes(_ bytes: ArraySlice<UInt8>) { bare.writeBytes(bytes) }

    mutating func writeChange(_ update: TicketUpdate, _ bytes: [UInt8]) {
        guard let framing else {
            bare.writeBytes(bytes)
            return
        }
        seal()
        framing.change(update, bytes, into: &framed)
    }

    mutating func writeEnd(_ end: SessionEnd) {
        guard let framing else { return }
        seal()
        framing.end(end, into: &framed)
    }

    /// Takes all of it.
    mutating func take() -> ByteBuffer {
        seal()
        defer {
            bare = ByteBuffer()
            framed = ByteBuffer()
        }
        return isFramed ? framed : bare
    }

    private mutating func seal() {
        guard let framing, bare.readableBytes > 0 else { return }
        framing.data(bare, into: &framed)
        bare = ByteBuffer()
    }
}
