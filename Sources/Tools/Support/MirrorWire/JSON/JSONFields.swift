// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The members of an object, asked for by name as Go's decoder does it: capital and small letters are the same, the last
/// of equal names counts, what is absent or `null` is the type's empty value, and what nobody asks for is ignored.
package struct JSONFields: Sendable {
    private let members: [JSONMember]
    private let path: String

    /// The members of a value.
    ///
    /// - Parameters:
    ///   - value: an object, or `null`, which has none.
    ///   - path: what messages call it.
    /// - Throws: `wrongType`.
    package init(_ value: JSONValue, path: String = "") throws(WireError) {
        self.path = path
        switch value {
        case .object(let members): self.members = members
        case .null: members = []
        case .bool, .number, .string, .array:
            let name = path.isEmpty ? "the JSON text" : "\"\(path)\""
            throw WireError(.wrongType, "\(name) must be an object, not \(value.typeName)")
        }
    }

    /// The value of a member; nothing when it is absent or `null`.
    package func value(_ name: String) -> JSONValue? {
        guard let value = members.last(where: { Self.isSame($0.name, name) })?.value, value != .null else { return nil }
        return value
    }

    /// A string; empty when it is absent.
    package func string(_ name: String) throws(WireError) -> String {
        switch value(name) {
        case nil: return ""
        case .string(let text): return text
        case .some(let other): throw wrong(name, "a string", other)
        }
    }

    /// A truth value; false when it is absent.
    package func bool(_ name: String) throws(WireError) -> Bool {
        switch value(name) {
        case nil: return false
        case .bool(let value): return value
        case .some(let other): throw wrong(name, "true or false", other)
        }
    }

    /// A whole number; nothing when it is absent.
    package func integer(_ name: String) throws(WireError) -> Int64? {
        switch value(name) {
        case nil: return nil
        case .number(let text):
            guard let number = Int64(text) else {
                throw WireError(.wrongType, "\"\(full(name))\" must be a whole number, not \(text)")
            }
            return number
        case .some(let other): throw wrong(name, "a number", other)
        }
    }

    /// A whole number that is not negative; nothing when it is absent.
    package func count(_ name: String) throws(WireError) -> UInt64? {
        switch value(name) {
        case nil: return nil
        case .number(let text):
            guard let number = UInt64(text) else {
                throw WireError(
                    .wrongType, "\"\(full(name))\" must be a whole number that is not negative, not \(text)")
            }
            return number
        case .some(let other): throw wrong(name, "a number", other)
        }
    }

    /// A moment in RFC 3339; "never" when it is absent.
    package func time(_ name: String) throws(WireError) -> WireTime {
        switch value(name) {
        case nil: return .never
        case .string(let text):
            guard let time = WireTime(rfc3339: text) else {
                throw WireError(.wrongType, "\"\(full(name))\" must be a time as in RFC 3339")
            }
            return time
        case .some(let other): throw wrong(name, "a time as in RFC 3339", other)
        }
    }

    /// A list; nothing when it is absent or `null`.
    package func list(_ name: String) throws(WireError) -> [JSONValue]? {
        switch value(name) {
        case nil: return nil
        case .array(let elements): return elements
        case .some(let other): throw wrong(name, "an array", other)
        }
    }

    /// The objects of a list; nothing when it is absent or `null`.
    package func objects(_ name: String) throws(WireError) -> [JSONFields]? {
        guard let elements = try list(name) else { return nil }
        var objects: [JSONFields] = []
        for (index, element) in elements.enumerated() {
            objects.append(try JSONFields(element, path: "\(full(name))[\(index)]"))
        }
        return objects
    }

    /// An object inside; nothing when it is absent or `null`.
    package func object(_ name: String) throws(WireError) -> JSONFields? {
        guard let value = value(name) else { return nil }
        return try JSONFields(value, path: full(name))
    }

    /// All members in order; `null` values too.
    package var all: [JSONMember] { members }

    /// A name with those of the objects that it is in.
    package func full(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

    private func wrong(_ name: String, _ wanted: String, _ value: JSONValue) -> WireError {
        WireError(.wrongType, "\"\(full(name))\" must be \(wanted), not \(value.typeName)")
    }

    private static func isSame(_ left: String, _ right: String) -> Bool {
        left.utf8.count == right.utf8.count
            && zip(left.utf8, right.utf8).allSatisfy { lowercase($0) == lowercase($1) }
    }

    private static func lowercase(_ byte: UInt8) -> UInt8 { (0x41...0x5A).contains(byte) ? byte | 0x20 : byte }
}
