// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The incremental scanner: splits the message into lines and drives the tree and the sink.
///
/// A line ends with CRLF, LF or CR. A line that may be a boundary delimiter, because it begins with "-" while a
/// multipart is open, is held back (up to ``MailLimits/maximumDelimiterBytes``) until it is complete; every other byte
/// is looked at once and let go. A delimiter is found with one hash look-up over all open multiparts, so the cost of a
/// line does not depend on the nesting depth.
struct ScannerCore<Sink: ScanSink>: Sendable {
    enum LineState {
        /// No byte of the line has been seen.
        case start
        /// All bytes of the line so far are in ``candidate``.
        case candidate
        /// The line is not a delimiter.
        case content
    }

    var sink: Sink
    let limits: MailLimits
    /// The open entities, outermost first; never empty before the end.
    var entities: [OpenEntity]
    /// The boundaries being looked for, each with the indices of its entities, innermost last.
    var boundaries: [[UInt8]: [Int]] = [:]
    var partCount = 1
    var retainedBytes = 0

    /// The position in the message of the first byte of the chunk.
    var base = 0
    var lineState = LineState.start
    /// Where the current line begins.
    var lineStart = 0
    /// Where the text of the line before the current one ends.
    var previousTextEnd = 0
    /// How many line ends come before the current line.
    var completedLines = 0
    /// A carriage return at the end of a chunk, whose line feed may still come.
    var pendingReturnPosition: Int?
    var candidate: [UInt8] = []
    var field = FieldAccumulator()
    /// How many bytes were looked at or compared: the measure of work for tests.
    var workCount = 0

    init(sink: Sink, limits: MailLimits) {
        self.sink = sink
        self.limits = limits
        entities = [OpenEntity(scope: .root, defaultType: .plainText, start: 0)]
    }

    var isInHeader: Bool { entities[entities.count - 1].isInHeader }

    /// Takes the next bytes of the message.
    mutating func consume(_ bytes: borrowing Span<UInt8>) {
        workCount += bytes.count
        var index = 0
        while index < bytes.count {
            if let position = pendingReturnPosition {
                pendingReturnPosition = nil
                let hasLineFeed = bytes[index] == MailASCII.lineFeed
                if hasLineFeed, lineState != .candidate { emit(bytes, index..<(index + 1)) }
                if hasLineFeed { index += 1 }
                endLine(textEnd: position, next: base + index, terminator: hasLineFeed ? .both : .carriageReturn)
                continue
            }
            switch lineState {
            case .start:
                if bytes[index] == MailASCII.hyphen, !boundaries.isEmpty {
                    lineState = .candidate
                } else {
                    lineState = .content
                }
            case .candidate: index = consumeCandidate(bytes, from: index)
            case .content:
                index = isInHeader ? consumeHeader(bytes, from: index) : consumeBody(bytes, from: index)
            }
        }
        base += bytes.count
    }

    /// Takes the end of the message.
    mutating func finish() -> MessageStructure {
        if let position = pendingReturnPosition {
            pendingReturnPosition = nil
            endLine(textEnd: position, next: base, terminator: .carriageReturn)
        } else if lineState == .candidate {
            endLine(textEnd: base, next: base, terminator: .none)
        }
        finishField()
        while entities.count > 1 { closeInnermost(end: base, lines: completedLines) }
        settleOpenHeader(end: base)
        if entities[0].emitsBody { sink.bodyEnded() }
        let root = entities[0]
        let part = root.makePart(end: base, lineCount: max(0, completedLines - root.linesBeforeBody))
        return MessageStructure(size: base, envelope: root.envelope, root: part)
    }

    /// Gives bytes of the chunk to the sink, as header or body.
    mutating func emit(_ bytes: borrowing Span<UInt8>, _ range: Range<Int>) {
        guard !range.isEmpty else { return }
        let innermost = entities.count - 1
        if entities[innermost].isInHeader {
            sink.headerBytes(bytes, range)
        } else if entities[innermost].emitsBody {
            sink.bodyBytes(bytes, range)
        }
    }
}
