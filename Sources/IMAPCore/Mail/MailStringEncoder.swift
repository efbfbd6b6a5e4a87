// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Writes octets of a header as IMAP strings (RFC 3501 sections 4.3 and 9).
///
/// A quoted string where the grammar allows one, else a literal. NUL, which no IMAP string can carry, is left out.
enum MailStringEncoder {
    /// Longer values go out as literals: clients read quoted strings into a line buffer.
    static let maximumQuotedBytes = 1000

    // nstring = string / nil
    static func appendNString(_ value: [UInt8]?, to output: inout [UInt8]) {
        if let value { appendString(value, to: &output) } else { appendNil(to: &output) }
    }

    // string = quoted / literal
    static func appendString(_ value: [UInt8], to output: inout [UInt8]) {
        if isQuotable(value) {
            output.append(MailASCII.quote)
            for byte in value {
                if byte == MailASCII.quote || byte == MailASCII.backslash { output.append(MailASCII.backslash) }
                output.append(byte)
            }
            output.append(MailASCII.quote)
            return
        }
        let octets = value.filter { $0 != MailASCII.nul }
        output.append(0x7B)
        MailASCII.appendDecimal(octets.count, to: &output)
        output.append(contentsOf: [0x7D, MailASCII.carriageReturn, MailASCII.lineFeed])
        output.append(contentsOf: octets)
    }

    /// A token in upper case, as the examples of RFC 3501 show types and encodings.
    static func appendToken(_ value: [UInt8], to output: inout [UInt8]) {
        appendString(MailASCII.uppercased(value), to: &output)
    }

    static func appendNil(to output: inout [UInt8]) { output.append(contentsOf: "NIL".utf8) }

    // QUOTED-CHAR = any TEXT-CHAR; TEXT-CHAR = any 7-bit CHAR except CR and LF
    private static func isQuotable(_ value: [UInt8]) -> Bool {
        guard value.count <= maximumQuotedBytes else { return false }
        for byte in value
        where byte == MailASCII.nul || byte >= 0x80 || byte == MailASCII.carriageReturn || byte == MailASCII.lineFeed {
            return false
        }
        return true
    }
}
