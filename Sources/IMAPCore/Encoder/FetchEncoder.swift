// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Writes one FETCH response item by item, so that large bodies can be streamed between the pieces (RFC 3501 section
/// 7.4.2).
///
///     message-data = nz-number SP "FETCH" SP msg-att
///     msg-att      = "(" (msg-att-dynamic / msg-att-static) *(SP (msg-att-dynamic / msg-att-static)) ")"
///
/// After `literal(for:...)` the caller sends exactly the announced number of bytes before it goes on.
public struct FetchEncoder: Sendable {
    private var isFirst = true

    /// Begins a response.
    ///
    /// - Parameters:
    ///   - number: the position of the message.
    ///   - output: where it is written to.
    public init(_ number: SequenceNumber, into output: inout [UInt8]) {
        ByteWriter.text("* ", into: &output)
        ByteWriter.number(number.rawValue, into: &output)
        ByteWriter.text(" FETCH (", into: &output)
    }

    /// Writes FLAGS.
    ///
    /// - Parameters:
    ///   - flags: the flags, with `\Recent` if it is set.
    ///   - output: where it is written to.
    public mutating func flags(_ flags: [Flag], into output: inout [UInt8]) {
        separate(&output)
        ByteWriter.text("FLAGS ", into: &output)
        ResponseEncoder.flagList(flags, into: &output)
    }

    /// Writes UID.
    ///
    /// - Parameters:
    ///   - uid: the unique identifier.
    ///   - output: where it is written to.
    public mutating func uid(_ uid: UID, into output: inout [UInt8]) {
        separate(&output)
        ByteWriter.text("UID ", into: &output)
        ByteWriter.number(uid.rawValue, into: &output)
    }

    /// Writes INTERNALDATE.
    ///
    /// - Parameters:
    ///   - date: the internal date.
    ///   - output: where it is written to.
    public mutating func internalDate(_ date: DateTime, into output: inout [UInt8]) {
        separate(&output)
        ByteWriter.text("INTERNALDATE \"", into: &output)
        output.append(contentsOf: date.description.utf8)
        output.append(UInt8(ascii: "\""))
    }

    /// Writes RFC822.SIZE.
    ///
    /// - Parameters:
    ///   - byteCount: the size of the message in bytes.
    ///   - output: where it is written to.
    public mutating func rfc822Size(_ byteCount: Int, into output: inout [UInt8]) {
        separate(&output)
        ByteWriter.text("RFC822.SIZE ", into: &output)
        ByteWriter.number(byteCount, into: &output)
    }

    /// Writes MODSEQ.
    ///
    ///     fetch-mod-resp = "MODSEQ" SP "(" permsg-modsequence ")"      ; RFC 7162 section 7
    ///
    /// - Parameters:
    ///   - modSequence: the modification sequence.
    ///   - output: where it is written to.
    public mutating func modSequence(_ modSequence: ModSequence, into output: inout [UInt8]) {
        separate(&output)
        ByteWriter.text("MODSEQ (", into: &output)
        ByteWriter.number(modSequence.rawValue, into: &output)
        output.append(UInt8(ascii: ")"))
    }

    /// Writes an item whose value is already in its wire form: ENVELOPE, BODY or BODYSTRUCTURE.
    ///
    /// - Parameters:
    ///   - item: the item.
    ///   - value: its value as the MIME code wrote it.
    ///   - output: where it is written to.
    public mutating func encoded(_ item: FetchItem, _ value: [UInt8], into output: inout [UInt8]) {
        label(item, into: &output)
        output.append(contentsOf: value)
    }

    /// Writes the name of an item and the header of the literal that is its value.
    ///
    /// - Parameters:
    ///   - item: RFC822, RFC822.HEADER, RFC822.TEXT or a section; the section and its origin are repeated as the client
    ///     wrote them.
    ///   - byteCount: the number of bytes that the caller sends next; none of them may be NUL.
    ///   - output: where it is written to.
    public mutating func literal(for item: FetchItem, byteCount: Int, into output: inout [UInt8]) {
        label(item, into: &output)
        ByteWriter.literalHeader(byteCount: byteCount, into: &output)
    }

    /// Writes the name of an item and NIL: the section does not exist.
    ///
    /// - Parameters:
    ///   - item: the item.
    ///   - output: where it is written to.
    public mutating func missing(_ item: FetchItem, into output: inout [UInt8]) {
        label(item, into: &output)
        ByteWriter.text("NIL", into: &output)
    }

    /// Ends the response.
    ///
    /// - Parameter output: where it is written to.
    public func finish(into output: inout [UInt8]) {
        ByteWriter.text(")\r\n", into: &output)
    }

    private mutating func separate(_ output: inout [UInt8]) {
        if !isFirst { output.append(UInt8(ascii: " ")) }
        isFirst = false
    }

    /// Writes the name of an item and a space.
    private mutating func label(_ item: FetchItem, into output: inout [UInt8]) {
        separate(&output)
        switch item {
        case .flags: ByteWriter.text("FLAGS", into: &output)
        case .uid: ByteWriter.text("UID", into: &output)
        case .internalDate: ByteWriter.text("INTERNALDATE", into: &output)
        case .envelope: ByteWriter.text("ENVELOPE", into: &output)
        case .body: ByteWriter.text("BODY", into: &output)
        case .bodyStructure: ByteWriter.text("BODYSTRUCTURE", into: &output)
        case .rfc822Size: ByteWriter.text("RFC822.SIZE", into: &output)
        case .modSequence: ByteWriter.text("MODSEQ", into: &output)
        case .rfc822: ByteWriter.text("RFC822", into: &output)
        case .rfc822Header: ByteWriter.text("RFC822.HEADER", into: &output)
        case .rfc822Text: ByteWriter.text("RFC822.TEXT", into: &output)
        case .bodySection(let section, _, let partial):
            ByteWriter.text("BODY[", into: &output)
            Self.section(section, into: &output)
            output.append(UInt8(ascii: "]"))
            if let partial {
                output.append(UInt8(ascii: "<"))
                ByteWriter.number(partial.offset, into: &output)
                output.append(UInt8(ascii: ">"))
            }
        }
        output.append(UInt8(ascii: " "))
    }

    /// Writes a section without its brackets.
    ///
    ///     section-spec = section-msgtext / (section-part ["." section-text])
    private static func section(_ section: BodySection, into output: inout [UInt8]) {
        for (index, number) in section.path.enumerated() {
            if index > 0 { output.append(UInt8(ascii: ".")) }
            ByteWriter.number(number, into: &output)
        }
        if section.kind != .all, !section.path.isEmpty { output.append(UInt8(ascii: ".")) }
        switch section.kind {
        case .all: break
        case .header: ByteWriter.text("HEADER", into: &output)
        case .text: ByteWriter.text("TEXT", into: &output)
        case .mime: ByteWriter.text("MIME", into: &output)
        case .headerFields(let names):
            ByteWriter.text("HEADER.FIELDS ", into: &output)
            ResponseEncoder.joined(names, into: &output) { ByteWriter.astring($0, into: &$1) }
        case .headerFieldsNot(let names):
            ByteWriter.text("HEADER.FIELDS.NOT ", into: &output)
            ResponseEncoder.joined(names, into: &output) { ByteWriter.astring($0, into: &$1) }
        }
    }
}
