// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Finds the lines on which the keys and tables of a TOML text stand; the parser that we use keeps no positions.
///
/// It follows TOML 1.0 (headers, dotted and quoted keys, inline tables, lists, the four kinds of strings, comments), and
/// is meant for texts that the parser has accepted. Any other text is no danger: it gives fewer or odd lines. The first
/// place of a key counts, which for a table is its header or the first header or dotted key that implies it. An item of a
/// list, or of an array of tables, is a step of the path too: ``item(_:)``.
///
/// - Complexity: One pass over the text.
struct TOMLKeyLocator {
    /// How deep lists and inline tables are followed.
    private static let maximumDepth = 300
    /// The most steps of a path: the parser has no limit of its own for dotted keys, and its tables are taken down by
    /// recursion.
    static let maximumSteps = 256

    private let bytes: [UInt8]
    private var position = 0
    private var line = 1
    private var lines: [[String]: Int] = [:]
    /// The first line on which a key is nested more than ``maximumSteps`` deep; `nil` when there is none.
    private(set) var tooDeepLine: Int?
    /// How many tables each array of tables has so far.
    private var counts: [[String]: Int] = [:]

    /// Scans a text.
    init(_ text: String) {
        bytes = Array(text.utf8)
        var table: [String] = []
        while position < bytes.count {
            let start = position
            scanItem(&table)
            // Whatever the text is, the scan goes on.
            if position == start { advance() }
        }
    }

    /// The line of a key or table.
    ///
    /// - Parameter path: The names from the root.
    /// - Returns: The line, from 1; `nil` when there is no such key.
    func line(of path: [String]) -> Int? { path.isEmpty ? 1 : lines[path] }

    /// The step of a path that leads to an item of a list.
    ///
    /// - Parameter offset: The item's place in the list, from 0.
    /// - Returns: The step, which is no key: keys of the texts that are read hold no NUL.
    static func item(_ offset: Int) -> String { "\u{0}\(offset)" }

    // MARK: Items

    private mutating func scanItem(_ table: inout [String]) {
        skipBlank(withLines: true)
        switch current {
        case nil: return
        case UInt8(ascii: "["):
            advance()
            let isItem = current == UInt8(ascii: "[")
            if isItem { advance() }
            let place = line
            guard let key = scanKey() else { return }
            table = header(key, isItem: isItem)
            note(table, line: place)
            skipLine()
        default:
            scanPair(below: table, depth: 0)
            skipLine()
        }
    }

    /// The path of a header: below an array of tables it belongs to the last of them.
    private mutating func header(_ key: [String], isItem: Bool) -> [String] {
        var path: [String] = []
        for (offset, part) in key.enumerated() {
            path.append(part)
            if isItem, offset == key.count - 1 {
                let count = counts[path, default: 0]
                counts[path] = count + 1
                path.append(Self.item(count))
            } else if let count = counts[path] {
                path.append(Self.item(count - 1))
            }
        }
        return path
    }

    private mutating func scanPair(below table: [String], depth: Int) {
        let place = line
        guard let key = scanKey() else { return }
        let path = table + key
        note(path, line: place)
        skipBlank(withLines: false)
        guard current == UInt8(ascii: "=") else { return }
        advance()
        skipBlank(withLines: false)
        scanValue(path, depth: depth)
    }

    private mutating func note(_ path: [String], line: Int) {
        guard path.count <= Self.maximumSteps else {
            tooDeepLine = tooDeepLine ?? line
            return
        }
        for count in stride(from: path.count, to: 0, by: -1) {
            let prefix = Array(path[..<count])
            // What is known has all its prefixes known.
            if lines[prefix] != nil { return }
            lines[prefix] = line
        }
    }

    // MARK: Values

    private mutating func scanValue(_ path: [String], depth: Int) {
        guard depth < Self.maximumDepth else { return }
        switch current {
        case UInt8(ascii: "\""), UInt8(ascii: "'"): _ = scanString()
        case UInt8(ascii: "["): scanList(path, depth: depth)
        case UInt8(ascii: "{"): scanInlineTable(path, depth: depth)
        default:
            while let byte = current, !Self.endsBareValue(byte) { advance() }
        }
    }

    private mutating func scanList(_ path: [String], depth: Int) {
        advance()
        var count = 0
        while let byte = skippingSeparators(withLines: true) {
            if byte == UInt8(ascii: "]") {
                advance()
                return
            }
            let start = position
            let item = path + [Self.item(count)]
            note(item, line: line)
            scanValue(item, depth: depth + 1)
            if position == start { return }
            count += 1
        }
    }

