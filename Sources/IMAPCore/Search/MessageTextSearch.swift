// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Answers a search program in one pass over a message, in bounded memory.
///
/// The raw bytes go in with any chunking. What is searched (RFC 3501 section 6.4.4):
/// - Field tests look at the header of the outermost message. Values are unfolded, cut at
///   ``MailLimits/maximumFieldBytes``, and their encoded words decoded. An empty needle matches when the field exists.
/// - BODY looks at every `text/*` part and every `message/*` part that is not an embedded message, through its transfer
///   encoding and charset, and at the decoded header fields of embedded messages, which a reader sees as text. HTML is
///   searched as it is written. Other parts, preambles and epilogues are not searched. A match does not span parts.
/// - TEXT looks at the same, and at every header of the message, raw and decoded.
/// - The day tests look at the first Date field of the message, without regard to time and zone; without a date that
///   can be read they fail.
///
/// Case is disregarded by ``CaseFold``. An empty needle of BODY and TEXT always matches.
public struct MessageTextSearch: Sendable {
    private var core: ScannerCore<SearchSink>

    /// A search at the start of a message.
    ///
    /// - Parameters:
    ///   - program: what to look for.
    ///   - limits: what the message may cost.
    public init(program: MessageSearchProgram, limits: MailLimits = MailLimits()) {
        core = ScannerCore(sink: SearchSink(program: program), limits: limits)
    }

    /// Whether all answers are known, so that the rest of the message need not be read.
    public var isDecided: Bool { core.sink.undecidedCount == 0 }

    /// Takes the next bytes of the message.
    ///
    /// - Parameter bytes: any number of bytes.
    /// - Complexity: O(n) for each test.
    public mutating func consume(_ bytes: borrowing Span<UInt8>) { core.consume(bytes) }

    /// Ends the search, at the end of the message or once ``isDecided``.
    ///
    /// - Returns: for each test whether the message satisfies it.
    public mutating func finish() -> [Bool] { finishWithStructure().answers }

    /// Ends the search at the end of the message.
    ///
    /// - Returns: for each test whether the message satisfies it, and the structure of the bytes consumed.
    public mutating func finishWithStructure() -> (answers: [Bool], structure: MessageStructure) {
        let structure = core.finish()
        return (core.sink.finalAnswers(), structure)
    }

    /// Searches a message that is in memory.
    ///
    /// - Parameters:
    ///   - message: the bytes of the message.
    ///   - program: what to look for.
    /// - Returns: for each test whether the message satisfies it.
    public static func search(_ message: [UInt8], program: MessageSearchProgram) -> [Bool] {
        var search = MessageTextSearch(program: program)
        search.consume(message.span)
        return search.finish()
    }
}
