// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Reads the parameters of a MIME field and joins the continuations of RFC 2231.
///
/// Lenient where real mail is wrong: a missing semicolon, an unquoted file name with spaces, empty parameters, and
/// octets outside ASCII are survived. Of a name that is given twice in the same form the first counts. A sequence of
/// continuations ends at the first missing number.
enum MIMEParameterParser {
    private struct Segment {
        /// The number of a continuation; nil for a value in one piece.
        var number: Int?
        var isEncoded: Bool
        var value: [UInt8]
    }

    private struct Group {
        var name: [UInt8]
        /// Whether any segment uses the syntax of RFC 2231.
        var isExtended: Bool
        var segments: [Segment]
    }

    private struct GroupKey: Hashable {
        var name: [UInt8]
        var isExtended: Bool
    }

    /// Reads from behind the type up to the end of the value.
    static func parameters(_ cursor: inout HeaderCursor, limits: MailLimits) -> [MIMEParameter] {
        var groups: [Group] = []
        var places: [GroupKey: Int] = [:]
        var count = 0
        while count < limits.maximumParameterCount {
            cursor.skipWhiteAndComments()
            guard let byte = cursor.next else { break }
            let attribute = cursor.run(while: MailASCII.isToken)
            guard !attribute.isEmpty else {
                // A separator, or a byte that cannot be here.
                if byte == MailASCII.quote { _ = cursor.quotedString() } else { cursor.advance() }
                continue
            }
            cursor.skipWhiteAndComments()
            guard cursor.take(MailASCII.equal) else { continue }
            count += 1
            let (name, number, isEncoded) = split(MailASCII.lowercased(attribute))
            let value = self.value(&cursor, mayHaveSpaces: isFileName(name))
            let key = GroupKey(name: name, isExtended: number != nil || isEncoded)
            let segment = Segment(number: number, isEncoded: isEncoded, value: value)
            if let place = places[key] {
                groups[place].segments.append(segment)
            } else {
                places[key] = groups.count
                groups.append(Group(name: name, isExtended: key.isExtended, segments: [segment]))
            }
        }
        return groups.compactMap(join)
    }

    /// value := token / quoted-string, and whatever else stands before the next semicolon.
    private static func value(_ cursor: inout HeaderCursor, mayHaveSpaces: Bool) -> [UInt8] {
        cursor.skipWhiteAndComments()
        if cursor.next == MailASCII.quote { return cursor.quotedString() }
        let raw = cursor.run { byte in
            byte != MailASCII.semicolon && byte != MailASCII.openParenthesis
                && (mayHaveSpaces || !MailASCII.isWhite(byte))
        }
        return MailASCII.trimmed(raw)
    }

    private static func isFileName(_ name: [UInt8]) -> Bool {
        MailASCII.isEqualIgnoringCase(name, "name") || MailASCII.isEqualIgnoringCase(name, "filename")
    }

    // attribute ["*" number] ["*"]
    private static func split(_ attribute: [UInt8]) -> (name: [UInt8], number: Int?, isEncoded: Bool) {
        var rest = attribute[...]
        let isEncoded = rest.last == MailASCII.asterisk && rest.count > 1
        if isEncoded { rest.removeLast() }
        if let star = rest.lastIndex(of: MailASCII.asterisk), star > rest.startIndex {
            let digits = rest[(star + 1)...]
            if (1...4).contains(digits.count), digits.allSatisfy(MailASCII.isDigit) {
                let number = digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
                return (Array(rest[..<star]), number, isEncoded)
            }
        }
        return (Array(rest), nil, isEncoded)
    }

    private static func join(_ group: Group) -> MIMEParameter? {
        guard group.isExtended else {
            return group.segments.first.map { MIMEParameter(name: group.name, value: $0.value) }
        }
        let pieces = ordered(group.segments)
        guard let first = pieces.first else { return nil }
        guard pieces.contains(where: \.isEncoded) else {
            return MIMEParameter(name: group.name, value: pieces.flatMap(\.value))
        }
        var extended = MIMEParameter.Extension(charset: [], language: [])
        var value: [UInt8] = []
        for (index, piece) in pieces.enumerated() {
            var text = piece.value[...]
            if index == 0, first.isEncoded { text = takePrefix(text, into: &extended) }
            value.append(contentsOf: piece.isEncoded ? percentDecoded(text) : Array(text))
        }
        return MIMEParameter(name: group.name, value: value, extended: extended)
    }

    /// The single encoded value, else the numbered ones from 0 up to the first gap.
    private static func ordered(_ segments: [Segment]) -> [Segment] {
        if let whole = segments.first(where: { $0.number == nil }) { return [whole] }
        var byNumber: [Int: Segment] = [:]
        for segment in segments {
            if let number = segment.number, byNumber[number] == nil { byNumber[number] = segment }
        }
        var result: [Segment] = []
        while let segment = byNumber[result.count] { result.append(segment) }
        return result
    }

    // extended-initial-value := [charset] "'" [language] "'" extended-other-values
    private static func takePrefix(
        _ text: ArraySlice<UInt8>, into extended: inout MIMEParameter.Extension
    ) -> ArraySlice<UInt8> {
        guard let first = text.firstIndex(of: MailASCII.apostrophe),
            let second = text[(first + 1)...].firstIndex(of: MailASCII.apostrophe)
        else { return text }
        extended.charset = Array(text[..<first])
        extended.language = Array(text[(first + 1)..<second])
        return text[(second + 1)...]
    }

    private static func percentDecoded(_ text: ArraySlice<UInt8>) -> [UInt8] {
        var output: [UInt8] = []
        var index = text.startIndex
        while index < text.endIndex {
            if text[index] == MailASCII.percent, index + 2 < text.endIndex,
                let high = MailASCII.hexValue(text[index + 1]), let low = MailASCII.hexValue(text[index + 2])
            {
                output.append(high << 4 | low)
                index += 3
            } else {
                output.append(text[index])
                index += 1
            }
        }
        return output
    }
}
