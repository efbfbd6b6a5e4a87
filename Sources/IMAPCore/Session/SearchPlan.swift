// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Decides which messages satisfy a SEARCH, reading as little as possible (RFC 3501 section 6.4.4).
///
/// For each message the shell asks ``evaluate(_:)`` first: flags, dates, sizes and identifiers often decide. Only when
/// they do not, it streams the message through a ``MessageTextSearch`` of ``program`` and asks
/// ``matches(_:answers:)``.
public struct SearchPlan: Sendable {
    /// What is known of a message without reading it.
    public enum Verdict: Hashable, Sendable {
        /// It satisfies the search.
        case match
        /// It does not.
        case mismatch
        /// Its text decides.
        case undecided
    }

    /// The questions to the text of a message, each once.
    public let program: MessageSearchProgram
    private let root: Node

    /// Prepares a search.
    ///
    /// - Parameters:
    ///   - request: the request of the session machine.
    ///   - modSequences: what is to be compared with for each of ``SearchRequest/modSequences``; the number itself if it is not
    ///     there.
    public init(_ request: SearchRequest, modSequences: [ModSequence: ModSequence] = [:]) {
        var compiler = Compiler(modSequences: modSequences)
        root = compiler.compile(request.key)
        program = MessageSearchProgram(compiler.tests)
    }

    /// Whether no message has to be read.
    public var needsNoText: Bool { program.tests.isEmpty }

    /// Whether the header of a message answers all questions to its text.
    public var needsOnlyHeader: Bool { program.needsOnlyHeader }

    /// Evaluates the condition without the text of the message.
    ///
    /// - Parameter attributes: what the store knows of the message.
    /// - Returns: the verdict.
    public func evaluate(_ attributes: MessageAttributes) -> Verdict {
        switch root.value(attributes, answers: nil) {
        case true: .match
        case false: .mismatch
        case nil: .undecided
        }
    }

    /// Evaluates the condition with the text of the message.
    ///
    /// - Parameters:
    ///   - attributes: what the store knows of the message.
    ///   - answers: what ``MessageTextSearch/finish()`` returned for ``program``.
    /// - Returns: whether the message satisfies the search.
    public func matches(_ attributes: MessageAttributes, answers: [Bool]) -> Bool {
        root.value(attributes, answers: answers) ?? false
    }
}

extension SearchPlan {
    /// A condition whose questions to the text are numbered.
    fileprivate indirect enum Node: Sendable {
        case constant(Bool)
        case uids([ClosedRange<UID>])
        case flag(Flag)
        case internalDate(Comparison, IMAPDate)
        case larger(Int)
        case smaller(Int)
        case modSequence(ModSequence)
        case text(Int)
        case not(Node)
        case any([Node])
        case all([Node])

        enum Comparison: Sendable {
            case before, on, since
        }

        /// The value, or nil when it depends on the text and there are no answers (Kleene's strong logic).
        func value(_ message: MessageAttributes, answers: [Bool]?) -> Bool? {
            switch self {
            case .constant(let value): return value
            case .uids(let ranges): return Self.contains(ranges, message.uid)
            case .flag(let flag): return message.flags.contains(flag)
            case .internalDate(let comparison, let date):
                let day = message.internalDate.date
                switch comparison {
                case .before: return day < date
                case .on: return day == date
                case .since: return day >= date
                }
            case .larger(let byteCount): return message.byteCount > byteCount
            case .smaller(let byteCount): return message.byteCount < byteCount
            case .modSequence(let least): return message.modSequence >= least
            case .text(let index): return answers.map { index < $0.count && $0[index] }
            case .not(let node): return node.value(message, answers: answers).map(!)
            case .any(let nodes): return Self.first(true, in: nodes, message, answers)
            case .all(let nodes): return Self.first(false, in: nodes, message, answers)
            }
        }

        /// `decisive` when one node has that value, its opposite when all nodes have that, else nil.
        private static func first(
            _ decisive: Bool, in nodes: [Node], _ message: MessageAttributes, _ answers: [Bool]?
        ) -> Bool? {
            var isKnown = true
            for node in nodes {
                guard let value = node.value(message, answers: answers) else {
                    isKnown = false
                    continue
                }
                if value == decisive { return decisive }
            }
            return isKnown ? !decisive : nil
        }

        private static func contains(_ ranges: [ClosedRange<UID>], _ uid: UID) -> Bool {
            var low = 0
            var high = ranges.count
            while low < high {
                let middle = low + (high - low) / 2
                if ranges[middle].upperBound < uid { low = middle + 1 } else { high = middle }
            }
            return low < ranges.count && ranges[low].lowerBound <= uid
        }
    }

    /// Numbers the questions to the text.
    fileprivate struct Compiler {
        private(set) var tests: [MessageSearchProgram.Test] = []
        private var numbers: [MessageSearchProgram.Test: Int] = [:]
        private let modSequences: [ModSequence: ModSequence]

        init(modSequences: [ModSequence: ModSequence]) { self.modSequences = modSequences }

        mutating func compile(_ key: SearchKey) -> Node {
            switch key {
            case .all: .constant(true)
            // The session machine has replaced positions; a message has none here.
            case .sequence, .new, .flag(.recent): .constant(false)
            case .notFlag(.recent): .constant(true)
            case .uid(let set): .uids(set.resolved(largest: UID(.max)))
            case .flag(let flag): .flag(flag)
            case .notFlag(let flag): .not(.flag(flag))
            case .before(let date): .internalDate(.before, date)
            case .on(let date): .internalDate(.on, date)
            case .since(let date): .internalDate(.since, date)
            case .larger(let byteCount): .larger(Int(byteCount))
            case .smaller(let byteCount): .smaller(Int(byteCount))
            case .modSequence(let value): .modSequence(modSequences[value] ?? value)
            case .not(let inner): .not(compile(inner))
            case .or(let left, let right): .any([compile(left), compile(right)])
            case .and(let keys): .all(keys.map { compile($0) })
            case .sentBefore(let date): day(date) { .sentBefore($0) }
            case .sentOn(let date): day(date) { .sentOn($0) }
            case .sentSince(let date): day(date) { .sentSince($0) }
            case .bcc(let needle): text(.bcc(needle))
            case .cc(let needle): text(.cc(needle))
            case .from(let needle): text(.from(needle))
            case .subject(let needle): text(.subject(needle))
            case .to(let needle): text(.to(needle))
            case .header(let field, let needle): text(.header(name: field, needle: needle))
            case .body(let needle): text(.body(needle))
            case .text(let needle): text(.text(needle))
            }
        }

        private mutating func text(_ test: MessageSearchProgram.Test) -> Node {
            if let number = numbers[test] { return .text(number) }
            numbers[test] = tests.count
            tests.append(test)
            return .text(tests.count - 1)
        }

        private mutating func day(
            _ date: IMAPDate, _ test: (CalendarDay) -> MessageSearchProgram.Test
        ) -> Node {
            // Both calendars have the same days.
            CalendarDay(year: date.year, month: date.month, day: date.day).map { text(test($0)) } ?? .constant(false)
        }
    }
}
