// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The header fields that the structure of a message is made of.
enum KnownField {
    case contentType
    case contentTransferEncoding
    case contentID
    case contentDescription
    case contentDisposition
    case contentLanguage
    case contentLocation
    case contentMD5
    case date
    case subject
    case from
    case sender
    case replyTo
    case to
    case cc
    case bcc
    case inReplyTo
    case messageID

    /// The longest name of a known field.
    static let maximumNameBytes = 25

    /// Finds a field by its name in lower case.
    static func named(_ name: [UInt8]) -> KnownField? { byName[name] }

    /// Whether the field describes a body, and so counts in the header of every part.
    var isMIME: Bool {
        switch self {
        case .contentType, .contentTransferEncoding, .contentID, .contentDescription, .contentDisposition,
            .contentLanguage, .contentLocation, .contentMD5:
            return true
        case .date, .subject, .from, .sender, .replyTo, .to, .cc, .bcc, .inReplyTo, .messageID: return false
        }
    }

    private static let byName: [[UInt8]: KnownField] = {
        let pairs: [(String, KnownField)] = [
            ("content-type", .contentType), ("content-transfer-encoding", .contentTransferEncoding),
            ("content-id", .contentID), ("content-description", .contentDescription),
            ("content-disposition", .contentDisposition), ("content-language", .contentLanguage),
            ("content-location", .contentLocation), ("content-md5", .contentMD5), ("date", .date),
            ("subject", .subject), ("from", .from), ("sender", .sender), ("reply-to", .replyTo), ("to", .to),
            ("cc", .cc), ("bcc", .bcc), ("in-reply-to", .inReplyTo), ("message-id", .messageID),
        ]
        return Dictionary(uniqueKeysWithValues: pairs.map { (Array($0.0.utf8), $0.1) })
    }()
}
