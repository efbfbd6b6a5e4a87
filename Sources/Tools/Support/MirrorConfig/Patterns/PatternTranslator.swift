// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Writes a pattern of RE2 so that Swift reads it in the same way, and counts its groups.
///
/// The languages differ inside of `[ ]`, where Swift has sets within sets and operators between them, and in `\pN`, which Swift writes
/// `\p{N}`.
struct PatternTranslator {
    private var rest: Substring
    private var result = ""
    private var isInClass = false
    /// How many groups keep what they match; known after ``translate()``.
    private(set) var groupCount = 0

    init(_ text: String) { rest = Substring(text) }

    /// Writes the pattern anew.
    mutating func translate() -> String {
        while let letter = rest.popFirst() {
            if letter == "\\" {
                takeEscape()
            } else if isInClass {
                takeInClass(letter)
            } else {
                takeOutside(letter)
            }
        }
        return result
    }

    private mutating func takeEscape() {
        result.append("\\")
        guard let next = rest.popFirst() else { return }
        result.append(next)
        if next == "Q", !isInClass {
            let end = rest.firstRange(of: "\\E")?.upperBound ?? rest.endIndex
            result += rest[..<end]
            rest = rest[end...]
        } else if next == "p" || next == "P", let name = rest.first, name.isASCII, name.isLetter {
            result += "{\(name)}"
            rest.removeFirst()
        }
    }

    private mutating func takeOutside(_ letter: Character) {
        result.append(letter)
        if letter == "[" {
            isInClass = true
            if rest.first == "^" { result.append(rest.removeFirst()) }
            if rest.first == "]" {
                rest.removeFirst()
                result += "\\]"
            }
        } else if letter == "(" {
            let isNamed =
                rest.hasPrefix("?P<") || rest.hasPrefix("?<") && !rest.hasPrefix("?<=") && !rest.hasPrefix("?<!")
            if rest.first != "?" || isNamed { groupCount += 1 }
        }
    }

    private mutating func takeInClass(_ letter: Character) {
        switch letter {
        case "]":
            isInClass = false
            result.append(letter)
        case "[":
            if rest.first == ":", let end = rest.firstRange(of: ":]") {
                result += "[" + rest[..<end.upperBound]
                rest = rest[end.upperBound...]
            } else {
                result += "\\["
            }
        case "&", "~":
            result += "\\" + String(letter)
        case "-" where rest.first == "-":
            rest.removeFirst()
            result += "-\\-"
        default: result.append(letter)
        }
    }
}
