// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Response codes.
extension ResponseEncoder {
    /// Writes a response code without its brackets.
    ///
    ///     resp-text-code = "ALERT" / "BADCHARSET" [SP "(" astring *(SP astring) ")" ] / capability-data / ...
    static func responseCode(_ code: ResponseCode, into output: inout [UInt8]) {
        if let name = simpleName(of: code) {
            output.append(contentsOf: name.utf8)
            return
        }
        switch code {
        case .appendUID(let validity, let uid):
            ByteWriter.text("APPENDUID ", into: &output)
            ByteWriter.number(validity.rawValue, into: &output)
            output.append(UInt8(ascii: " "))
            ByteWriter.number(uid.rawValue, into: &output)
        case .copyUID(let validity, let source, let destination):
            ByteWriter.text("COPYUID ", into: &output)
            ByteWriter.number(validity.rawValue, into: &output)
            output.append(UInt8(ascii: " "))
            output.append(contentsOf: source.description.utf8)
            output.append(UInt8(ascii: " "))
            output.append(contentsOf: destination.description.utf8)
        case .badCharset(let charsets):
            ByteWriter.text("BADCHARSET", into: &output)
            guard !charsets.isEmpty else { return }
            output.append(UInt8(ascii: " "))
            joined(charsets, into: &output) { ByteWriter.astring($0.rawValue.utf8, into: &$1) }
        case .capability(let list):
            ByteWriter.text("CAPABILITY", into: &output)
            capabilityList(list, into: &output)
        case .permanentFlags(let flags):
            ByteWriter.text("PERMANENTFLAGS ", into: &output)
            joined(flags, into: &output) { flag, output in
                switch flag {
                case .flag(let flag): output.append(contentsOf: flag.wireName.utf8)
                case .newKeywords: ByteWriter.text("\\*", into: &output)
                }
            }
        case .highestModSequence(let value): valued("HIGHESTMODSEQ ", value.rawValue, into: &output)
        case .modified(let messages):
            ByteWriter.text("MODIFIED ", into: &output)
            switch messages {
            case .sequence(let set): output.append(contentsOf: set.description.utf8)
            case .uid(let set): output.append(contentsOf: set.description.utf8)
            }
        case .uidNext(let uid): valued("UIDNEXT ", uid.rawValue, into: &output)
        case .uidValidity(let validity): valued("UIDVALIDITY ", validity.rawValue, into: &output)
        case .unseen(let number): valued("UNSEEN ", number.rawValue, into: &output)
        default: break
        }
    }

    private static func valued(_ name: StaticString, _ number: some BinaryInteger, into output: inout [UInt8]) {
        ByteWriter.text(name, into: &output)
        ByteWriter.number(number, into: &output)
    }

    /// The name of a code that has no arguments; nil for those that have.
    private static func simpleName(of code: ResponseCode) -> String? {
        switch code {
        case .alert: "ALERT"
        case .alreadyExists: "ALREADYEXISTS"
        case .authenticationFailed: "AUTHENTICATIONFAILED"
        case .authorizationFailed: "AUTHORIZATIONFAILED"
        case .cannot: "CANNOT"
        case .clientBug: "CLIENTBUG"
        case .closed: "CLOSED"
        case .contactAdmin: "CONTACTADMIN"
        case .corruption: "CORRUPTION"
        case .expired: "EXPIRED"
        case .expungeIssued: "EXPUNGEISSUED"
        case .inUse: "INUSE"
        case .limit: "LIMIT"
        case .nonExistent: "NONEXISTENT"
        case .noPermission: "NOPERM"
        case .overQuota: "OVERQUOTA"
        case .parse: "PARSE"
        case .privacyRequired: "PRIVACYREQUIRED"
        case .readOnly: "READ-ONLY"
        case .readWrite: "READ-WRITE"
        case .serverBug: "SERVERBUG"
        case .tooBig: "TOOBIG"
        case .tryCreate: "TRYCREATE"
        case .uidNotSticky: "UIDNOTSTICKY"
        case .unavailable: "UNAVAILABLE"
        case .useAttribute: "USEATTR"
        case .appendUID, .copyUID, .badCharset, .capability, .highestModSequence, .modified, .permanentFlags, .uidNext,
            .uidValidity, .unseen:
            nil
        }
    }
}
