// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// `{"message":…}`, the answer of a manager that did what it was asked for.
package struct MessageAnswer: WireDocument, Hashable {
    /// What was done.
    package var message: String

    /// Creates an answer.
    package init(_ message: String) { self.message = message }

    package init(_ fields: JSONFields) throws(WireError) { message = try fields.string("message") }

    package func write(to writer: inout JSONWriter) { writer.single("message", message) }
}

/// `{"error":…}`, the answer of a manager that refuses.
package struct ErrorAnswer: WireDocument, Hashable {
    /// Why.
    package var error: String
    /// Whether a newer process of the same worker is registered; the asking one must end.
    package var isFenced: Bool

    /// Creates an answer.
    package init(_ error: String, isFenced: Bool = false) {
        self.error = error
        self.isFenced = isFenced
    }

    package init(_ fields: JSONFields) throws(WireError) {
        error = try fields.string("error")
        isFenced = try fields.bool("fenced")
    }

    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.name("error")
            writer.string(error)
            if isFenced {
                writer.name("fenced")
                writer.bool(true)
            }
        }
    }
}

/// `{"msg":…}`, the answer of a worker.
package struct WorkerAnswer: WireDocument, Hashable {
    /// What was done, or why it was not.
    package var message: String

    /// Creates an answer.
    package init(_ message: String) { self.message = message }

    package init(_ fields: JSONFields) throws(WireError) { message = try fields.string("msg") }

    package func write(to writer: inout JSONWriter) { writer.single("msg", message) }
}

extension JSONWriter {
    fileprivate mutating func single(_ name: String, _ text: String) {
        object { writer in
            writer.name(name)
            writer.string(text)
        }
    }
}
