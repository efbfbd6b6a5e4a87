// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import MirrorWire

/// What the manager keeps of a worker for good.
package struct WorkerRecord: WireDocument, Hashable {
    /// The longest id in bytes; keys of the history, which hold a mirror's name too, must fit the engine.
    static let maximumIDBytes = 200

    /// What it registered.
    package var worker: Worker
    /// What tells its outbox from an earlier one.
    package var outbox: String
    /// The number of the last event of that outbox that was taken in.
    package var lastSequence: UInt64
    /// The address that it registered from.
    package var peer: String

    /// Describes a worker.
    package init(worker: Worker, outbox: String = "", lastSequence: UInt64 = 0, peer: String = "") {
        self.worker = worker
        self.outbox = outbox
        self.lastSequence = lastSequence
        self.peer = peer
    }

    package init(_ fields: JSONFields) throws(WireError) {
        worker = try Worker(fields)
        outbox = try fields.string("outbox")
        lastSequence = try fields.count("last_seq") ?? 0
        peer = try fields.string("peer")
    }

    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            worker.writeMembers(to: &writer)
            writer.name("outbox")
            writer.string(outbox)
            writer.name("last_seq")
            writer.number(lastSequence)
            writer.name("peer")
            writer.string(peer)
        }
    }

    /// Whether it is a worker of tunasync, which knows neither our verbs nor our routes.
    var isLegacy: Bool { worker.incarnation.isEmpty }

    /// Whether a text can be a worker's id: it is a part of paths and keys.
    static func isID(_ text: String) -> Bool {
        let bytes = text.utf8
        return (1...maximumIDBytes).contains(bytes.count) && text != "." && text != ".."
            && !bytes.contains { $0 < 0x20 || $0 == 0x7F || $0 == UInt8(ascii: "/") }
    }
}
