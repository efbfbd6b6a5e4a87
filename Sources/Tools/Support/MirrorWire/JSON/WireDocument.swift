// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// A JSON document of the HTTP interface.
package protocol WireDocument: Sendable {
    /// Reads the document from the members of an object.
    ///
    /// - Throws: `wrongType`, `unknownValue`, `missing`.
    init(_ fields: JSONFields) throws(WireError)

    /// Writes the document with its members in the order that peers know.
    func write(to writer: inout JSONWriter)
}

extension WireDocument {
    /// Reads a document.
    ///
    /// - Parameters:
    ///   - json: the text in UTF-8.
    ///   - limits: what bounds it.
    /// - Throws: any ``WireError``.
    package init(json: [UInt8], limits: JSONLimits = JSONLimits()) throws(WireError) {
        try self.init(JSONFields(JSONParser.parse(json, limits: limits)))
    }

    /// The document as a server of tunasync answers it: nothing behind the last brace.
    package var json: [UInt8] {
        var writer = JSONWriter()
        write(to: &writer)
        return writer.finish()
    }

    /// The document as a client of tunasync posts it: a line feed behind the last brace.
    package var jsonLine: [UInt8] { json + [0x0A] }
}

extension Array where Element: WireDocument {
    /// The documents as a JSON array.
    package var json: [UInt8] {
        var writer = JSONWriter(capacity: 64 + 384 * count)
        write(to: &writer)
        return writer.finish()
    }

    /// Writes the documents as a JSON array.
    package func write(to writer: inout JSONWriter) {
        writer.array { writer in for element in self { element.write(to: &writer) } }
    }

    /// Reads a JSON array of documents; `null` is an empty one.
    ///
    /// - Parameters:
    ///   - json: the text in UTF-8.
    ///   - limits: what bounds it.
    /// - Throws: any ``WireError``.
    package init(json: [UInt8], limits: JSONLimits = JSONLimits()) throws(WireError) {
        switch try JSONParser.parse(json, limits: limits) {
        case .null: self = []
        case .array(let values):
            self = []
            reserveCapacity(values.count)
            for (index, value) in values.enumerated() {
                append(try Element(JSONFields(value, path: "[\(index)]")))
            }
        case .bool, .number, .string, .object:
            throw WireError(.wrongType, "the JSON text must be an array")
        }
    }
}
