// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// One parameter of a MIME field, continuations joined and percent escapes decoded (RFC 2045 section 5.1, RFC 2231).
public struct MIMEParameter: Sendable, Hashable {
    /// Says that a value is of the extended form, `name*=charset'language'text`.
    public struct Extension: Sendable, Hashable {
        /// The charset that the value names; empty when it names none.
        public var charset: [UInt8]
        /// The language that the value names; empty when it names none.
        public var language: [UInt8]

        /// The charset and language of an extended value.
        ///
        /// - Parameters:
        ///   - charset: the charset name, perhaps empty.
        ///   - language: the language tag, perhaps empty.
        public init(charset: [UInt8], language: [UInt8]) {
            self.charset = charset
            self.language = language
        }
    }

    /// The name in lower case, without the asterisks of RFC 2231.
    public var name: [UInt8]
    /// The value's octets, unquoted; of the extended form they are in its charset.
    public var value: [UInt8]
    /// The charset and language, for the extended form only.
    public var extended: Extension?

    /// A parameter.
    ///
    /// - Parameters:
    ///   - name: the name in lower case.
    ///   - value: the octets of the value.
    ///   - extended: the charset and language of an extended value, else nil.
    public init(name: [UInt8], value: [UInt8], extended: Extension? = nil) {
        self.name = name
        self.value = value
        self.extended = extended
    }

    /// The value as UTF-8: an extended value through its charset, another one through its encoded words.
    ///
    /// RFC 2047 forbids encoded words in parameters, but file names of real mail have them.
    public var text: [UInt8] {
        guard let extended else { return EncodedWord.decode(value) }
        let charset = extended.charset.isEmpty ? Charset.utf8 : Charset(name: extended.charset)
        return CharsetDecoder.decode(value, charset: charset)
    }

    static func value(of name: [UInt8], in parameters: [MIMEParameter]) -> [UInt8]? {
        var plain: [UInt8]?
        for parameter in parameters where parameter.name == name {
            if parameter.extended != nil { return parameter.value }
            if plain == nil { plain = parameter.value }
        }
        return plain
    }
}