    private mutating func scanInlineTable(_ path: [String], depth: Int) {
        advance()
        while let byte = skippingSeparators(withLines: true) {
            if byte == UInt8(ascii: "}") {
                advance()
                return
            }
            let start = position
            scanPair(below: path, depth: depth + 1)
            if position == start { return }
        }
    }

    private mutating func skippingSeparators(withLines: Bool) -> UInt8? {
        skipBlank(withLines: withLines)
        while current == UInt8(ascii: ",") {
            advance()
            skipBlank(withLines: withLines)
        }
        return current
    }

    private static func endsBareValue(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: ","), UInt8(ascii: "]"), UInt8(ascii: "}"), UInt8(ascii: "#"), 0x0A, 0x0D: true
        default: false
        }
    }

    // MARK: Keys

    /// A dotted key; `nil` when there is none here.
    private mutating func scanKey() -> [String]? {
        var path: [String] = []
        while true {
            skipBlank(withLines: false)
            guard let part = scanKeyPart() else { return nil }
            // One more than is allowed is enough to see that there are too many.
            if path.count <= Self.maximumSteps { path.append(part) }
            skipBlank(withLines: false)
            guard current == UInt8(ascii: ".") else { return path }
            advance()
        }
    }

    private mutating func scanKeyPart() -> String? {
        if current == UInt8(ascii: "\"") || current == UInt8(ascii: "'") { return scanString() }
        let start = position
        while let byte = current, Self.isBareKey(byte) { advance() }
        return position == start ? nil : String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private static func isBareKey(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), 0x80...:
            true
        default: false
        }
    }

    // MARK: Strings

    /// A string of any of the four kinds, without its quotes and with its escapes replaced.
    private mutating func scanString() -> String {
        guard let quote = current else { return "" }
        let isLong = peek(1) == quote && peek(2) == quote
        advance(by: isLong ? 3 : 1)
        var content: [UInt8] = []
        while let byte = current {
            if byte == quote {
                if !isLong {
                    advance()
                    break
                }
                if peek(1) == quote, peek(2) == quote {
                    advance(by: 3)
                    // Up to two quotes may stand before the closing three.
                    while current == quote { advance() }
                    break
                }
            } else if byte == UInt8(ascii: "\\"), quote == UInt8(ascii: "\"") {
                scanEscape(into: &content)
                continue
            } else if byte == 0x0A, !isLong {
                break
            }
            content.append(byte)
            advance()
        }
        return String(decoding: content, as: UTF8.self)
    }

    private mutating func scanEscape(into content: inout [UInt8]) {
        advance()
        guard let letter = current else { return }
        advance()
        switch letter {
        case UInt8(ascii: "b"): content.append(0x08)
        case UInt8(ascii: "t"): content.append(0x09)
        case UInt8(ascii: "n"): content.append(0x0A)
        case UInt8(ascii: "f"): content.append(0x0C)
        case UInt8(ascii: "r"): content.append(0x0D)
        case UInt8(ascii: "e"): content.append(0x1B)
        case UInt8(ascii: "x"): scanScalar(digits: 2, into: &content)
        case UInt8(ascii: "u"): scanScalar(digits: 4, into: &content)
        case UInt8(ascii: "U"): scanScalar(digits: 8, into: &content)
        default: content.append(letter)
        }
    }

    private mutating func scanScalar(digits: Int, into content: inout [UInt8]) {
        guard position + digits <= bytes.count else { return }
        let text = String(decoding: bytes[position..<position + digits], as: UTF8.self)
        guard let number = UInt32(text, radix: 16), let scalar = Unicode.Scalar(number) else { return }
        content += Array(String(Character(scalar)).utf8)
        advance(by: digits)
    }

    // MARK: Bytes

    private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    private func peek(_ distance: Int) -> UInt8? {
        position + distance < bytes.count ? bytes[position + distance] : nil
    }

    private mutating func advance(by count: Int = 1) {
        for _ in 0..<count where position < bytes.count {
            if bytes[position] == 0x0A { line += 1 }
            position += 1
        }
    }

    private mutating func skipBlank(withLines: Bool) {
        while let byte = current {
            switch byte {
            case 0x20, 0x09, 0x0D: advance()
            case 0x0A where withLines: advance()
            case UInt8(ascii: "#") where withLines: while let next = current, next != 0x0A { advance() }
            default: return
            }
        }
    }

    /// Goes to the next line, over what may follow an item.
    private mutating func skipLine() {
        while let byte = current, byte != 0x0A { advance() }
    }
}
