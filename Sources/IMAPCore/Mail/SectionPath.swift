// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Names a piece of a message: what stands between the brackets of BODY[...] (RFC 3501 section 6.4.5).
public struct SectionPath: Sendable, Hashable {
    /// Which piece of the part or message is meant.
    public enum Kind: Sendable, Hashable {
        /// All of the message, or the body of a part.
        case whole
        /// The header of the message.
        case header
        /// The fields of the message's header with these names.
        case headerFields([[UInt8]])
        /// The fields of the message's header without these names.
        case headerFieldsNot([[UInt8]])
        /// The body of the message.
        case text
        /// The MIME header of a part.
        case mime
    }

    /// The part numbers, outermost first, each at least 1; empty for the message itself.
    public var parts: [Int]
    /// The piece of that part.
    public var kind: Kind

    /// A section.
    ///
    /// - Parameters:
    ///   - parts: the part numbers, outermost first.
    ///   - kind: the piece of that part.
    public init(parts: [Int], kind: Kind) {
        self.parts = parts
        self.kind = kind
    }

    /// Cuts a partial fetch, `<offset.count>`, out of a range (RFC 3501 section 6.4.5).
    ///
    /// - Parameters:
    ///   - range: the octets of the whole section.
    ///   - offset: how many octets to leave out; a negative number counts as 0.
    ///   - count: how many octets to give at most; a negative number counts as 0.
    /// - Returns: the part of the range that is meant; empty at its end when the offset is beyond it.
    public static func clip(_ range: Range<Int>, offset: Int, count: Int) -> Range<Int> {
        let skipped = min(max(0, offset), range.count)
        let taken = min(max(0, count), range.count - skipped)
        let lower = range.lowerBound + skipped
        return lower..<(lower + taken)
    }
}

/// Where the octets of a section are.
public enum SectionContent: Sendable, Hashable {
    /// These octets of the message as it is stored.
    case range(Range<Int>)
    /// The result of ``HeaderFilter/filter(_:names:excluding:)`` on these octets of the message.
    case headerFilter(header: Range<Int>, names: [[UInt8]], excluding: Bool)
    /// There is no such section; its value is NIL.
    case missing
}

extension MessageStructure {
    /// Finds a section.
    ///
    /// Part 1 of a message that is no multipart is its body. Part numbers go on through embedded messages as if the
    /// embedded message stood in the place of the part. HEADER and TEXT of a part exist only when it is an embedded
    /// message; MIME needs a part number. RFC 3501 section 6.4.5.
    ///
    /// - Parameter section: the section.
    /// - Returns: where its octets are.
    public func content(of section: SectionPath) -> SectionContent {
        guard !section.parts.isEmpty else {
            switch section.kind {
            case .whole: return .range(0..<size)
            case .mime: return .missing
            case .header, .headerFields, .headerFieldsNot, .text: return Self.piece(section.kind, of: root)
            }
        }
        guard let part = part(at: section.parts) else { return .missing }
        switch section.kind {
        case .whole: return .range(part.body)
        case .mime: return .range(part.header)
        case .header, .headerFields, .headerFieldsNot, .text:
            guard let message = part.embedded else { return .missing }
            return Self.piece(section.kind, of: message.part)
        }
    }

    /// Finds a part by its numbers.
    ///
    /// - Parameter numbers: the part numbers, outermost first; not empty.
    /// - Returns: the part, or nil when there is none.
    public func part(at numbers: [Int]) -> MessagePart? {
        var current = root
        var isMessage = true
        for number in numbers {
            guard number >= 1 else { return nil }
            if !isMessage, let message = current.embedded {
                current = message.part
                isMessage = true
            }
            if case .multipart(let parts) = current.content {
                guard number <= parts.count else { return nil }
                current = parts[number - 1]
            } else if !isMessage || number != 1 {
                return nil
            }
            isMessage = false
        }
        return numbers.isEmpty ? nil : current
    }

    private static func piece(_ kind: SectionPath.Kind, of message: MessagePart) -> SectionContent {
        switch kind {
        case .whole: return .range(message.header.lowerBound..<message.body.upperBound)
        case .header: return .range(message.header)
        case .headerFields(let names):
            return .headerFilter(header: message.header, names: names, excluding: false)
        case .headerFieldsNot(let names):
            return .headerFilter(header: message.header, names: names, excluding: true)
        case .text: return .range(message.body)
        case .mime: return .missing
        }
    }
}
