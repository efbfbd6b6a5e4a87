// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import IMAPCore
internal import IMAPService
internal import NIOCore

/// How a node's session puts what it sends onto a front link.
struct FrontSessionFraming: SessionFraming {
    let limits: FrontLimits

    func data(_ bytes: ByteBuffer, into output: inout ByteBuffer) {
        var rest = bytes
        while rest.readableBytes > 0, let part = rest.readSlice(length: min(rest.readableBytes, limits.dataBytes)) {
            FrontFrame.data(part).write(into: &output)
        }
    }

    func change(_ update: TicketUpdate, _ bytes: [UInt8], into output: inout ByteBuffer) {
        FrontFrame.change(update, ByteBuffer(bytes: bytes)).write(into: &output)
    }

    func end(_ end: SessionEnd, into output: inout ByteBuffer) {
        switch end {
        case .closed: FrontFrame.end.write(into: &output)
        case .released: FrontFrame.release.write(into: &output)
        }
    }
}
