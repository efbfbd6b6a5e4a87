// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import MirrorWire

/// What followers are told of a mirror that is gone.
struct RemovedRow: WireDocument {
    let key: MirrorKey

    init(_ key: MirrorKey) { self.key = key }

    init(_ fields: JSONFields) throws(WireError) {
        key = MirrorKey(name: try fields.string("name"), worker: try fields.string("worker"))
    }

    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.name("name")
            writer.string(key.name)
            writer.name("worker")
            writer.string(key.worker)
        }
    }
}
