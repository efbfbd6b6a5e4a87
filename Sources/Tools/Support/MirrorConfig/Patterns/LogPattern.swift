// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// A pattern of `fail_on_match` or `size_pattern`, in the language that RE2 and Swift share.
///
/// As with RE2, letters are compared as Unicode scalars, `\d`, `\s` and `\w` are those of ASCII, and inside of `[ ]` the signs `[`, `&&`, `--`
/// and a first `]` mean themselves.
package struct LogPattern {
    /// The pattern as it was written.
    package let text: String
    /// How many groups it has that keep what they matched.
    package let groupCount: Int
    /// The pattern, ready for matching.
    package let regex: Regex<AnyRegexOutput>

    /// Why a pattern cannot be used.
    package struct Failure: Error, Hashable, Sendable {
        /// On one line.
        package let message: String
    }

    /// Reads a pattern.
    ///
    /// - Parameter text: The pattern.
    /// - Throws: ``Failure`` when it is none, or uses what we do not have.
    package init(_ text: String) throws(Failure) {
        var translator = PatternTranslator(text)
        let translated = translator.translate()
        do {
            regex = try Regex(translated).matchingSemantics(.unicodeScalar).asciiOnlyCharacterClasses()
        } catch {
            let lines = String(describing: error).split(whereSeparator: \.isNewline).joined(separator: " ")
            throw Failure(message: lines)
        }
        self.text = text
        groupCount = translator.groupCount
    }
}
