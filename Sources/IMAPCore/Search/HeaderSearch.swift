// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Answers a search program that needs only headers, for one header in memory after the other.
///
/// The answers are those of ``MessageTextSearch`` for the same header. It looks at every byte once, keeps only the values of the fields
/// that are asked for, and stops as soon as all answers are known.
///
///     var search = HeaderSearch(program: program)
///     for header in headers { found.append(search.answers(header)) }
public struct HeaderSearch: Sendable {
    private struct Field: Sendable {
        let name: [UInt8]
        let tests: [Int]
    }

    private let program: MessageSearchProgram
    private let limits: MailLimits
    private let fields: [Field]
    /// For each byte in any case whether the name of a field begins with it.
    private let begins: [Bool]
    private var value: [UInt8] = []
    private var folded: [UInt8] = []

    /// Prepares a search.
    ///
    /// - Parameters:
    ///   - program: what to look for; see ``MessageSearchProgram/needsOnlyHeader``.
    ///   - limits: what a message may cost.
    public init(program: MessageSearchProgram, limits: MailLimits = MailLimits()) {
        self.program = program
        self.limits = limits
        fields = program.fieldTests.map { Field(name: $0.key, tests: $0.value) }
        begins = (UInt8.min...UInt8.max).map { byte in
            program.fieldTests[[]] != nil || program.fieldTests.keys.contains { $0.first == MailASCII.lowercased(byte) }
        }
    }

    /// Searches one header.
    ///
    /// - Parameter header: the header of a message, with or without its empty line; of more bytes those behind the header are not looked at.
    /// - Returns: for each test whether the message satisfies it.
    /// - Complexity: O(n) in the header, and in the values of the fields asked for, for each of their tests.
    public mutating func answers(_ header: [UInt8]) -> [Bool] {
        guard program.needsOnlyHeader else { return general(header) }
        var answers = [Bool?](repeating: nil, count: program.tests.count)
        var undecided = answers.count
        var lines = 0
        var index = 0
        while index < header.count, undecided > 0 {
            let first = header[index]
            if Self.isLineEnd(first) { break }
            lines += 1
            // More lines than fields are looked at: which of them are fields has to be counted, and that is rare.
            guard lines <= limits.maximumFieldCount else { return general(header) }
            if begins[Int(first)], !MailASCII.isBlank(first), let (tests, start) = field(header, at: index) {
                index = takeValue(header, from: start)
                foldValue()
                for test in tests where answers[test] == nil {
                    guard let answer = SearchSink.answer(program, test, value: value, folded: folded) else { continue }
                    answers[test] = answer
                    undecided -= 1
                }
            } else {
                index = Self.nextLine(header, after: index)
            }
        }
        return answers.map { $0 ?? false }
    }

    /// The field that begins at a line, if it is asked for.
    ///
    /// - Returns: its tests, and where its value begins.
    private func field(_ header: [UInt8], at start: Int) -> ([Int], Int)? {
        var colon = start
        while colon < header.count, header[colon] != MailASCII.colon {
            if Self.isLineEnd(header[colon]) { return nil }
            colon += 1
        }
        guard colon < header.count else { return nil }
        var end = min(colon, start + FieldAccumulator.maximumNameBytes)
        while end > start, MailASCII.isBlank(header[end - 1]) { end -= 1 }
        for field in fields where field.name.count == end - start {
            var offset = 0
            while offset < field.name.count, MailASCII.lowercased(header[start + offset]) == field.name[offset] {
                offset += 1
            }
            if offset == field.name.count { return (field.tests, colon + 1) }
        }
        return nil
    }

    /// Unfolds a value into the buffer.
    ///
    /// - Returns: where the line behind the field begins.
    private mutating func takeValue(_ header: [UInt8], from start: Int) -> Int {
        value.removeAll(keepingCapacity: true)
        var index = start
        while index < header.count {
            let byte = header[index]
            if Self.isLineEnd(byte) {
                index = Self.behindLineEnd(header, at: index)
                guard index < header.count, MailASCII.isBlank(header[index]) else { break }
                continue
            }
            index += 1
            if value.count < limits.maximumFieldBytes, byte != MailASCII.nul,
                !(value.isEmpty && MailASCII.isBlank(byte))
            {
                value.append(byte)
            }
        }
        while let last = value.last, MailASCII.isWhite(last) { value.removeLast() }
        return index
    }

    /// Decodes and folds the value; most values are plain ASCII without encoded words.
    private mutating func foldValue() {
        var isPlain = true
        for byte in value where byte >= 0x80 || byte == MailASCII.equal { isPlain = false }
        folded.removeAll(keepingCapacity: true)
        if isPlain {
            for byte in value { folded.append(MailASCII.lowercased(byte)) }
        } else {
            folded = CaseFold.fold(EncodedWord.decode(value))
        }
    }

    private func general(_ header: [UInt8]) -> [Bool] {
        var search = MessageTextSearch(program: program, limits: limits)
        search.consume(header.span)
        return search.finish()
    }

    private static func isLineEnd(_ byte: UInt8) -> Bool {
        byte <= MailASCII.carriageReturn && (byte == MailASCII.lineFeed || byte == MailASCII.carriageReturn)
    }

    private static func nextLine(_ header: [UInt8], after start: Int) -> Int {
        var index = start
        while index < header.count, !isLineEnd(header[index]) { index += 1 }
        return index < header.count ? behindLineEnd(header, at: index) : index
    }

    private static func behindLineEnd(_ header: [UInt8], at index: Int) -> Int {
        let isPair =
            header[index] == MailASCII.carriageReturn && index + 1 < header.count
            && header[index + 1] == MailASCII.lineFeed
        return index + (isPair ? 2 : 1)
    }
}
