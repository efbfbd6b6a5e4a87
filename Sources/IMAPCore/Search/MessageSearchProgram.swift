// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The tests that one pass over a message answers: those search keys of RFC 3501 section 6.4.4 that need its text.
public struct MessageSearchProgram: Sendable {
    /// One search key.
    public enum Test: Sendable, Hashable {
        /// HEADER: the message's header has a field of this name (in any case) whose decoded value contains the needle.
        case header(name: [UInt8], needle: [UInt8])
        /// BODY: the decoded text of the message contains the needle; see ``MessageTextSearch``.
        case body([UInt8])
        /// TEXT: a header or the decoded text contains the needle; see ``MessageTextSearch``.
        case text([UInt8])
        /// SENTBEFORE: the day of the Date field is earlier.
        case sentBefore(CalendarDay)
        /// SENTON: the day of the Date field is this one.
        case sentOn(CalendarDay)
        /// SENTSINCE: the day of the Date field is this one or later.
        case sentSince(CalendarDay)

        /// SUBJECT.
        ///
        /// - Parameter needle: UTF-8.
        /// - Returns: the test.
        public static func subject(_ needle: [UInt8]) -> Test { .header(name: Array("subject".utf8), needle: needle) }

        /// FROM.
        ///
        /// - Parameter needle: UTF-8.
        /// - Returns: the test.
        public static func from(_ needle: [UInt8]) -> Test { .header(name: Array("from".utf8), needle: needle) }

        /// TO.
        ///
        /// - Parameter needle: UTF-8.
        /// - Returns: the test.
        public static func to(_ needle: [UInt8]) -> Test { .header(name: Array("to".utf8), needle: needle) }

        /// CC.
        ///
        /// - Parameter needle: UTF-8.
        /// - Returns: the test.
        public static func cc(_ needle: [UInt8]) -> Test { .header(name: Array("cc".utf8), needle: needle) }

        /// BCC.
        ///
        /// - Parameter needle: UTF-8.
        /// - Returns: the test.
        public static func bcc(_ needle: [UInt8]) -> Test { .header(name: Array("bcc".utf8), needle: needle) }
    }

    /// The tests in the order of their results.
    public let tests: [Test]
    /// The needles of the tests, in the same order; empty where a test has none.
    let patterns: [SearchPattern]
    /// Which tests ask for a field, by its name in lower case.
    let fieldTests: [[UInt8]: [Int]]
    let bodyTests: [Int]
    let textTests: [Int]

    /// A program of some tests.
    ///
    /// - Parameter tests: the tests; the needles are UTF-8.
    public init(_ tests: [Test]) {
        self.tests = tests
        var patterns: [SearchPattern] = []
        var fieldTests: [[UInt8]: [Int]] = [:]
        var bodyTests: [Int] = []
        var textTests: [Int] = []
        for (index, test) in tests.enumerated() {
            var needle: [UInt8] = []
            switch test {
            case .header(let name, let text):
                needle = text
                fieldTests[MailASCII.lowercased(MailASCII.trimmed(name)), default: []].append(index)
            case .body(let text):
                needle = text
                bodyTests.append(index)
            case .text(let text):
                needle = text
                textTests.append(index)
            case .sentBefore, .sentOn, .sentSince: fieldTests[Array("date".utf8), default: []].append(index)
            }
            patterns.append(SearchPattern(needle))
        }
        self.patterns = patterns
        self.fieldTests = fieldTests
        self.bodyTests = bodyTests
        self.textTests = textTests
    }

    /// Whether the header of the message answers every test.
    public var needsOnlyHeader: Bool { bodyTests.isEmpty && textTests.isEmpty }
}
