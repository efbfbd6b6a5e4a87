// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import SyncJobs

/// Reads patterns in RE2's language, which is tunasync's: no back references and no looking around, so that every pattern
/// takes time in proportion to the text.
struct PatternParser {
    /// The deepest nesting and the greatest count of a repetition, as in RE2.
    static let depthLimit = 200
    static let repetitionLimit = 1_000

    private struct Flags { var foldsCase = false, isMultiline = false, dotTakesAll = false, isLazy = false }

    private let text: [Unicode.Scalar]
    private let pattern: String
    private var position = 0
    private var flags = Flags()
    private(set) var groupCount = 0

    private init(_ pattern: String) {
        self.pattern = pattern
        text = Array(pattern.unicodeScalars)
    }

    /// Reads a pattern.
    ///
    /// - Parameter pattern: the pattern.
    /// - Returns: its parts, and how many groups it has that keep what they matched.
    /// - Throws: ``RunFailure`` of class `configuration` that says what is wrong with it.
    static func parse(_ pattern: String) throws(RunFailure) -> (node: PatternNode, groups: Int) {
        var parser = PatternParser(pattern)
        let node = try parser.choice(depth: 0)
        guard parser.position == parser.text.count else { throw parser.wrong("a closing bracket too many") }
        return (node, parser.groupCount)
    }

    private func wrong(_ what: String) -> RunFailure {
        RunFailure(.configuration, "the pattern \(pattern.debugDescription) cannot be used: \(what)")
    }

    private var next: Unicode.Scalar? { position < text.count ? text[position] : nil }

    private mutating func take(_ wanted: String) -> Bool {
        let scalars = Array(wanted.unicodeScalars)
        guard text[position...].starts(with: scalars) else { return false }
        position += scalars.count
        return true
    }

    private mutating func choice(depth: Int) throws(RunFailure) -> PatternNode {
        guard depth < Self.depthLimit else { throw wrong("it is nested too deeply") }
        var branches: [PatternNode] = []
        // Flags that are set inside of a group end with it.
        let outer = flags
        repeat { branches.append(try sequence(depth: depth)) } while take("|")
        flags = outer
        return branches.count == 1 ? branches[0] : .choice(branches)
    }

    private mutating func sequence(depth: Int) throws(RunFailure) -> PatternNode {
        var parts: [PatternNode] = []
        while let scalar = next, scalar != "|", scalar != ")" {
            guard let part = try atom(depth: depth) else { continue }
            parts.append(try repeated(part))
        }
        return parts.count == 1 ? parts[0] : parts.isEmpty ? .empty : .sequence(parts)
    }

    /// One place of a pattern; nothing for what only changes flags.
    private mutating func atom(depth: Int) throws(RunFailure) -> PatternNode? {
        guard let scalar = next else { return .empty }
        position += 1
        switch scalar {
        case "(": return try group(depth: depth)
        case "[": return .set(try brackets())
        case ".":
            var set = flags.dotTakesAll ? ScalarSet() : ScalarSet("\n")
            set.negate()
            return .set(set)
        case "^": return .assertion(flags.isMultiline ? .lineStart : .textStart)
        case "$": return .assertion(flags.isMultiline ? .lineEnd : .textEnd)
        case "\\": return try escape()
        case "*", "+", "?": throw wrong("\(scalar) has nothing to repeat")
        default: return literal(scalar.value)
        }
    }

    private func literal(_ value: UInt32) -> PatternNode {
        var set = ScalarSet([value...value])
        if flags.foldsCase { set.foldCase() }
        return .set(set)
    }

    private mutating func repeated(_ node: PatternNode) throws(RunFailure) -> PatternNode {
        var node = node
        var isRepeated = false
        while let scalar = next {
            let bounds: (Int, Int?)
            switch scalar {
            case "*": bounds = (0, nil)
            case "+": bounds = (1, nil)
            case "?": bounds = (0, 1)
            case "{":
                guard let counted = try counts() else { return node }
                bounds = counted
                position -= 1
            default: return node
            }
            position += 1
            guard !isRepeated else { throw wrong("one repetition follows another") }
            isRepeated = true
            node = .repetition(node, least: bounds.0, most: bounds.1, isLazy: take("?") != flags.isLazy)
        }
        return node
    }

