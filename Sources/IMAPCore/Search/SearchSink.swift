// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Runs the tests of a search program over what the scanner finds.
struct SearchSink: ScanSink {
    private let program: MessageSearchProgram
    /// The answers that are known.
    private(set) var answers: [Bool?]
    private(set) var undecidedCount: Int
    /// For each test how much of its needle matches the end of the decoded body.
    private var bodyMatched: [Int]
    /// The same for the raw header.
    private var headerMatched: [Int]

    private var isReadingBody = false
    private var transfer = TransferDecoder(encoding: .identity)
    private var charset = CharsetDecoder(charset: .utf8)
    private var bodyFolder = CaseFolder()
    private var headerFolder = CaseFolder()
    private var octets: [UInt8] = []
    private var text: [UInt8] = []
    private var folded: [UInt8] = []

    init(program: MessageSearchProgram) {
        self.program = program
        answers = Array(repeating: nil, count: program.tests.count)
        undecidedCount = program.tests.count
        bodyMatched = Array(repeating: 0, count: program.tests.count)
        headerMatched = bodyMatched
        // An empty needle is in every text.
        for index in program.bodyTests + program.textTests where program.patterns[index].folded.isEmpty {
            decide(index, true)
        }
    }

    func wantsField(_ name: [UInt8], scope: HeaderScope) -> Bool {
        guard undecidedCount > 0 else { return false }
        return !program.textTests.isEmpty || (scope == .embedded && !program.bodyTests.isEmpty)
            || (scope == .root && program.fieldTests[name] != nil)
    }

    mutating func field(name: [UInt8], value: [UInt8], scope: HeaderScope) {
        guard undecidedCount > 0 else { return }
        let foldedValue = CaseFold.fold(EncodedWord.decode(value))
        if scope == .root {
            for index in program.fieldTests[name] ?? [] where answers[index] == nil {
                testField(index, value: value, folded: foldedValue)
            }
        }
        for index in program.textTests where answers[index] == nil && program.patterns[index].occurs(in: foldedValue) {
            decide(index, true)
        }
        guard scope == .embedded else { return }
        for index in program.bodyTests where answers[index] == nil && program.patterns[index].occurs(in: foldedValue) {
            decide(index, true)
        }
    }

    private mutating func testField(_ index: Int, value: [UInt8], folded: [UInt8]) {
        if let answer = Self.answer(program, index, value: value, folded: folded) { decide(index, answer) }
    }

    /// What a field says to a test that asks for it; nil when a later field of the name may still satisfy it.
    static func answer(_ program: MessageSearchProgram, _ index: Int, value: [UInt8], folded: [UInt8]) -> Bool? {
        switch program.tests[index] {
        case .header: program.patterns[index].occurs(in: folded) ? true : nil
        case .sentBefore(let day): InternetDate(parsing: value).map { $0.day < day } ?? false
        case .sentOn(let day): InternetDate(parsing: value).map { $0.day == day } ?? false
        case .sentSince(let day): InternetDate(parsing: value).map { $0.day >= day } ?? false
        case .body, .text: nil
        }
    }

    mutating func headerBytes(_ bytes: borrowing Span<UInt8>, _ range: Range<Int>) {
        guard undecidedCount > 0, !program.textTests.isEmpty else { return }
        folded.removeAll(keepingCapacity: true)
        let part = bytes.extracting(range)
        headerFolder.fold(part, into: &folded)
        match(program.textTests, isHeader: true)
    }

    mutating func headerEnded(scope: HeaderScope) {
        headerFolder = CaseFolder()
        for index in headerMatched.indices { headerMatched[index] = 0 }
        guard scope == .root else { return }
        for indices in program.fieldTests.values {
            for index in indices where answers[index] == nil { decide(index, false) }
        }
    }

    mutating func bodyBegins(_ fields: MIMEFields) {
        let type = fields.mediaType
        isReadingBody = type.isText || type.isOfMessageType
        guard isReadingBody else { return }
        transfer = TransferDecoder(encoding: fields.encoding)
        charset = CharsetDecoder(charset: Charset(name: type.parameter(Array("charset".utf8))))
        bodyFolder = CaseFolder()
        for index in bodyMatched.indices { bodyMatched[index] = 0 }
    }

    mutating func bodyBytes(_ bytes: borrowing Span<UInt8>, _ range: Range<Int>) {
        guard isReadingBody, undecidedCount > 0, !program.needsOnlyHeader else { return }
        let part = bytes.extracting(range)
        transfer.decode(part, into: &octets)
        matchBody(isEnd: false)
    }

    mutating func bodyEnded() {
        guard isReadingBody else { return }
        isReadingBody = false
        guard undecidedCount > 0, !program.needsOnlyHeader else { return }
        transfer.finish(into: &octets)
        matchBody(isEnd: true)
    }

    /// The answers at the end of the message: what was not found is not there.
    func finalAnswers() -> [Bool] { answers.map { $0 ?? false } }

    /// Sends the decoded octets through the charset and the case fold to the patterns.
    private mutating func matchBody(isEnd: Bool) {
        // The buffers are taken out for the time of their use and put back empty, to keep their capacity.
        var octets = exchange(&self.octets, with: [])
        var text = exchange(&self.text, with: [])
        charset.decode(octets.span, into: &text)
        if isEnd { charset.finish(into: &text) }
        folded.removeAll(keepingCapacity: true)
        bodyFolder.fold(text.span, into: &folded)
        if isEnd { bodyFolder.finish(into: &folded) }
        octets.removeAll(keepingCapacity: true)
        text.removeAll(keepingCapacity: true)
        self.octets = octets
        self.text = text
        match(program.bodyTests, isHeader: false)
        match(program.textTests, isHeader: false)
    }

    private mutating func match(_ indices: [Int], isHeader: Bool) {
        for index in indices where answers[index] == nil {
            var matched = isHeader ? headerMatched[index] : bodyMatched[index]
            if program.patterns[index].advance(&matched, over: folded.span) { decide(index, true) }
            if isHeader { headerMatched[index] = matched } else { bodyMatched[index] = matched }
        }
    }

    private mutating func decide(_ index: Int, _ answer: Bool) {
        answers[index] = answer
        undecidedCount -= 1
    }
}
