// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// When a worker's mirrors are due.
package struct ScheduleList: WireDocument, Hashable {
    /// One mirror's due time.
    package struct Entry: WireDocument, Hashable {
        /// The mirror.
        package var name: String
        /// When it is due.
        package var nextSchedule: WireTime

        /// Describes a due time.
        package init(name: String, nextSchedule: WireTime) {
            self.name = name
            self.nextSchedule = nextSchedule
        }

        package init(_ fields: JSONFields) throws(WireError) {
            name = try fields.string("name")
            nextSchedule = try fields.time("next_schedule")
        }

        package func write(to writer: inout JSONWriter) {
            writer.object { writer in
                writer.name("name")
                writer.string(name)
                writer.name("next_schedule")
                writer.time(nextSchedule)
            }
        }
    }

    /// The due times; nothing is `null` on the wire.
    package var schedules: [Entry]?

    /// Describes due times.
    package init(schedules: [Entry]?) { self.schedules = schedules }

    package init(_ fields: JSONFields) throws(WireError) { schedules = try fields.documents("schedules") }

    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.name("schedules")
            if let schedules { schedules.write(to: &writer) } else { writer.null() }
        }
    }
}

/// A size that somebody measured.
package struct SizeUpdate: WireDocument, Hashable {
    /// The mirror.
    package var name: String
    /// The size in words.
    package var size: String

    /// Describes a size.
    package init(name: String, size: String) {
        self.name = name
        self.size = size
    }

    package init(_ fields: JSONFields) throws(WireError) {
        name = try fields.string("name")
        size = try fields.string("size")
    }

    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.name("name")
            writer.string(name)
            writer.name("size")
            writer.string(size)
        }
    }
}

extension JSONFields {
    /// A list of documents; nothing when it is absent or `null`.
    package func documents<Document: WireDocument>(_ name: String) throws(WireError) -> [Document]? {
        guard let objects = try objects(name) else { return nil }
        var documents: [Document] = []
        documents.reserveCapacity(objects.count)
        for object in objects { documents.append(try Document(object)) }
        return documents
    }
}