    /// `{2}`, `{2,}` or `{2,5}`; nothing, without taking anything, when the brace only stands for itself.
    private mutating func counts() throws(RunFailure) -> (Int, Int?)? {
        let start = position
        position += 1
        guard let least = number() else {
            position = start
            return brace()
        }
        var most: Int? = least
        if take(",") { most = number() }
        guard take("}") else {
            position = start
            return brace()
        }
        guard least <= Self.repetitionLimit, most ?? 0 <= Self.repetitionLimit, most ?? least >= least else {
            throw wrong("a repetition counts to more than \(Self.repetitionLimit), or down")
        }
        return (least, most)
    }

    private func brace() -> (Int, Int?)? { nil }

    private mutating func number() -> Int? {
        var value: Int?
        while let scalar = next, ("0"..."9").contains(scalar), (value ?? 0) <= Self.repetitionLimit {
            value = (value ?? 0) * 10 + Int(scalar.value - 48)
            position += 1
        }
        return value
    }

    private mutating func group(depth: Int) throws(RunFailure) -> PatternNode? {
        guard take("?") else { return try capture(depth: depth) }
        if take("P<")
            || (next == "<" && position + 1 < text.count && !["=", "!"].contains(text[position + 1]) && take("<"))
        {
            var name = String.UnicodeScalarView()
            while let scalar = next, scalar != ">" {
                name.append(scalar)
                position += 1
            }
            let isName = !name.isEmpty && name.allSatisfy { ScalarSet.word.contains($0.value) }
            guard take(">"), isName else { throw wrong("a group's name is not one") }
            return try capture(depth: depth)
        }
        let outer = flags
        try readFlags()
        if take(")") { return nil }
        guard take(":") else { throw wrong("(?… of a kind that RE2 does not have") }
        let node = try choice(depth: depth + 1)
        flags = outer
        guard take(")") else { throw wrong("a bracket is not closed") }
        return node
    }

    private mutating func capture(depth: Int) throws(RunFailure) -> PatternNode {
        groupCount += 1
        let number = groupCount
        let node = try choice(depth: depth + 1)
        guard take(")") else { throw wrong("a bracket is not closed") }
        return .group(node, number: number)
    }

    private mutating func readFlags() throws(RunFailure) {
        var isOn = true
        while let scalar = next, scalar != ")", scalar != ":" {
            position += 1
            switch scalar {
            case "-": isOn = false
            case "i": flags.foldsCase = isOn
            case "m": flags.isMultiline = isOn
            case "s": flags.dotTakesAll = isOn
            case "U": flags.isLazy = isOn
            default: throw wrong("(?… of a kind that RE2 does not have")
            }
        }
    }
}

extension PatternParser {
    private mutating func escape() throws(RunFailure) -> PatternNode {
        guard let scalar = next else { throw wrong("it ends with a backslash") }
        position += 1
        switch scalar {
        case "A": return .assertion(.textStart)
        case "z": return .assertion(.textEnd)
        case "b": return .assertion(.wordEdge)
        case "B": return .assertion(.noWordEdge)
        case "Q":
            var parts: [PatternNode] = []
            while let scalar = next, !take("\\E") {
                parts.append(literal(scalar.value))
                position += 1
            }
            return .sequence(parts)
        case "C": throw wrong("\\C stands for a byte, and text is matched by characters here")
        default:
            position -= 1
            if let set = try classEscape() { return .set(set) }
            return literal(try scalarEscape())
        }
    }

    /// `\d` and its like, also inside of brackets; nothing, without taking anything, when it is another escape.
    private mutating func classEscape() throws(RunFailure) -> ScalarSet? {
        guard let scalar = next else { return nil }
        var set: ScalarSet
        switch scalar {
        case "d", "D": set = .digits
        case "s", "S": set = .blanks
        case "w", "W": set = .word
        case "p", "P":
            position += 1
            return try category(isNegated: scalar == "P")
        default: return nil
        }
        position += 1
        if ["D", "S", "W"].contains(scalar) { set.negate() }
        return set
    }

