// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Collects one header field, line by line.
struct FieldAccumulator {
    enum Phase {
        /// Between fields, or in a line that is none.
        case none
        case name
        case value
    }

    /// How much of a field name is kept; a longer one is no field that anybody asks for.
    static let maximumNameBytes = 256

    var phase = Phase.none
    /// The name so far, in lower case.
    var name: [UInt8] = []
    var value: [UInt8] = []
    var known: KnownField?
    /// Whether the sink asked for the field.
    var isForSink = false
    /// Whether the value is kept.
    var isKept: Bool { known != nil || isForSink }

    mutating func reset() {
        phase = .none
        name.removeAll(keepingCapacity: true)
        value.removeAll(keepingCapacity: true)
        known = nil
        isForSink = false
    }
}

extension ScannerCore {
    /// Takes text of a header line, without its line end.
    ///
    /// A line that begins with white space continues the field before it (RFC 5322 section 2.2.3). A line without a
    /// colon is not a field and does not end the header: only an empty line does.
    mutating func takeHeaderText(_ bytes: borrowing Span<UInt8>, _ range: Range<Int>, isLineStart: Bool) {
        guard let first = range.first else { return }
        if isLineStart {
            if MailASCII.isBlank(bytes[first]) {
                // A line without a colon cannot be continued.
                if field.phase == .name { field.reset() }
            } else {
                finishField()
                field.phase = .name
            }
        }
        var index = first
        if field.phase == .name { index = takeName(bytes, range) }
        if field.phase == .value, field.isKept { takeValue(bytes, index..<range.upperBound) }
    }

    // field-name = 1*ftext, and white space before the colon as in RFC 5322 section 4.5
    private mutating func takeName(_ bytes: borrowing Span<UInt8>, _ range: Range<Int>) -> Int {
        for index in range {
            let byte = bytes[index]
            guard byte == MailASCII.colon else {
                if field.name.count < FieldAccumulator.maximumNameBytes {
                    field.name.append(MailASCII.lowercased(byte))
                }
                continue
            }
            while let last = field.name.last, MailASCII.isBlank(last) { field.name.removeLast() }
            decideInterest()
            field.phase = .value
            return index + 1
        }
        return range.upperBound
    }

    private mutating func decideInterest() {
        let innermost = entities.count - 1
        let scope = entities[innermost].scope
        entities[innermost].fieldCount += 1
        guard entities[innermost].fieldCount <= limits.maximumFieldCount else { return }
        if let known = KnownField.named(field.name), known.isMIME || scope != .part { field.known = known }
        field.isForSink = sink.wantsField(field.name, scope: scope)
    }

    private mutating func takeValue(_ bytes: borrowing Span<UInt8>, _ range: Range<Int>) {
        for index in range {
            guard field.value.count < limits.maximumFieldBytes else { return }
            let byte = bytes[index]
            // NUL is not allowed in a header, and no IMAP string can carry it. White space at the start is no value.
            if byte != MailASCII.nul, !(field.value.isEmpty && MailASCII.isBlank(byte)) { field.value.append(byte) }
        }
    }

    /// The field that was being read is complete.
    mutating func finishField() {
        defer { field.reset() }
        guard field.phase == .value, field.isKept else { return }
        let innermost = entities.count - 1
        let value = MailASCII.trimmed(field.value)
        if field.isForSink { sink.field(name: field.name, value: value, scope: entities[innermost].scope) }
        guard let known = field.known, retainedBytes + value.count <= limits.maximumRetainedBytes else { return }
        retainedBytes += value.count
        if known.isMIME {
            entities[innermost].takeMIME(known, value: value, limits: limits)
        } else {
            entities[innermost].envelope.take(known, value: value, limits: limits)
        }
    }
}
