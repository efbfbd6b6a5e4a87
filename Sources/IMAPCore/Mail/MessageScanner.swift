// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Finds the structure of a message in one pass over its bytes.
///
/// Bytes go in with any chunking, and every chunking gives the same structure; every sequence of bytes has one. Bodies
/// are never held: memory is bounded by ``MailLimits``. Time is linear in the bytes, whatever the nesting.
///
/// What real mail does and the scanner survives:
/// - Lines end with CRLF, LF or CR, also mixed. A header without an empty line behind it reaches to the end of its
///   part.
/// - A header line without a colon is skipped. Of fields that may occur once the first counts.
/// - A part without a type that can be read is `text/plain; charset=us-ascii`, in a digest `message/rfc822`.
/// - A delimiter of an outer multipart ends all inner ones; a missing closing delimiter is the end of the parent.
/// - A delimiter line is `--`, the boundary, perhaps `--`, perhaps white space, and nothing else. RFC 2046 section
///   5.1.1 accepts any line that begins so; then one boundary could be the beginning of another one.
/// - A multipart without a usable boundary, without any delimiter, or nested deeper than the limit has one child of
///   plain text, which is its whole body. An embedded message that is nested too deep has no header and the same body.
/// - An embedded message is opened whatever its transfer encoding says, since RFC 2046 section 5.2.1 allows only the
///   identity there.
///
///     var scanner = MessageScanner()
///     scanner.consume(chunk.span)
///     let structure = scanner.finish()
public struct MessageScanner: Sendable {
    private var core: ScannerCore<NoSink>

    /// A scanner at the start of a message.
    ///
    /// - Parameter limits: what the message may cost.
    public init(limits: MailLimits = MailLimits()) { core = ScannerCore(sink: NoSink(), limits: limits) }

    /// Takes the next bytes of the message.
    ///
    /// - Parameter bytes: any number of bytes.
    /// - Complexity: O(n) in the number of bytes, amortised.
    public mutating func consume(_ bytes: borrowing Span<UInt8>) { core.consume(bytes) }

    /// Ends the message; the scanner cannot be used afterwards.
    ///
    /// - Returns: the structure of all bytes consumed.
    public mutating func finish() -> MessageStructure { core.finish() }

    /// Scans a message that is in memory.
    ///
    /// - Parameters:
    ///   - message: the bytes of the message.
    ///   - limits: what the message may cost.
    /// - Returns: its structure.
    public static func scan(_ message: [UInt8], limits: MailLimits = MailLimits()) -> MessageStructure {
        var scanner = MessageScanner(limits: limits)
        scanner.consume(message.span)
        return scanner.finish()
    }

    /// How many bytes were looked at or compared so far, for tests of the cost.
    package var workCount: Int { core.workCount }
}
