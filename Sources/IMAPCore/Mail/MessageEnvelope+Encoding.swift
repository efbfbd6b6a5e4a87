// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

extension MessageEnvelope {
    /// Writes the envelope as the value of the ENVELOPE fetch item.
    ///
    ///     envelope = "(" env-date SP env-subject SP env-from SP env-sender SP env-reply-to SP env-to SP env-cc SP
    ///                env-bcc SP env-in-reply-to SP env-message-id ")"
    ///
    /// RFC 3501 sections 7.4.2 and 9. Values with octets above 127 are literals.
    ///
    /// - Parameter output: the value is appended here.
    public func append(to output: inout [UInt8]) {
        output.append(MailASCII.openParenthesis)
        MailStringEncoder.appendNString(date, to: &output)
        output.append(MailASCII.space)
        MailStringEncoder.appendNString(subject, to: &output)
        for list in [from, sender, replyTo, to, cc, bcc] {
            output.append(MailASCII.space)
            Self.appendAddresses(list, to: &output)
        }
        output.append(MailASCII.space)
        MailStringEncoder.appendNString(inReplyTo, to: &output)
        output.append(MailASCII.space)
        MailStringEncoder.appendNString(messageID, to: &output)
        output.append(MailASCII.closeParenthesis)
    }

    // env-from = "(" 1*address ")" / nil
    private static func appendAddresses(_ addresses: [MailAddress], to output: inout [UInt8]) {
        guard !addresses.isEmpty else {
            MailStringEncoder.appendNil(to: &output)
            return
        }
        output.append(MailASCII.openParenthesis)
        for address in addresses { append(address, to: &output) }
        output.append(MailASCII.closeParenthesis)
    }

    // address = "(" addr-name SP addr-adl SP addr-mailbox SP addr-host ")"
    private static func append(_ address: MailAddress, to output: inout [UInt8]) {
        output.append(MailASCII.openParenthesis)
        MailStringEncoder.appendNString(address.name, to: &output)
        output.append(MailASCII.space)
        MailStringEncoder.appendNString(address.route, to: &output)
        output.append(MailASCII.space)
        MailStringEncoder.appendNString(address.mailbox, to: &output)
        output.append(MailASCII.space)
        MailStringEncoder.appendNString(address.host, to: &output)
        output.append(MailASCII.closeParenthesis)
    }
}
