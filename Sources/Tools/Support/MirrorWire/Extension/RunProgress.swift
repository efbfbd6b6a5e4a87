// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// How far a run is; what is not known is absent.
package struct RunProgress: WireDocument, Hashable {
    /// Bytes that were moved.
    package var bytes: UInt64?
    /// Bytes that there are to move.
    package var totalBytes: UInt64?
    /// Files that were moved.
    package var files: UInt64?
    /// The part that is done, 0 to 100.
    package var percent: UInt64?
    /// Bytes per second.
    package var rate: UInt64?
    /// Seconds that it will still take.
    package var etaSeconds: UInt64?

    /// Describes progress.
    package init(
        bytes: UInt64? = nil, totalBytes: UInt64? = nil, files: UInt64? = nil, percent: UInt64? = nil,
        rate: UInt64? = nil, etaSeconds: UInt64? = nil
    ) {
        self.bytes = bytes
        self.totalBytes = totalBytes
        self.files = files
        self.percent = percent
        self.rate = rate
        self.etaSeconds = etaSeconds
    }

    package init(_ fields: JSONFields) throws(WireError) {
        bytes = try fields.count("bytes")
        totalBytes = try fields.count("total_bytes")
        files = try fields.count("files")
        percent = try fields.count("percent")
        rate = try fields.count("rate")
        etaSeconds = try fields.count("eta_seconds")
    }

    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.optional("bytes", bytes)
            writer.optional("total_bytes", totalBytes)
            writer.optional("files", files)
            writer.optional("percent", percent)
            writer.optional("rate", rate)
            writer.optional("eta_seconds", etaSeconds)
        }
    }
}

extension JSONWriter {
    /// Writes a member with a number; nothing when there is none.
    package mutating func optional(_ name: String, _ value: UInt64?) {
        guard let value else { return }
        self.name(name)
        number(value)
    }
}
