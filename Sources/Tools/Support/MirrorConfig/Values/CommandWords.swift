// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Splits command lines into words as a POSIX shell does, without expanding anything (POSIX.1 XCU 2.2 Quoting).
package enum CommandWords {
    /// Splits a line.
    ///
    /// - Parameter line: The command line.
    /// - Returns: The words; nil when a quote is not closed or a backslash ends the line.
    package static func split(_ line: String) -> [String]? {
        var words: [String] = []
        var word: String?
        var rest = Substring(line).unicodeScalars
        while let letter = rest.popFirst() {
            switch letter {
            case " ", "\t", "\n", "\r":
                if let done = word { words.append(done) }
                word = nil
            case "'":
                guard let end = rest.firstIndex(of: "'") else { return nil }
                word = (word ?? "") + String(rest[..<end])
                rest = rest[rest.index(after: end)...]
            case "\"":
                guard let quoted = quoted(&rest) else { return nil }
                word = (word ?? "") + quoted
            case "\\":
                guard let next = rest.popFirst() else { return nil }
                if next != "\n" { word = (word ?? "") + String(next) }
            case "#" where word == nil:
                // A comment, as tunasync's splitter has it.
                guard let end = rest.firstIndex(of: "\n") else { return words }
                rest = rest[end...]
            default:
                word = (word ?? "") + String(letter)
            }
        }
        if let word { words.append(word) }
        return words
    }

    private static func quoted(_ rest: inout Substring.UnicodeScalarView) -> String? {
        var text = String.UnicodeScalarView()
        while let letter = rest.popFirst() {
            switch letter {
            case "\"": return String(text)
            case "\\":
                guard let next = rest.popFirst() else { return nil }
                switch next {
                case "$", "`", "\"", "\\": text.append(next)
                case "\n": break
                default:
                    text.append(letter)
                    text.append(next)
                }
            default: text.append(letter)
            }
        }
        return nil
    }

    /// Why a line is no command.
    static func problem(of line: String) -> String? {
        guard let words = split(line) else { return "a quote is not closed, or a backslash ends it" }
        return words.first?.isEmpty == true ? "its first word, the program, is empty" : nil
    }
}
