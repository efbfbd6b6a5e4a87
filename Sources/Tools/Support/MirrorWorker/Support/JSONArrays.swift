// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import MirrorWire

/// What bounds the documents of managers, which list every mirror of a worker.
enum ManagerDocuments {
    /// The limits of such a document.
    static func limits(maximumBytes: Int) -> JSONLimits {
        var limits = JSONLimits(maximumBytes: maximumBytes)
        limits.maximumValues = 4_000_000
        return limits
    }

    /// The rows of `GET /workers/:id/jobs`: each by itself, so one that nobody understands does not hide those behind it.
    ///
    /// - Parameters:
    ///   - json: the answer.
    ///   - maximumBytes: its largest size.
    /// - Returns: the rows that can be read, and how many cannot.
    /// - Throws: `WireError` when it is no list.
    static func statuses(_ json: [UInt8], maximumBytes: Int) throws(WireError) -> (
        rows: [MirrorStatus], unreadable: Int
    ) {
        guard case .array(let values) = try JSONParser.parse(json, limits: limits(maximumBytes: maximumBytes)) else {
            return ([], 0)
        }
        var rows: [MirrorStatus] = []
        var unreadable = 0
        for value in values {
            do throws(WireError) { rows.append(try MirrorStatus(JSONFields(value))) } catch { unreadable += 1 }
        }
        return (rows, unreadable)
    }
}
