// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// How the octets of a body part were made fit for transport (RFC 2045 section 6).
public enum TransferEncoding: Sendable, Hashable {
    /// 7bit, 8bit, binary and every encoding that is not known: the octets stand for themselves.
    case identity
    /// RFC 2045 section 6.8.
    case base64
    /// RFC 2045 section 6.7.
    case quotedPrintable

    /// Reads the value of a Content-Transfer-Encoding field.
    ///
    /// - Parameter name: the mechanism token in any case, or nil when the field is absent.
    public init(name: [UInt8]?) {
        guard let name else {
            self = .identity
            return
        }
        if MailASCII.isEqualIgnoringCase(name, "base64") {
            self = .base64
        } else if MailASCII.isEqualIgnoringCase(name, "quoted-printable") {
            self = .quotedPrintable
        } else {
            self = .identity
        }
    }
}

/// Undoes a content transfer encoding, chunk by chunk.
///
/// Any split of the input gives the same output, and every input has an output (RFC 2045 sections 6.7 and 6.8):
/// - base64: octets outside the alphabet are skipped; padding ends a quantum and decoding goes on after it, so that
///   concatenated encodings decode; a last incomplete quantum yields its whole octets.
/// - quoted-printable: white space before a line end is dropped, `=` before a line end joins the lines, and `=` before
///   anything that is not two hexadecimal digits stands for itself. A `=` at the very end is a soft line break.
///
/// State is at most ``maximumHeldBytes`` octets. Cost is linear in the input.
public struct TransferDecoder: Sendable {
    /// The longest run of white space that is held back to see whether a line end follows it; longer runs are text.
    public static let maximumHeldBytes = 1024

    private enum EscapeState {
        case none
        case equal
        case firstDigit(UInt8)
        case carriageReturn
    }

    private let encoding: TransferEncoding
    private var accumulator: UInt32 = 0
    private var sextetCount = 0
    private var escape = EscapeState.none
    private var held: [UInt8] = []

    /// A decoder at the start of a body.
    ///
    /// - Parameter encoding: the encoding to undo.
    public init(encoding: TransferEncoding) { self.encoding = encoding }

    /// Decodes the next octets.
    ///
    /// - Parameters:
    ///   - bytes: the encoded octets, any number of them.
    ///   - output: what is decided so far is appended here.
    public mutating func decode(_ bytes: borrowing Span<UInt8>, into output: inout [UInt8]) {
        switch encoding {
        case .identity:
            bytes.withUnsafeBufferPointer { output.append(contentsOf: $0) }
        case .base64:
            for index in bytes.indices { decodeBase64(bytes[index], into: &output) }
        case .quotedPrintable:
            for index in bytes.indices { decodeQuotedPrintable(bytes[index], into: &output) }
        }
    }

    /// Ends the body.
    ///
    /// - Parameter output: what was still held back is appended here.
    public mutating func finish(into output: inout [UInt8]) {
        switch encoding {
        case .identity: break
        case .base64: endQuantum(into: &output)
        case .quotedPrintable:
            if case .firstDigit(let digit) = escape { output.append(contentsOf: [MailASCII.equal, digit]) }
            escape = .none
            // White space at the end of the body is white space at the end of a line.
            held.removeAll()
        }
    }

    private mutating func decodeBase64(_ byte: UInt8, into output: inout [UInt8]) {
        guard let sextet = Self.sextet(byte) else {
            if byte == MailASCII.equal { endQuantum(into: &output) }
            return
        }
        accumulator = accumulator << 6 | UInt32(sextet)
        sextetCount += 1
        guard sextetCount == 4 else { return }
        output.append(UInt8(truncatingIfNeeded: accumulator >> 16))
        output.append(UInt8(truncatingIfNeeded: accumulator >> 8))
        output.append(UInt8(truncatingIfNeeded: accumulator))
        accumulator = 0
        sextetCount = 0
    }

    private mutating func endQuantum(into output: inout [UInt8]) {
        if sextetCount == 2 {
            output.append(UInt8(truncatingIfNeeded: accumulator >> 4))
        } else if sextetCount == 3 {
            output.append(UInt8(truncatingIfNeeded: accumulator >> 10))
            output.append(UInt8(truncatingIfNeeded: accumulator >> 2))
        }
        accumulator = 0
        sextetCount = 0
    }

    private static func sextet(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x41...0x5A: return byte - 0x41
        case 0x61...0x7A: return byte - 0x61 + 26
        case 0x30...0x39: return byte - 0x30 + 52
        case 0x2B: return 62
        case 0x2F: return 63
        default: return nil
        }
    }

    private mutating func decodeQuotedPrintable(_ byte: UInt8, into output: inout [UInt8]) {
        switch escape {
        case .none: decodePlain(byte, into: &output)
        case .equal: decodeAfterEqual(byte, into: &output)
        case .firstDigit(let digit):
            escape = .none
            if let high = MailASCII.hexValue(digit), let low = MailASCII.hexValue(byte) {
                output.append(high << 4 | low)
            } else {
                output.append(contentsOf: [MailASCII.equal, digit])
                decodePlain(byte, into: &output)
            }
        case .carriageReturn:
            // "=" and a line end vanish; the line feed of CRLF belongs to it.
            escape = .none
            if byte != MailASCII.lineFeed { decodePlain(byte, into: &output) }
        }
    }

    private mutating func decodePlain(_ byte: UInt8, into output: inout [UInt8]) {
        switch byte {
        case MailASCII.space, MailASCII.tab:
            held.append(byte)
            if held.count >= Self.maximumHeldBytes { releaseHeld(into: &output) }
        case MailASCII.carriageReturn, MailASCII.lineFeed:
            held.removeAll(keepingCapacity: true)
            output.append(byte)
        case MailASCII.equal:
            releaseHeld(into: &output)
            escape = .equal
        default:
            releaseHeld(into: &output)
            output.append(byte)
        }
    }

    /// After "=": two digits, or transport padding and a line end, or something malformed.
    private mutating func decodeAfterEqual(_ byte: UInt8, into output: inout [UInt8]) {
        switch byte {
        case MailASCII.lineFeed:
            escape = .none
            held.removeAll(keepingCapacity: true)
        case MailASCII.carriageReturn:
            escape = .carriageReturn
            held.removeAll(keepingCapacity: true)
        case MailASCII.space, MailASCII.tab:
            held.append(byte)
            if held.count >= Self.maximumHeldBytes { abandonEscape(into: &output) }
        default:
            if held.isEmpty, MailASCII.hexValue(byte) != nil {
                escape = .firstDigit(byte)
            } else {
                abandonEscape(into: &output)
                decodePlain(byte, into: &output)
            }
        }
    }

    private mutating func abandonEscape(into output: inout [UInt8]) {
        escape = .none
        output.append(MailASCII.equal)
        releaseHeld(into: &output)
    }

    private mutating func releaseHeld(into output: inout [UInt8]) {
        guard !held.isEmpty else { return }
        output.append(contentsOf: held)
        held.removeAll(keepingCapacity: true)
    }
}
