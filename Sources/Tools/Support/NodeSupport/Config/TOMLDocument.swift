// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import TOMLKit

/// Reads TOML 1.0 texts into values that know their lines.
package enum TOMLDocument {
    /// The most bytes of a configuration file.
    package static let maximumBytes = 1 << 20

    /// Parses a text.
    ///
    /// The parser stops at the first error of syntax (a key that appears twice is one), so such a text has one problem.
    ///
    /// - Parameters:
    ///   - bytes: The content of the file.
    ///   - report: Told what is wrong.
    ///   - file: The text's name when it is another file than the one that the report is about.
    /// - Returns: The root table; `nil` when the text is not TOML.
    package static func parse(_ bytes: [UInt8], report: ConfigReport, file: String? = nil) -> ConfigValue? {
        let file = file ?? report.file
        func refuse(_ line: Int, _ message: String) -> ConfigValue? {
            report.add(.error, at: ConfigPlace(file: file, line: line), message)
            return nil
        }
        let isMarked = bytes.starts(with: [0xEF, 0xBB, 0xBF])
        let content = isMarked ? bytes[3...] : bytes[...]
        guard let text = String(validating: content, as: UTF8.self) else {
            return refuse(firstInvalidLine(content), "the text is not UTF-8; save the file as UTF-8")
        }
        if let place = content.firstIndex(of: 0) {
            return refuse(line(of: place, in: content), "there is a NUL byte; remove it")
        }
        let locator = TOMLKeyLocator(text)
        if let line = locator.tooDeepLine {
            return refuse(line, "keys are nested more than \(TOMLKeyLocator.maximumSteps) deep")
        }
        do {
            let table = try TOMLTable(string: text)
            return Conversion(locator: locator, file: file).convert(table, path: [], line: 1)
        } catch let error as TOMLParseError {
            return refuse(max(error.source.begin.line, 1), "this is not TOML: \(oneLine(error.description))")
        } catch {
            return refuse(1, "this is not TOML")
        }
    }

    // MARK: Values

    /// Turns what the parser made into our values.
    private struct Conversion {
        let locator: TOMLKeyLocator
        let file: String

        func convert(_ table: TOMLTable, path: [String], line: Int) -> ConfigValue {
            var values: [String: ConfigValue] = [:]
            for key in table.keys {
                // A key that holds a NUL is cut by the parser's interface and then not found; nothing of ours has one.
                guard let value = table[key] else { continue }
                let inner = path + [key]
                values[key] = convert(value, path: inner, line: locator.line(of: inner) ?? line)
            }
            return ConfigValue(kind: .table(values), line: line, file: file)
        }

        func convert(_ value: any TOMLValueConvertible, path: [String], line: Int) -> ConfigValue {
            if let table = value.table { return convert(table, path: path, line: line) }
            let kind: ConfigValue.Kind
            if let text = value.string {
                kind = .text(text)
            } else if let number = value.int {
                kind = .integer(number)
            } else if let truth = value.bool {
                kind = .boolean(truth)
            } else if let number = value.double {
                kind = .fraction(number)
            } else if let list = value.array {
                kind = .list(
                    list.enumerated().map { offset, item in
                        let inner = path + [TOMLKeyLocator.item(offset)]
                        return convert(item, path: inner, line: locator.line(of: inner) ?? line)
                    })
            } else {
                kind = .other("a date or time")
            }
            return ConfigValue(kind: kind, line: line, file: file)
        }
    }

    // MARK: Messages

    private static func oneLine(_ text: String) -> String {
        text.split(whereSeparator: \.isNewline).joined(separator: " ")
    }

    private static func firstInvalidLine(_ bytes: ArraySlice<UInt8>) -> Int {
        var number = 1
        for line in bytes.split(separator: 0x0A, omittingEmptySubsequences: false) {
            if String(validating: line, as: UTF8.self) == nil { return number }
            number += 1
        }
        return 1
    }

    private static func line(of place: Int, in bytes: ArraySlice<UInt8>) -> Int {
        bytes[..<place].count { $0 == 0x0A } + 1
    }
}
