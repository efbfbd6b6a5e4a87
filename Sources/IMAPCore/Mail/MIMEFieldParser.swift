// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Reads the values of the MIME fields.
///
/// Each function is total and linear in the length of the value.
enum MIMEFieldParser {
    // content := "Content-Type" ":" type "/" subtype *(";" parameter)
    //
    // - Returns: nil when there is no type and subtype, which counts as no field at all (RFC 2045 section 5.2).
    static func mediaType(_ value: [UInt8], limits: MailLimits) -> MediaType? {
        var cursor = HeaderCursor(value)
        cursor.skipWhiteAndComments()
        let type = cursor.run(while: MailASCII.isToken)
        cursor.skipWhiteAndComments()
        guard !type.isEmpty, cursor.take(MailASCII.slash) else { return nil }
        cursor.skipWhiteAndComments()
        let subtype = cursor.run(while: MailASCII.isToken)
        guard !subtype.isEmpty else { return nil }
        let parameters = MIMEParameterParser.parameters(&cursor, limits: limits)
        return MediaType(
            type: MailASCII.lowercased(type), subtype: MailASCII.lowercased(subtype), parameters: parameters)
    }

    // disposition := "Content-Disposition" ":" disposition-type *(";" disposition-parm)
    static func disposition(_ value: [UInt8], limits: MailLimits) -> MIMEFields.Disposition? {
        var cursor = HeaderCursor(value)
        cursor.skipWhiteAndComments()
        let type = cursor.run(while: MailASCII.isToken)
        guard !type.isEmpty else { return nil }
        let parameters = MIMEParameterParser.parameters(&cursor, limits: limits)
        return MIMEFields.Disposition(type: MailASCII.lowercased(type), parameters: parameters)
    }

    // encoding := "Content-Transfer-Encoding" ":" mechanism
    static func transferEncoding(_ value: [UInt8]) -> [UInt8]? {
        var cursor = HeaderCursor(value)
        cursor.skipWhiteAndComments()
        let mechanism = cursor.run(while: MailASCII.isToken)
        return mechanism.isEmpty ? nil : MailASCII.lowercased(mechanism)
    }

    // Content-Language = "Content-Language" ":" 1#language-tag
    static func languages(_ value: [UInt8], limits: MailLimits) -> [[UInt8]] {
        var cursor = HeaderCursor(value)
        var tags: [[UInt8]] = []
        while tags.count < limits.maximumParameterCount {
            cursor.skipWhiteAndComments()
            guard !cursor.isAtEnd else { break }
            let tag = cursor.run(while: MailASCII.isToken)
            if tag.isEmpty { cursor.advance() } else { tags.append(tag) }
        }
        return tags
    }

    /// A URI, whose white space comes from folding and is dropped (RFC 2557 section 4.4.1).
    static func location(_ value: [UInt8]) -> [UInt8]? {
        let address = value.filter { !MailASCII.isWhite($0) }
        return address.isEmpty ? nil : address
    }

    /// An unstructured value or identifier: trimmed, and absent when nothing is left.
    static func text(_ value: [UInt8]) -> [UInt8]? {
        let trimmed = MailASCII.trimmed(value)
        return trimmed.isEmpty ? nil : trimmed
    }
}
