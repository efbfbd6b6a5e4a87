// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Modification sequences, and the parameters and modifiers that stand in parentheses (RFC 7162 section 7, RFC 4466).
extension CommandReader {
    /// Takes a modification sequence.
    ///
    ///     mod-sequence-value  = 1*DIGIT      ; 1 <= n <= 9,223,372,036,854,775,807
    ///     mod-sequence-valzer = "0" / mod-sequence-value
    ///
    /// - Parameter allowsZero: whether it is a `mod-sequence-valzer`.
    /// - Returns: the modification sequence.
    /// - Throws: `syntax`.
    mutating func modSequence(allowsZero: Bool) throws(IMAPError) -> ModSequence {
        let start = offset
        var value: UInt64 = 0
        while let byte = peek, ByteClass.isDigit(byte) {
            // Twenty digits and more cannot be told from a small number once they have wrapped around.
            guard value <= ModSequence.largest.rawValue / 10 else { throw tooLargeModSequence() }
            value = value * 10 + UInt64(byte - 0x30)
            offset += 1
        }
        guard offset > start else { throw syntaxError("Expected a modification sequence.") }
        guard let result = ModSequence(value) else { throw tooLargeModSequence() }
        guard value > 0 || (allowsZero && offset == start + 1) else {
            throw syntaxError("A modification sequence begins with 1 here.")
        }
        return result
    }

    private func tooLargeModSequence() -> IMAPError {
        syntaxError("A modification sequence cannot be larger than \(ModSequence.largest).")
    }

    /// Takes the parameters of SELECT and EXAMINE, if there are any.
    ///
    ///     select-params   = SP "(" select-param *(SP select-param) ")"      ; RFC 4466 section 6
    ///     condstore-param = "CONDSTORE"
    mutating func selectParameters() throws(IMAPError) -> [SelectParameter] {
        guard takeSpaceBeforeMore() else { return [] }
        var parameters: [SelectParameter] = []
        for parameter in try modifiers({ reader, name throws(IMAPError) in
            name == "CONDSTORE" ? SelectParameter.condstore : nil
        }) where !parameters.contains(parameter) {
            parameters.append(parameter)
        }
        return parameters
    }

    /// Takes the modifiers of FETCH, if there are any: nil without CHANGEDSINCE.
    ///
    ///     fetch-modifiers    = SP "(" fetch-modifier *(SP fetch-modifier) ")"      ; RFC 4466 section 6
    ///     chgsince-fetch-mod = "CHANGEDSINCE" SP mod-sequence-value
    mutating func fetchModifiers() throws(IMAPError) -> ModSequence? {
        guard takeSpaceBeforeMore() else { return nil }
        return try singleModifier("CHANGEDSINCE", allowsZero: false)
    }

    /// Takes the modifiers of STORE and the space behind them, if there are any: nil without UNCHANGEDSINCE.
    ///
    ///     store-modifiers = SP "(" store-modifier *(SP store-modifier) ")"      ; RFC 4466 section 6
    ///     store-modifier  =/ "UNCHANGEDSINCE" SP mod-sequence-valzer            ; only a single one
    mutating func storeModifiers() throws(IMAPError) -> ModSequence? {
        guard peek == UInt8(ascii: "(") else { return nil }
        let result = try singleModifier("UNCHANGEDSINCE", allowsZero: true)
        try space()
        return result
    }

    /// Takes the modifier of the given name; the only one that its command knows.
    private mutating func singleModifier(_ wanted: String, allowsZero: Bool) throws(IMAPError) -> ModSequence? {
        let found = try modifiers { reader, name throws(IMAPError) -> ModSequence? in
            guard name == wanted else { return nil }
            try reader.space()
            return try reader.modSequence(allowsZero: allowsZero)
        }
        guard found.count == 1 else { throw syntaxError("\(wanted) can be given once.") }
        return found[0]
    }

    /// Takes parameters or modifiers; one that is not known is an error (RFC 4466 sections 2.1, 2.4 and 2.5).
    private mutating func modifiers<Modifier>(
        _ modifier: (inout CommandReader, String) throws(IMAPError) -> Modifier?
    ) throws(IMAPError) -> [Modifier] {
        try list(limit: 16, of: "modifiers") { reader throws(IMAPError) in
            let start = reader.offset
            guard let result = try modifier(&reader, reader.word()) else {
                reader.offset = start
                throw reader.syntaxError("The parameter or modifier is not known.")
            }
            return result
        }
    }

    /// Takes the arguments of the search key MODSEQ.
    ///
    /// There is one modification sequence for all that can change of a message, so the name and the type of an entry make no
    /// difference (RFC 7162 section 3.1.5); they are checked and dropped.
    ///
    ///     search-modsequence = "MODSEQ" [search-modseq-ext] SP mod-sequence-valzer
    ///     search-modseq-ext  = SP entry-name SP entry-type-req
    ///     entry-name         = DQUOTE "/flags/" attr-flag DQUOTE
    ///     entry-type-req     = "priv" / "shared" / "all"
    mutating func modSequenceKey() throws(IMAPError) -> SearchKey {
        try space()
        if peek == UInt8(ascii: "\"") {
            let start = offset
            let name = String(decoding: try string(), as: UTF8.self)
            guard let flag = name.lowercased().hasPrefix("/flags/") ? name.dropFirst(7) : nil, Self.isFlagName(flag)
            else {
                offset = start
                throw syntaxError("The entry of MODSEQ is not the name of a flag.")
            }
            try space()
            guard ["PRIV", "SHARED", "ALL"].contains(word()) else {
                throw syntaxError("The type of an entry is \"priv\", \"shared\" or \"all\".")
            }
            try space()
        }
        return .modSequence(try modSequence(allowsZero: true))
    }

    /// Whether a name is that of a flag, known or not.
    ///
    ///     attr-flag           = "\\Answered" / ... / attr-flag-keyword / attr-flag-extension
    ///     attr-flag-extension = "\\" atom
    private static func isFlagName(_ name: Substring) -> Bool {
        let atom = name.utf8.first == UInt8(ascii: "\\") ? name.dropFirst() : name
        return !atom.isEmpty && atom.utf8.allSatisfy(ByteClass.isAtom)
    }
}
