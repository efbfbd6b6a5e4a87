// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// FETCH and STORE.
extension CommandReader {
    /// Takes the arguments of FETCH.
    ///
    ///     fetch = "FETCH" SP sequence-set SP ("ALL" / "FULL" / "FAST" / fetch-att /
    ///             "(" fetch-att *(SP fetch-att) ")") [fetch-modifiers]      ; RFC 4466 section 6
    mutating func fetch(isUID: Bool) throws(IMAPError) -> CommandBody {
        let set = try messageSet(isUID: isUID)
        try space()
        let items = try fetchItems()
        return .fetch(set, items, changedSince: try fetchModifiers())
    }

    /// Takes the data items, or a macro for some.
    private mutating func fetchItems() throws(IMAPError) -> [FetchItem] {
        if peek == UInt8(ascii: "(") {
            return unique(
                try list(limit: limits.fetchItems, of: "items") { reader throws(IMAPError) in try reader.fetchItem() })
        }
        let start = offset
        switch word() {
        case "ALL": return FetchItem.all
        case "FULL": return FetchItem.full
        case "FAST": return FetchItem.fast
        default:
            offset = start
            return [try fetchItem()]
        }
    }

    /// Keeps each item once: an item asked for twice is one answer, and a small command must not cost many.
    private func unique(_ items: [FetchItem]) -> [FetchItem] {
        var seen: Set<FetchItem> = []
        return items.filter { seen.insert($0).inserted }
    }

    /// Takes one data item.
    ///
    ///     fetch-att = "ENVELOPE" / "FLAGS" / "INTERNALDATE" / "RFC822" [".HEADER" / ".SIZE" / ".TEXT"] /
    ///                 "BODY" ["STRUCTURE"] / "UID" / "MODSEQ" /      ; MODSEQ: RFC 7162 section 7
    ///                 "BODY" section ["<" number "." nz-number ">"] /
    ///                 "BODY.PEEK" section ["<" number "." nz-number ">"]
    private mutating func fetchItem() throws(IMAPError) -> FetchItem {
        let start = offset
        switch word() {
        case "FLAGS": return .flags
        case "UID": return .uid
        case "INTERNALDATE": return .internalDate
        case "ENVELOPE": return .envelope
        case "BODYSTRUCTURE": return .bodyStructure
        case "MODSEQ": return .modSequence
        case "RFC822": return .rfc822
        case "RFC822.HEADER": return .rfc822Header
        case "RFC822.SIZE": return .rfc822Size
        case "RFC822.TEXT": return .rfc822Text
        case "BODY.PEEK": return try bodySection(peek: true)
        case "BODY": return peek == UInt8(ascii: "[") ? try bodySection(peek: false) : .body
        default:
            offset = start
            throw syntaxError("The data item is not known.")
        }
    }

    /// Takes a section and its range.
    ///
    ///     section = "[" [section-spec] "]"
    private mutating func bodySection(peek isPeek: Bool) throws(IMAPError) -> FetchItem {
        try expect(UInt8(ascii: "["))
        let path = try sectionPart()
        let section = BodySection(path: path.numbers, kind: try sectionText(after: path))
        try expect(UInt8(ascii: "]"))
        guard take(UInt8(ascii: "<")) else { return .bodySection(section, peek: isPeek, partial: nil) }
        let offset = try number()
        try expect(UInt8(ascii: "."))
        let partial = PartialRange(offset: offset, maximumBytes: try nonZeroNumber())
        try expect(UInt8(ascii: ">"))
        return .bodySection(section, peek: isPeek, partial: partial)
    }

    /// Takes the part numbers, with the dot behind them when a text follows.
    ///
    ///     section-part = nz-number *("." nz-number)
    private mutating func sectionPart() throws(IMAPError) -> (numbers: [Int], isOpen: Bool) {
        var numbers: [Int] = []
        while let byte = peek, ByteClass.isDigit(byte) {
            guard numbers.count < limits.sectionDepth else { throw tooMany("part numbers", limits.sectionDepth) }
            numbers.append(Int(try nonZeroNumber()))
            guard take(UInt8(ascii: ".")) else { return (numbers, false) }
        }
        return (numbers, true)
    }

    /// Takes what of the part is meant.
    ///
    ///     section-spec    = section-msgtext / (section-part ["." section-text])
    ///     section-msgtext = "HEADER" / "HEADER.FIELDS" [".NOT"] SP header-list / "TEXT"
    ///     section-text    = section-msgtext / "MIME"
    private mutating func sectionText(after path: (numbers: [Int], isOpen: Bool)) throws(IMAPError) -> BodySection.Kind
    {
        guard path.isOpen else { return .all }
        switch word() {
        case "" where path.numbers.isEmpty: return .all
        case "HEADER": return .header
        case "HEADER.FIELDS": return .headerFields(try headerList())
        case "HEADER.FIELDS.NOT": return .headerFieldsNot(try headerList())
        case "TEXT": return .text
        case "MIME" where !path.numbers.isEmpty: return .mime
        default: throw syntaxError("The section is not known.")
        }
    }

    /// Takes the names of header fields.
    ///
    /// Names are kept as they are; what cannot be a field's name matches no field.
    ///
    ///     header-list     = "(" header-fld-name *(SP header-fld-name) ")"
    ///     header-fld-name = astring
    private mutating func headerList() throws(IMAPError) -> [[UInt8]] {
        try space()
        return try list(limit: limits.headerFields, of: "header fields") { reader throws(IMAPError) in
            try reader.astring()
        }
    }

    /// Takes the arguments of STORE.
    ///
    ///     store           = "STORE" SP sequence-set [store-modifiers] SP store-att-flags      ; RFC 4466 section 6
    ///     store-att-flags = (["+" / "-"] "FLAGS" [".SILENT"]) SP (flag-list / (flag *(SP flag)))
    mutating func store(isUID: Bool) throws(IMAPError) -> CommandBody {
        let set = try messageSet(isUID: isUID)
        try space()
        let unchangedSince = try storeModifiers()
        var mode = StoreMode.replace
        if take(UInt8(ascii: "+")) {
            mode = .add
        } else if take(UInt8(ascii: "-")) {
            mode = .remove
        }
        let isSilent: Bool
        switch word() {
        case "FLAGS": isSilent = false
        case "FLAGS.SILENT": isSilent = true
        default: throw syntaxError("STORE changes FLAGS only.")
        }
        try space()
        let flags = peek == UInt8(ascii: "(") ? try flagList() : try bareFlags()
        return .store(
            set, StoreChange(mode: mode, isSilent: isSilent, flags: flags, unchangedSince: unchangedSince))
    }
}
