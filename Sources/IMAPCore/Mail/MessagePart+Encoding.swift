// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

extension MessageStructure {
    /// Writes the value of the ENVELOPE fetch item.
    ///
    /// - Parameter output: the value is appended here.
    public func appendEnvelope(to output: inout [UInt8]) { envelope.append(to: &output) }

    /// Writes the value of the BODY or BODYSTRUCTURE fetch item.
    ///
    /// - Parameters:
    ///   - output: the value is appended here.
    ///   - extensible: true for BODYSTRUCTURE, which has the extension data; false for BODY.
    public func appendBodyStructure(to output: inout [UInt8], extensible: Bool) {
        root.appendBodyStructure(to: &output, extensible: extensible)
    }
}

extension MessagePart {
    /// Writes the part as a `body` of RFC 3501 sections 7.4.2 and 9.
    ///
    ///     body = "(" (body-type-1part / body-type-mpart) ")"
    ///
    /// Types, parameter names and encodings are in upper case, values as the message has them. Continuations of RFC
    /// 2231 are joined (RFC 2231 section 6); a value with a charset is shown as `NAME*` with `charset'language'text`.
    ///
    /// - Parameters:
    ///   - output: the value is appended here.
    ///   - extensible: whether the extension data is included.
    public func appendBodyStructure(to output: inout [UInt8], extensible: Bool) {
        output.append(MailASCII.openParenthesis)
        switch content {
        case .multipart(let parts): appendMultipart(parts, to: &output, extensible: extensible)
        case .message(let message):
            appendCommonFields(to: &output)
            output.append(MailASCII.space)
            message.envelope.append(to: &output)
            output.append(MailASCII.space)
            message.part.appendBodyStructure(to: &output, extensible: extensible)
            output.append(MailASCII.space)
            MailASCII.appendDecimal(lineCount, to: &output)
            if extensible { appendSinglePartExtension(to: &output) }
        case .leaf:
            appendCommonFields(to: &output)
            if fields.mediaType.isText {
                output.append(MailASCII.space)
                MailASCII.appendDecimal(lineCount, to: &output)
            }
            if extensible { appendSinglePartExtension(to: &output) }
        }
        output.append(MailASCII.closeParenthesis)
    }

    // body-type-mpart = 1*body SP media-subtype [SP body-ext-mpart]
    private func appendMultipart(_ parts: [MessagePart], to output: inout [UInt8], extensible: Bool) {
        for part in parts { part.appendBodyStructure(to: &output, extensible: extensible) }
        output.append(MailASCII.space)
        MailStringEncoder.appendToken(fields.mediaType.subtype, to: &output)
        guard extensible else { return }
        output.append(MailASCII.space)
        Self.appendParameters(fields.mediaType.parameters, to: &output)
        appendDispositionLanguageLocation(to: &output)
    }

    // media-type SP media-subtype SP body-fld-param SP body-fld-id SP body-fld-desc SP body-fld-enc SP body-fld-octets
    private func appendCommonFields(to output: inout [UInt8]) {
        MailStringEncoder.appendToken(fields.mediaType.type, to: &output)
        output.append(MailASCII.space)
        MailStringEncoder.appendToken(fields.mediaType.subtype, to: &output)
        output.append(MailASCII.space)
        Self.appendParameters(fields.mediaType.parameters, to: &output)
        output.append(MailASCII.space)
        MailStringEncoder.appendNString(fields.contentID, to: &output)
        output.append(MailASCII.space)
        MailStringEncoder.appendNString(fields.contentDescription, to: &output)
        output.append(MailASCII.space)
        MailStringEncoder.appendToken(fields.transferEncoding ?? Array("7bit".utf8), to: &output)
        output.append(MailASCII.space)
        MailASCII.appendDecimal(body.count, to: &output)
    }

    // body-ext-1part = body-fld-md5 [SP body-fld-dsp [SP body-fld-lang [SP body-fld-loc *(SP body-extension)]]]
    private func appendSinglePartExtension(to output: inout [UInt8]) {
        output.append(MailASCII.space)
        MailStringEncoder.appendNString(fields.md5, to: &output)
        appendDispositionLanguageLocation(to: &output)
    }

    // SP body-fld-dsp SP body-fld-lang SP body-fld-loc
    private func appendDispositionLanguageLocation(to output: inout [UInt8]) {
        output.append(MailASCII.space)
        if let disposition = fields.disposition {
            output.append(MailASCII.openParenthesis)
            MailStringEncoder.appendToken(disposition.type, to: &output)
            output.append(MailASCII.space)
            Self.appendParameters(disposition.parameters, to: &output)
            output.append(MailASCII.closeParenthesis)
        } else {
            MailStringEncoder.appendNil(to: &output)
        }
        output.append(MailASCII.space)
        if fields.languages.isEmpty {
            MailStringEncoder.appendNil(to: &output)
        } else {
            output.append(MailASCII.openParenthesis)
            for (index, language) in fields.languages.enumerated() {
                if index > 0 { output.append(MailASCII.space) }
                MailStringEncoder.appendString(language, to: &output)
            }
            output.append(MailASCII.closeParenthesis)
        }
        output.append(MailASCII.space)
        MailStringEncoder.appendNString(fields.location, to: &output)
    }

    // body-fld-param = "(" string SP string *(SP string SP string) ")" / nil
    private static func appendParameters(_ parameters: [MIMEParameter], to output: inout [UInt8]) {
        guard !parameters.isEmpty else {
            MailStringEncoder.appendNil(to: &output)
            return
        }
        output.append(MailASCII.openParenthesis)
        for (index, parameter) in parameters.enumerated() {
            if index > 0 { output.append(MailASCII.space) }
            if let extended = parameter.extended {
                MailStringEncoder.appendToken(parameter.name + [MailASCII.asterisk], to: &output)
                output.append(MailASCII.space)
                MailStringEncoder.appendString(percentEncoded(parameter.value, extended), to: &output)
            } else {
                MailStringEncoder.appendToken(parameter.name, to: &output)
                output.append(MailASCII.space)
                MailStringEncoder.appendString(parameter.value, to: &output)
            }
        }
        output.append(MailASCII.closeParenthesis)
    }

    // extended-initial-value := [charset] "'" [language] "'" *(ext-octet / attribute-char)
    private static func percentEncoded(_ value: [UInt8], _ extended: MIMEParameter.Extension) -> [UInt8] {
        var text = extended.charset + [MailASCII.apostrophe] + extended.language + [MailASCII.apostrophe]
        for byte in value {
            let isPlain =
                MailASCII.isToken(byte) && byte != MailASCII.asterisk && byte != MailASCII.apostrophe
                && byte != MailASCII.percent
            if isPlain {
                text.append(byte)
            } else {
                text.append(contentsOf: [MailASCII.percent, MailASCII.hexDigit(byte >> 4), MailASCII.hexDigit(byte)])
            }
        }
        return text
    }
}