    private mutating func category(isNegated: Bool) throws(RunFailure) -> ScalarSet {
        var name = ""
        if take("{") {
            while let scalar = next, scalar != "}" {
                name.unicodeScalars.append(scalar)
                position += 1
            }
            guard take("}") else { throw wrong("a brace is not closed") }
        } else if let scalar = next {
            name.unicodeScalars.append(scalar)
            position += 1
        }
        let isInverted = name.hasPrefix("^")
        guard var set = ScalarSet(category: String(name.drop { $0 == "^" })) else {
            throw wrong("\\p{\(name)} is no general category of Unicode; scripts are not known here")
        }
        if isNegated != isInverted { set.negate() }
        return set
    }

    private mutating func scalarEscape() throws(RunFailure) -> UInt32 {
        guard let scalar = next else { throw wrong("it ends with a backslash") }
        position += 1
        switch scalar {
        case "a": return 7
        case "f": return 12
        case "n": return 10
        case "r": return 13
        case "t": return 9
        case "v": return 11
        case "x": return try hexadecimal()
        case "1"..."7":
            // One digit alone would be a back reference.
            guard let second = next, ("0"..."7").contains(second) else { throw wrong("\\\(scalar) refers back") }
            return octal(first: scalar)
        case "0": return octal(first: scalar)
        default:
            guard scalar.value >= 128 || !ScalarSet.word.contains(scalar.value) else {
                throw wrong("\\\(scalar) means nothing")
            }
            return scalar.value
        }
    }

    private mutating func octal(first: Unicode.Scalar) -> UInt32 {
        var value = first.value - 48
        while value < 0o40, let scalar = next, ("0"..."7").contains(scalar) {
            value = value * 8 + scalar.value - 48
            position += 1
        }
        return value
    }

    private mutating func hexadecimal() throws(RunFailure) -> UInt32 {
        let isBraced = take("{")
        var digits = ""
        while let scalar = next, digits.utf8.count < (isBraced ? 8 : 2), scalar.properties.isASCIIHexDigit {
            digits.unicodeScalars.append(scalar)
            position += 1
        }
        guard let value = UInt32(digits, radix: 16), value <= 0x10FFFF, isBraced ? take("}") : digits.utf8.count == 2
        else { throw wrong("\\x needs hexadecimal digits") }
        return value
    }

    private mutating func brackets() throws(RunFailure) -> ScalarSet {
        var set = ScalarSet()
        let isNegated = take("^")
        var isFirst = true
        while let scalar = next, scalar != "]" || isFirst {
            isFirst = false
            if take("[:") {
                set.insert(try namedClass())
                continue
            }
            if scalar == "\\" {
                position += 1
                if let inner = try classEscape() {
                    set.insert(inner)
                    continue
                }
                position -= 1
            }
            let low = try bracketScalar()
            guard next == "-", position + 1 < text.count, text[position + 1] != "]" else {
                set.insert(low...low)
                continue
            }
            position += 1
            let high = try bracketScalar()
            guard low <= high else { throw wrong("a range goes down") }
            set.insert(low...high)
        }
        guard take("]") else { throw wrong("a bracket is not closed") }
        if flags.foldsCase { set.foldCase() }
        if isNegated { set.negate() }
        return set
    }

    private mutating func bracketScalar() throws(RunFailure) -> UInt32 {
        guard let scalar = next else { throw wrong("a bracket is not closed") }
        position += 1
        return scalar == "\\" ? try scalarEscape() : scalar.value
    }

    private mutating func namedClass() throws(RunFailure) -> ScalarSet {
        let isNegated = take("^")
        var name = ""
        while let scalar = next, scalar != ":" {
            name.unicodeScalars.append(scalar)
            position += 1
        }
        guard take(":]"), var set = ScalarSet.named[name] else { throw wrong("[:\(name):] is no class") }
        if isNegated { set.negate() }
        return set
    }
}
