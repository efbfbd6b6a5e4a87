// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Commands about mailboxes.
extension CommandReader {
    /// Takes the arguments of CREATE.
    ///
    ///     create       = "CREATE" SP mailbox [SP "(" create-param *(SP create-param) ")"]      ; RFC 4466 section 6
    ///     create-param = "USE" SP "(" [use-attr *(SP use-attr)] ")"                            ; RFC 6154 section 6
    mutating func create() throws(IMAPError) -> CommandBody {
        let name = try mailbox()
        guard offset + 1 < bytes.count, bytes[offset + 1] == UInt8(ascii: "("), take(UInt8(ascii: " ")) else {
            return .create(name, specialUse: [])
        }
        try expect(UInt8(ascii: "("))
        guard takeWord("USE") else {
            throw IMAPError(code: .unsupported, message: "CREATE takes only USE.", location: offset)
        }
        try space()
        let uses = try list(limit: SpecialUse.allCases.count, of: "uses", allowsNone: true) {
            reader throws(IMAPError) in
            try reader.specialUse()
        }
        try expect(UInt8(ascii: ")"))
        return .create(name, specialUse: uses)
    }

    /// Takes a special use.
    ///
    ///     use-attr = "\All" / "\Archive" / "\Drafts" / "\Flagged" / "\Junk" / "\Sent" / "\Trash" / use-attr-ext
    private mutating func specialUse() throws(IMAPError) -> SpecialUse {
        let start = offset
        try expect(UInt8(ascii: "\\"))
        let name = try atom()
        guard let use = SpecialUse(wireName: [UInt8(ascii: "\\")] + name) else {
            throw IMAPError(
                code: .unsupportedUse, message: "There is no such special use.", responseCode: .useAttribute,
                location: start)
        }
        return use
    }

    /// Takes the arguments of RENAME.
    ///
    ///     rename = "RENAME" SP mailbox SP mailbox
    mutating func rename() throws(IMAPError) -> CommandBody {
        let from = try mailbox()
        try space()
        return .rename(from: from, to: try mailbox())
    }

    /// Takes the arguments of LSUB.
    ///
    ///     lsub = "LSUB" SP mailbox SP list-mailbox
    mutating func lsub() throws(IMAPError) -> CommandBody {
        let reference = try ListReference(modifiedUTF7: try astring(), limits: limits)
        try space()
        return .lsub(reference: reference, pattern: try listMailbox())
    }

    /// Takes the arguments of LIST.
    ///
    ///     list        = "LIST" [SP list-select-opts] SP mailbox SP mbox-or-pat [SP list-return-opts]  ; RFC 5258
    ///     mbox-or-pat = list-mailbox / patterns
    ///     patterns    = "(" list-mailbox *(SP list-mailbox) ")"
    mutating func list() throws(IMAPError) -> ListCommand {
        var selection: [ListSelectionOption]?
        if peek == UInt8(ascii: "(") {
            selection = try selectionOptions()
            try space()
        }
        let reference = try ListReference(modifiedUTF7: try astring(), limits: limits)
        try space()
        var patterns: [ListPattern]
        if peek == UInt8(ascii: "(") {
            patterns = try list(limit: limits.listPatterns, of: "patterns") { reader throws(IMAPError) in
                try reader.listMailbox()
            }
            // A list of patterns is extended syntax, like selection options (RFC 5258 section 3).
            selection = selection ?? []
        } else {
            patterns = [try listMailbox()]
        }
        let returnOptions = try returnOptions()
        return ListCommand(
            selection: selection, reference: reference, patterns: patterns, returnOptions: returnOptions)
    }

    /// Takes the selection options.
    ///
    ///     list-select-opts = "(" [list-select-opt *(SP list-select-opt)] ")"
    ///     list-select-opt  = "SUBSCRIBED" / "REMOTE" / "RECURSIVEMATCH" / "SPECIAL-USE"
    private mutating func selectionOptions() throws(IMAPError) -> [ListSelectionOption] {
        let options = try list(limit: 16, of: "options", allowsNone: true) { reader throws(IMAPError) in
            switch reader.word() {
            case "SUBSCRIBED": return ListSelectionOption.subscribed
            case "REMOTE": return .remote
            case "RECURSIVEMATCH": return .recursiveMatch
            case "SPECIAL-USE": return .specialUse
            default: throw reader.syntaxError("The selection option is not known.")
            }
        }
        guard !options.contains(.recursiveMatch) || options.contains(.subscribed) else {
            throw syntaxError("RECURSIVEMATCH goes with SUBSCRIBED only.")
        }
        return options
    }

    /// Takes the return options, if there are any.
    ///
    ///     list-return-opts = "RETURN" SP "(" [return-option *(SP return-option)] ")"
    ///     return-option    = "SUBSCRIBED" / "CHILDREN" / "SPECIAL-USE" / "STATUS" SP "(" status-att *(SP status-att) ")"
    private mutating func returnOptions() throws(IMAPError) -> [ListReturnOption]? {
        let start = offset
        guard take(UInt8(ascii: " ")), takeWord("RETURN") else {
            offset = start
            return nil
        }
        try space()
        return try list(limit: 16, of: "options", allowsNone: true) { reader throws(IMAPError) in
            switch reader.word() {
            case "SUBSCRIBED": return ListReturnOption.subscribed
            case "CHILDREN": return .children
            case "SPECIAL-USE": return .specialUse
            case "STATUS":
                try reader.space()
                return .status(try reader.statusItems())
            default: throw reader.syntaxError("The return option is not known.")
            }
        }
    }

    /// Takes the arguments of STATUS.
    ///
    ///     status = "STATUS" SP mailbox SP "(" status-att *(SP status-att) ")"
    mutating func status() throws(IMAPError) -> CommandBody {
        let name = try mailbox()
        try space()
        return .status(name, try statusItems())
    }

    /// Takes the items of STATUS, each of which is kept once.
    private mutating func statusItems() throws(IMAPError) -> [StatusItem] {
        let items = try list(limit: limits.statusItems, of: "items") { reader throws(IMAPError) in
            guard let item = StatusItem(rawValue: reader.word()) else {
                throw reader.syntaxError("The status item is not known.")
            }
            return item
        }
        var seen: Set<StatusItem> = []
        return items.filter { seen.insert($0).inserted }
    }

    /// Takes the arguments of APPEND up to the header of its message, which ends the text.
    ///
    ///     append = "APPEND" SP mailbox [SP flag-list] [SP date-time] SP literal
    mutating func append() throws(IMAPError) -> AppendCommand {
        let name = try mailbox()
        try space()
        var flags: [Flag] = []
        if peek == UInt8(ascii: "(") {
            flags = try flagList()
            try space()
        }
        var date: DateTime?
        if peek == UInt8(ascii: "\"") {
            date = try dateTime()
            try space()
        }
        let (byteCount, kind) = try literalHeader()
        guard peek == nil else { throw syntaxError("APPEND takes one message; nothing may follow it.") }
        return AppendCommand(mailbox: name, flags: flags, date: date, literalBytes: byteCount, literalKind: kind)
    }
}
