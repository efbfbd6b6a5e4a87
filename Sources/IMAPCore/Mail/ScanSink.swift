// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Where a header stands in a message.
enum HeaderScope {
    /// The header of the outermost message.
    case root
    /// The header of an embedded message.
    case embedded
    /// The MIME header of a part.
    case part
}

/// Takes what the scanner finds, besides the structure, in one pass.
///
/// The spans given are parts of the chunk being scanned. Line breaks before delimiters are still given as body bytes.
protocol ScanSink: Sendable {
    /// Whether ``field(name:value:scope:)`` is wanted for fields of this name (in lower case).
    func wantsField(_ name: [UInt8], scope: HeaderScope) -> Bool
    /// A complete field, unfolded, its value as it stands.
    mutating func field(name: [UInt8], value: [UInt8], scope: HeaderScope)
    /// Raw bytes of a header.
    mutating func headerBytes(_ bytes: borrowing Span<UInt8>, _ range: Range<Int>)
    /// A header is complete.
    mutating func headerEnded(scope: HeaderScope)
    /// The body of a leaf begins.
    mutating func bodyBegins(_ fields: MIMEFields)
    /// Raw bytes of the leaf's body.
    mutating func bodyBytes(_ bytes: borrowing Span<UInt8>, _ range: Range<Int>)
    /// The body of the leaf is complete.
    mutating func bodyEnded()
}

/// A sink for those who want nothing but the structure.
struct NoSink: ScanSink {
    func wantsField(_ name: [UInt8], scope: HeaderScope) -> Bool { false }
    mutating func field(name: [UInt8], value: [UInt8], scope: HeaderScope) {}
    mutating func headerBytes(_ bytes: borrowing Span<UInt8>, _ range: Range<Int>) {}
    mutating func headerEnded(scope: HeaderScope) {}
    mutating func bodyBegins(_ fields: MIMEFields) {}
    mutating func bodyBytes(_ bytes: borrowing Span<UInt8>, _ range: Range<Int>) {}
    mutating func bodyEnded() {}
}
