// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The envelope of a message: what its header says about sender, receivers, subject and date (RFC 3501 section 7.4.2).
///
/// Values are octets of the unfolded header without white space at the ends, not decoded. A field that is absent is nil
/// or an empty list; one that is present and empty is empty. ``sender`` and ``replyTo`` are those of ``from`` when the
/// header has none.
public struct MessageEnvelope: Sendable, Hashable {
    /// The Date field as it stands.
    public var date: [UInt8]?
    /// The Subject field as it stands.
    public var subject: [UInt8]?
    /// The authors.
    public var from: [MailAddress] = []
    /// The sender; the authors when there is no Sender field.
    public var sender: [MailAddress] = []
    /// Where replies go; the authors when there is no Reply-To field.
    public var replyTo: [MailAddress] = []
    /// The primary receivers, of all To fields together (RFC 5322 section 4.5.3).
    public var to: [MailAddress] = []
    /// The secondary receivers, of all Cc fields together.
    public var cc: [MailAddress] = []
    /// The hidden receivers, of all Bcc fields together.
    public var bcc: [MailAddress] = []
    /// The In-Reply-To field as it stands.
    public var inReplyTo: [UInt8]?
    /// The Message-ID field as it stands, angle brackets included.
    public var messageID: [UInt8]?

    /// An envelope of a header without fields.
    public init() {}

    /// The instant of the Date field, or nil when there is none or it is not a date.
    public var parsedDate: InternetDate? { date.flatMap(InternetDate.init(parsing:)) }

    /// Takes in one field; of the fields that may occur once, the first counts.
    mutating func take(_ field: KnownField, value: [UInt8], limits: MailLimits) {
        switch field {
        case .date: if date == nil { date = value }
        case .subject: if subject == nil { subject = value }
        case .inReplyTo: if inReplyTo == nil { inReplyTo = value }
        case .messageID: if messageID == nil { messageID = value }
        case .from: if from.isEmpty { from = Self.addresses(value, after: [], limits) }
        case .sender: if sender.isEmpty { sender = Self.addresses(value, after: [], limits) }
        case .replyTo: if replyTo.isEmpty { replyTo = Self.addresses(value, after: [], limits) }
        case .to: to = Self.addresses(value, after: to, limits)
        case .cc: cc = Self.addresses(value, after: cc, limits)
        case .bcc: bcc = Self.addresses(value, after: bcc, limits)
        case .contentType, .contentTransferEncoding, .contentID, .contentDescription, .contentDisposition,
            .contentLanguage, .contentLocation, .contentMD5:
            break
        }
    }

    /// Puts the authors where the header named nobody else.
    mutating func applyDefaults() {
        if sender.isEmpty { sender = from }
        if replyTo.isEmpty { replyTo = from }
    }

    private static func addresses(_ value: [UInt8], after known: [MailAddress], _ limits: MailLimits) -> [MailAddress] {
        let limit = limits.maximumAddressCount - known.count
        return limit > 0 ? known + AddressParser.parse(value, limit: limit) : known
    }
}
