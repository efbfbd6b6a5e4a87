// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Expands `{{.Name}}` in `log_dir`: the fields of a mirror as tunasync calls them.
///
/// tunasync runs the text through a template language for web pages. Of that language, fields (also of `Env`), comments and the trimming of blanks with `{{-` and `-}}` are
/// understood. What tunasync does beyond, writing `&amp;` for `&`, is left out: the value is a path.
struct LogDirectoryTemplate {
    /// Why a text cannot be expanded.
    enum Failure: Error, Equatable {
        case unclosed
        /// A field that mirrors do not have.
        case unknownField(String)
        /// Something else of the template language.
        case unsupported(String)
    }

    /// What a field may be: a text, or the variables of `Env`.
    let fields: [String: String]
    let environment: [String: String]

    /// Expands a text.
    func expand(_ text: String) throws(Failure) -> String {
        var result = ""
        var rest = Substring(text)
        while let open = rest.firstRange(of: "{{") {
            var before = rest[..<open.lowerBound]
            rest = rest[open.upperBound...]
            guard let close = rest.firstRange(of: "}}") else { throw .unclosed }
            var action = rest[..<close.lowerBound]
            rest = rest[close.upperBound...]
            if action.hasPrefix("- ") {
                action = action.dropFirst()
                while before.last?.isWhitespace == true { before = before.dropLast() }
            }
            if action.hasSuffix(" -") {
                action = action.dropLast()
                rest = rest.drop { $0.isWhitespace }
            }
            result += before
            result += try value(of: action)
        }
        return result + rest
    }

    private func value(of action: Substring) throws(Failure) -> String {
        let text = action.drop { $0.isWhitespace }
        let trimmed = String(text.reversed().drop { $0.isWhitespace }.reversed())
        if trimmed.hasPrefix("/*"), trimmed.hasSuffix("*/"), trimmed.count >= 4 { return "" }
        guard trimmed.hasPrefix(".") else { throw .unsupported(trimmed) }
        let path = trimmed.dropFirst().split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard path.allSatisfy({ !$0.isEmpty && $0.allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" } }) else {
            throw .unsupported(trimmed)
        }
        if path.count == 2, path[0] == "Env" { return environment[path[1]] ?? "" }
        guard path.count == 1, let value = fields[path[0]] else { throw .unknownField(trimmed) }
        return value
    }
}
