// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// SEARCH.
extension CommandReader {
    /// Takes the arguments of SEARCH.
    ///
    ///     search             = "SEARCH" [search-return-opts] SP search-program      ; RFC 4466 section 6
    ///     search-program     = ["CHARSET" SP astring SP] search-key *(SP search-key)
    ///     search-return-opts = SP "RETURN" SP "(" [search-return-opt *(SP search-return-opt)] ")"
    mutating func search(isUID: Bool) throws(IMAPError) -> SearchCommand {
        try space()
        var options: Set<SearchReturnOption>?
        if takeWord("RETURN") {
            try space()
            options = try searchReturnOptions()
            try space()
        }
        var charset: SearchCharset?
        if takeWord("CHARSET") {
            try space()
            charset = try searchCharset()
            try space()
        }
        var keys = [try searchKey()]
        while takeSpaceBeforeMore() {
            keys.append(try searchKey())
        }
        return SearchCommand(
            charset: charset, returnOptions: options, key: keys.count == 1 ? keys[0] : .and(keys), isUID: isUID)
    }

    /// Takes the results that are asked for; none means ALL (RFC 4731 section 3.1).
    private mutating func searchReturnOptions() throws(IMAPError) -> Set<SearchReturnOption> {
        let options = try list(limit: 16, of: "options", allowsNone: true) { reader throws(IMAPError) in
            guard let option = SearchReturnOption(rawValue: reader.word()) else {
                throw reader.syntaxError("The return option is not known.")
            }
            return option
        }
        return options.isEmpty ? [.all] : Set(options)
    }

    private mutating func searchCharset() throws(IMAPError) -> SearchCharset {
        let name = String(decoding: try astring().map(ByteClass.uppercased), as: UTF8.self)
        guard let charset = SearchCharset(rawValue: name) else {
            throw IMAPError(
                code: .unsupportedCharset, message: "Search strings can be in US-ASCII or UTF-8.",
                responseCode: .badCharset(SearchCharset.allCases), location: offset)
        }
        return charset
    }

    /// Takes one search key, one level deeper than its parent.
    private mutating func searchKey() throws(IMAPError) -> SearchKey {
        searchDepth += 1
        searchKeyCount += 1
        guard searchDepth <= limits.searchDepth else {
            throw IMAPError(
                code: .nestedTooDeep,
                message: "Search keys are nested deeper than the \(limits.searchDepth) levels allowed.",
                location: offset)
        }
        guard searchKeyCount <= limits.searchKeys else { throw tooMany("search keys", limits.searchKeys) }
        let key = try searchKeyOfAnyKind()
        searchDepth -= 1
        return key
    }

    /// Takes a search key.
    ///
    ///     search-key = simple-key / sequence-set / "(" search-key *(SP search-key) ")"
    private mutating func searchKeyOfAnyKind() throws(IMAPError) -> SearchKey {
        switch peek {
        case UInt8(ascii: "("):
            let keys = try list(limit: limits.searchKeys, of: "search keys") { reader throws(IMAPError) in
                try reader.searchKey()
            }
            return keys.count == 1 ? keys[0] : .and(keys)
        case .some(UInt8(ascii: "*")), .some(0x30...0x39):
            return .sequence(try numberSet())
        default:
            let start = offset
            let name = word()
            if let key = Self.flagKeys[name] { return key }
            if let key = try stringKey(name) { return key }
            if let key = try valueKey(name) { return key }
            offset = start
            throw syntaxError("The search key is not known.")
        }
    }

    /// The keys without arguments.
    private static let flagKeys: [String: SearchKey] = [
        "ALL": .all, "NEW": .new, "ANSWERED": .flag(.answered), "DELETED": .flag(.deleted), "DRAFT": .flag(.draft),
        "FLAGGED": .flag(.flagged), "RECENT": .flag(.recent), "SEEN": .flag(.seen), "OLD": .notFlag(.recent),
        "UNANSWERED": .notFlag(.answered), "UNDELETED": .notFlag(.deleted), "UNDRAFT": .notFlag(.draft),
        "UNFLAGGED": .notFlag(.flagged), "UNSEEN": .notFlag(.seen),
    ]

    /// Takes the arguments of the keys that look for text; nil for other keys.
    ///
    ///     "BCC" SP astring / "BODY" SP astring / "CC" SP astring / "FROM" SP astring / "SUBJECT" SP astring /
    ///     "TEXT" SP astring / "TO" SP astring / "HEADER" SP header-fld-name SP astring
    private mutating func stringKey(_ name: String) throws(IMAPError) -> SearchKey? {
        switch name {
        case "BCC": return .bcc(try argument())
        case "BODY": return .body(try argument())
        case "CC": return .cc(try argument())
        case "FROM": return .from(try argument())
        case "SUBJECT": return .subject(try argument())
        case "TEXT": return .text(try argument())
        case "TO": return .to(try argument())
        case "HEADER":
            let field = try argument()
            return .header(field: field, value: try argument())
        default: return nil
        }
    }

    private mutating func argument() throws(IMAPError) -> [UInt8] {
        try space()
        return try astring()
    }

    /// Takes the arguments of the other keys; nil for unknown keys.
    ///
    ///     "BEFORE" SP date / "ON" SP date / "SINCE" SP date / "SENTBEFORE" SP date / "SENTON" SP date /
    ///     "SENTSINCE" SP date / "LARGER" SP number / "SMALLER" SP number / "KEYWORD" SP flag-keyword /
    ///     "UNKEYWORD" SP flag-keyword / "UID" SP sequence-set / "NOT" SP search-key /
    ///     "OR" SP search-key SP search-key / search-modsequence      ; RFC 7162 section 7
    private mutating func valueKey(_ name: String) throws(IMAPError) -> SearchKey? {
        switch name {
        case "BEFORE", "ON", "SINCE", "SENTBEFORE", "SENTON", "SENTSINCE":
            try space()
            return try dateKey(name)
        case "LARGER":
            try space()
            return .larger(try number())
        case "SMALLER":
            try space()
            return .smaller(try number())
        case "MODSEQ": return try modSequenceKey()
        case "KEYWORD": return .flag(try keyword())
        case "UNKEYWORD": return .notFlag(try keyword())
        case "UID":
            try space()
            return .uid(try numberSet())
        case "NOT":
            try space()
            return .not(try searchKey())
        case "OR":
            try space()
            let first = try searchKey()
            try space()
            return .or(first, try searchKey())
        default: return nil
        }
    }

    private mutating func dateKey(_ name: String) throws(IMAPError) -> SearchKey {
        let date = try date()
        switch name {
        case "BEFORE": return .before(date)
        case "ON": return .on(date)
        case "SINCE": return .since(date)
        case "SENTBEFORE": return .sentBefore(date)
        case "SENTON": return .sentOn(date)
        default: return .sentSince(date)
        }
    }

    private mutating func keyword() throws(IMAPError) -> Flag {
        try space()
        guard let keyword = Keyword(try atomText()) else { throw syntaxError("Expected a keyword.") }
        return .keyword(keyword)
    }
}
