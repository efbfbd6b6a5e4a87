// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Atoms, strings and what is made of them.
extension CommandReader {
    /// Takes an atom.
    ///
    ///     atom = 1*ATOM-CHAR
    mutating func atom() throws(IMAPError) -> ArraySlice<UInt8> {
        let atom = run(ByteClass.isAtom)
        guard !atom.isEmpty else { throw syntaxError("Expected an atom.") }
        return atom
    }

    /// Takes an atom of ASCII as text.
    mutating func atomText() throws(IMAPError) -> String {
        String(decoding: try atom(), as: UTF8.self)
    }

    /// Takes an argument that may or may not be quoted.
    ///
    ///     astring = 1*ASTRING-CHAR / string
    mutating func astring() throws(IMAPError) -> [UInt8] {
        switch peek {
        case UInt8(ascii: "\""), UInt8(ascii: "{"): return try string()
        default:
            let run = run(ByteClass.isAstring)
            guard !run.isEmpty else { throw syntaxError("Expected a string.") }
            return Array(run)
        }
    }

    /// Takes a string.
    ///
    ///     string = quoted / literal
    mutating func string() throws(IMAPError) -> [UInt8] {
        switch peek {
        case UInt8(ascii: "\""): try quoted()
        case UInt8(ascii: "{"): try literal()
        default: throw syntaxError("Expected a quoted string or a literal.")
        }
    }

    /// Takes a string or NIL.
    ///
    ///     nstring = string / nil
    mutating func nstring() throws(IMAPError) -> [UInt8]? {
        takeWord("NIL") ? nil : try string()
    }

    /// Takes a quoted string.
    ///
    /// Bytes above 127, which RFC 3501 forbids here, are taken because clients send passwords and search strings so; a
    /// mailbox name refuses them.
    ///
    ///     quoted          = DQUOTE *QUOTED-CHAR DQUOTE
    ///     QUOTED-CHAR     = <any TEXT-CHAR except quoted-specials> / "\" quoted-specials
    ///     quoted-specials = DQUOTE / "\"
    private mutating func quoted() throws(IMAPError) -> [UInt8] {
        try expect(UInt8(ascii: "\""))
        var content: [UInt8] = []
        while let byte = peek {
            offset += 1
            switch byte {
            case UInt8(ascii: "\""):
                return content
            case UInt8(ascii: "\\"):
                guard let escaped = peek, escaped == UInt8(ascii: "\"") || escaped == UInt8(ascii: "\\") else {
                    throw syntaxError("Only a quote and a backslash can follow a backslash.")
                }
                content.append(escaped)
                offset += 1
            case 0x00:
                throw IMAPError(code: .nulByte, message: "A string must not hold NUL bytes.", location: offset)
            case 0x0A, 0x0D:
                throw syntaxError("A quoted string must not hold line breaks.")
            default:
                content.append(byte)
            }
        }
        throw syntaxError("A quoted string has no end.")
    }

    /// Takes a literal that the framer has left in place.
    ///
    ///     literal = "{" number ["+"] "}" CRLF *CHAR8
    private mutating func literal() throws(IMAPError) -> [UInt8] {
        let byteCount = try literalHeader().byteCount
        if take(0x0D) {}
        guard take(0x0A) else { throw syntaxError("A literal begins on a new line.") }
        guard byteCount <= bytes.count - offset else { throw syntaxError("A literal is cut short.") }
        let content = bytes[offset..<(offset + byteCount)]
        if let position = content.firstIndex(of: 0) {
            throw IMAPError(code: .nulByte, message: "A literal must not hold NUL bytes.", location: position)
        }
        offset += byteCount
        return Array(content)
    }

    /// Takes the header of a literal without the line break.
    mutating func literalHeader() throws(IMAPError) -> (byteCount: Int, kind: LiteralKind) {
        try expect(UInt8(ascii: "{"))
        let rest = bytes[offset...].prefix(LiteralHeader.maximumBytes)
        guard let brace = rest.firstIndex(of: UInt8(ascii: "}")),
            let header = LiteralHeader.parse(bytes[offset..<brace])
        else { throw syntaxError("A literal begins with its size in braces.") }
        guard case .literal(let byteCount, let kind) = header else {
            throw syntaxError("A literal cannot have more than 4294967295 bytes.")
        }
        offset = brace + 1
        return (byteCount, kind)
    }

    /// Takes a mailbox name.
    ///
    ///     mailbox = "INBOX" / astring
    mutating func mailbox() throws(IMAPError) -> MailboxName {
        try MailboxName(modifiedUTF7: try astring(), limits: limits)
    }

    /// Takes a mailbox pattern.
    ///
    ///     list-mailbox = 1*list-char / string
    mutating func listMailbox() throws(IMAPError) -> ListPattern {
        switch peek {
        case UInt8(ascii: "\""), UInt8(ascii: "{"):
            return try ListPattern(modifiedUTF7: try string(), limits: limits)
        default:
            let run = run(ByteClass.isList)
            guard !run.isEmpty else { throw syntaxError("Expected a mailbox pattern.") }
            return try ListPattern(modifiedUTF7: Array(run), limits: limits)
        }
    }

    /// Takes a flag that a client may set; nil for one that only the server sets.
    ///
    /// RFC 3501 has no place for `\Recent` here, but clients that copy flags from FETCH responses send it.
    ///
    ///     flag = "\Answered" / "\Flagged" / "\Deleted" / "\Seen" / "\Draft" / flag-keyword / flag-extension
    private mutating func flag() throws(IMAPError) -> Flag? {
        let start = offset
        let isSystem = take(UInt8(ascii: "\\"))
        let name = try atom()
        guard name.count <= limits.keywordBytes else {
            throw syntaxError("A keyword cannot have more than \(limits.keywordBytes) bytes.")
        }
        guard let flag = Flag(wireName: (isSystem ? "\\" : "") + String(decoding: name, as: UTF8.self)) else {
            offset = start
            throw syntaxError("There is no such system flag.")
        }
        return flag == .recent ? nil : flag
    }

    /// Takes a list of flags, each of which is kept once.
    ///
    ///     flag-list = "(" [flag *(SP flag)] ")"
    mutating func flagList() throws(IMAPError) -> [Flag] {
        unique(
            try list(limit: limits.flags, of: "flags", allowsNone: true) { reader throws(IMAPError) in
                try reader.flag()
            })
    }

    /// Takes flags without parentheses.
    ///
    ///     flag *(SP flag)
    mutating func bareFlags() throws(IMAPError) -> [Flag] {
        var flags = [try flag()]
        while takeSpaceBeforeMore() {
            guard flags.count < limits.flags else { throw tooMany("flags", limits.flags) }
            flags.append(try flag())
        }
        return unique(flags)
    }

    private func unique(_ flags: [Flag?]) -> [Flag] {
        var seen: Set<Flag> = []
        return flags.compactMap { flag in flag.flatMap { seen.insert($0).inserted ? $0 : nil } }
    }
}
