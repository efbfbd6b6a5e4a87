// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import SyncJobs

/// Command lines of configuration files: words as POSIX's shell splits them, without any expansion and without a shell.
package enum CommandLine {
    /// Splits a command line into words.
    ///
    /// Blanks separate words; a backslash takes the next character as it is; between single quotes everything stands for
    /// itself; between double quotes a backslash does its work only before `"`, `\`, `$`, `` ` `` and a line end
    /// (POSIX.1-2024, Shell Command Language, 2.2). `$`, `*`, `#` and their like mean nothing.
    ///
    /// - Parameter text: the command line.
    /// - Returns: its words; none when there are only blanks.
    /// - Throws: ``RunFailure`` of class `configuration` when a quote is not closed or the line ends with a backslash.
    package static func words(_ text: String) throws(RunFailure) -> [String] {
        var splitter = Splitter()
        for character in text.unicodeScalars { splitter.take(character) }
        guard let words = splitter.finish() else {
            throw RunFailure(.configuration, "the command line ends inside quotes or after a backslash: \(text)")
        }
        return words
    }

    /// Splits a command line of which a program is to be run.
    ///
    /// - Parameter text: the command line.
    /// - Returns: its words, at least one.
    /// - Throws: ``RunFailure`` of class `configuration` also when there is no word.
    package static func program(_ text: String) throws(RunFailure) -> [String] {
        let words = try words(text)
        guard let first = words.first, !first.isEmpty else {
            throw RunFailure(.configuration, "the command line is empty; name a program")
        }
        return words
    }

    private struct Splitter {
        enum State { case outside, word, escaped, single, double, escapedInDouble }

        var state = State.outside
        var current = String.UnicodeScalarView()
        var words: [String] = []

        mutating func take(_ character: Unicode.Scalar) {
            switch state {
            case .outside, .word: takePlain(character)
            case .escaped:
                // A backslash before a line end joins the lines.
                if character != "\n" { current.append(character) }
                state = .word
            case .single:
                if character == "'" { state = .word } else { current.append(character) }
            case .double:
                switch character {
                case "\"": state = .word
                case "\\": state = .escapedInDouble
                default: current.append(character)
                }
            case .escapedInDouble:
                switch character {
                case "\"", "\\", "$", "`": current.append(character)
                case "\n": break
                default:
                    current.append("\\")
                    current.append(character)
                }
                state = .double
            }
        }

        mutating func takePlain(_ character: Unicode.Scalar) {
            switch character {
            case " ", "\t", "\n", "\r": endWord()
            case "'": state = .single
            case "\"": state = .double
            case "\\": state = .escaped
            default:
                current.append(character)
                state = .word
            }
        }

        mutating func endWord() {
            if state == .word {
                words.append(String(current))
                current = String.UnicodeScalarView()
            }
            state = .outside
        }

        mutating func finish() -> [String]? {
            guard state == .outside || state == .word else { return nil }
            endWord()
            return words
        }
    }
}
