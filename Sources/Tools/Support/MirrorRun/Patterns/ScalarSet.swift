// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// A set of Unicode scalars: what one place of a pattern may match.
struct ScalarSet: Hashable, Sendable {
    /// One bit for each ASCII character, for a quick answer.
    private(set) var ascii: (low: UInt64, high: UInt64) = (0, 0)
    private var ranges: [ClosedRange<UInt32>] = []
    private var categories: Set<String> = []
    private(set) var isNegated = false
    /// Sets that were negated on their own, such as `\D` inside of brackets.
    private var parts: [ScalarSet] = []

    static func == (left: ScalarSet, right: ScalarSet) -> Bool {
        left.ranges == right.ranges && left.categories == right.categories && left.isNegated == right.isNegated
            && left.parts == right.parts
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(ranges)
        hasher.combine(isNegated)
    }

    /// An empty set.
    init() {}

    init(_ ranges: [ClosedRange<UInt32>]) {
        for range in ranges { insert(range) }
    }

    init(_ text: String) {
        for scalar in text.unicodeScalars { insert(scalar.value...scalar.value) }
    }

    /// All that a general category of Unicode holds, such as `L` or `Nd`.
    init?(category: String) {
        guard Self.categoryNames.contains(category) else { return nil }
        categories = [category]
    }

    mutating func insert(_ range: ClosedRange<UInt32>) {
        ranges.append(range)
        guard range.lowerBound < 128 else { return }
        for value in range.lowerBound...min(range.upperBound, 127) {
            if value < 64 { ascii.low |= 1 << UInt64(value) } else { ascii.high |= 1 << UInt64(value - 64) }
        }
    }

    mutating func insert(_ other: ScalarSet) {
        if other.isNegated || !other.categories.isEmpty || !other.parts.isEmpty {
            parts.append(other)
        } else {
            for range in other.ranges { insert(range) }
        }
    }

    mutating func negate() { isNegated.toggle() }

    /// Adds the other case of each letter.
    mutating func foldCase() {
        // Longer ranges than these are of scripts without case, or have both cases already.
        for range in ranges where range.count <= 1024 {
            for value in range {
                for other in Self.cases(of: value) where other != value { insert(other...other) }
            }
        }
    }

    /// The scalars that are the same letter, whatever the case.
    static func cases(of value: UInt32) -> [UInt32] {
        guard let scalar = Unicode.Scalar(value) else { return [value] }
        if value < 128, !scalar.properties.isAlphabetic { return [value] }
        var all = [value]
        for text in [scalar.properties.lowercaseMapping, scalar.properties.uppercaseMapping]
        where text.unicodeScalars.count == 1 {
            if let first = text.unicodeScalars.first, !all.contains(first.value) { all.append(first.value) }
        }
        return all
    }

    /// Whether a scalar is in the set.
    func contains(_ value: UInt32) -> Bool { holds(value) != isNegated }

    private func holds(_ value: UInt32) -> Bool {
        if value < 64, ascii.low & (1 << UInt64(value)) != 0 { return true }
        if value >= 64, value < 128, ascii.high & (1 << UInt64(value - 64)) != 0 { return true }
        if value >= 128, ranges.contains(where: { $0.contains(value) }) { return true }
        if !categories.isEmpty, let scalar = Unicode.Scalar(value),
            let name = Self.names[scalar.properties.generalCategory],
            categories.contains(name) || categories.contains(String(name.prefix(1)))
        {
            return true
        }
        return parts.contains { $0.contains(value) }
    }

    /// `\d`, `\s` and `\w` are ASCII, as in RE2.
    static let digits = ScalarSet("0123456789")
    static let blanks = ScalarSet("\t\n\u{0C}\r ")
    static let word: ScalarSet = {
        var set = ScalarSet("_")
        for range in [UInt32(48)...57, 65...90, 97...122] { set.insert(range) }
        return set
    }()

    /// The classes between `[:` and `:]`.
    static let named: [String: ScalarSet] = [
        "alnum": ScalarSet([48...57, 65...90, 97...122]), "alpha": ScalarSet([65...90, 97...122]),
        "ascii": ScalarSet([0...127]), "blank": ScalarSet("\t "), "cntrl": ScalarSet([0...31, 127...127]),
        "digit": digits, "graph": ScalarSet([33...126]), "lower": ScalarSet([97...122]),
        "print": ScalarSet([32...126]), "punct": ScalarSet([33...47, 58...64, 91...96, 123...126]),
        "space": ScalarSet("\t\n\u{0B}\u{0C}\r "), "upper": ScalarSet([65...90]), "word": word,
        "xdigit": ScalarSet([48...57, 65...70, 97...102]),
    ]

    private static let names: [Unicode.GeneralCategory: String] = [
        .uppercaseLetter: "Lu", .lowercaseLetter: "Ll", .titlecaseLetter: "Lt", .modifierLetter: "Lm",
        .otherLetter: "Lo", .nonspacingMark: "Mn", .spacingMark: "Mc", .enclosingMark: "Me", .decimalNumber: "Nd",
        .letterNumber: "Nl", .otherNumber: "No", .connectorPunctuation: "Pc", .dashPunctuation: "Pd",
        .openPunctuation: "Ps", .closePunctuation: "Pe", .initialPunctuation: "Pi", .finalPunctuation: "Pf",
        .otherPunctuation: "Po", .mathSymbol: "Sm", .currencySymbol: "Sc", .modifierSymbol: "Sk", .otherSymbol: "So",
        .spaceSeparator: "Zs", .lineSeparator: "Zl", .paragraphSeparator: "Zp", .control: "Cc", .format: "Cf",
        .surrogate: "Cs", .privateUse: "Co", .unassigned: "Cn",
    ]

    private static let categoryNames = Set(names.values).union(["L", "M", "N", "P", "S", "Z", "C"])
}
