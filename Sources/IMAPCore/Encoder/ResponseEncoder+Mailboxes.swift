// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Responses about mailboxes, the server and searches.
extension ResponseEncoder {
    /// Writes capabilities behind a name.
    ///
    ///     capability-data = "CAPABILITY" *(SP capability) SP "IMAP4rev1" *(SP capability)
    static func capabilities(_ name: StaticString, _ list: [Capability], into output: inout [UInt8]) {
        ByteWriter.text(name, into: &output)
        capabilityList(list, into: &output)
        ByteWriter.text("\r\n", into: &output)
    }

    static func capabilityList(_ list: [Capability], into output: inout [UInt8]) {
        for capability in list where !capability.description.isEmpty {
            output.append(UInt8(ascii: " "))
            output.append(contentsOf: capability.description.utf8)
        }
    }

    /// Writes ID.
    ///
    ///     id_response = "ID" SPACE id_params_list      ; RFC 2971 section 4
    static func identification(_ fields: [IDField]?, into output: inout [UInt8]) {
        ByteWriter.text("* ID ", into: &output)
        if let fields, !fields.isEmpty {
            joined(fields, into: &output) { field, output in
                ByteWriter.string(field.name, into: &output)
                output.append(UInt8(ascii: " "))
                ByteWriter.nstring(field.value, into: &output)
            }
        } else {
            ByteWriter.text("NIL", into: &output)
        }
        ByteWriter.text("\r\n", into: &output)
    }

    /// Writes NAMESPACE.
    ///
    ///     Namespace_Response = "*" SP "NAMESPACE" SP Namespace SP Namespace SP Namespace      ; RFC 2342 section 7
    ///     Namespace          = nil / "(" 1*( "(" string SP (<"> QUOTED_CHAR <"> / nil) ")" ) ")"
    static func namespaces(_ groups: [[Namespace]], into output: inout [UInt8]) {
        ByteWriter.text("* NAMESPACE", into: &output)
        for group in groups {
            output.append(UInt8(ascii: " "))
            guard !group.isEmpty else {
                ByteWriter.text("NIL", into: &output)
                continue
            }
            output.append(UInt8(ascii: "("))
            for namespace in group {
                output.append(UInt8(ascii: "("))
                ByteWriter.string(ModifiedUTF7.encode(namespace.prefix), into: &output)
                output.append(UInt8(ascii: " "))
                delimiter(namespace.delimiter, into: &output)
                output.append(UInt8(ascii: ")"))
            }
            output.append(UInt8(ascii: ")"))
        }
        ByteWriter.text("\r\n", into: &output)
    }

    /// Writes a hierarchy delimiter.
    ///
    ///     DQUOTE QUOTED-CHAR DQUOTE / nil
    private static func delimiter(_ delimiter: UInt8?, into output: inout [UInt8]) {
        if let delimiter, (0x21...0x7E).contains(delimiter) {
            ByteWriter.string(CollectionOfOne(delimiter), into: &output)
        } else {
            ByteWriter.text("NIL", into: &output)
        }
    }

    /// Writes LIST or LSUB.
    ///
    ///     mailbox-list = "(" [mbx-list-flags] ")" SP (DQUOTE QUOTED-CHAR DQUOTE / nil) SP mailbox
    ///                    [SP mbox-list-extended]      ; RFC 5258 section 6
    static func mailbox(_ start: StaticString, _ list: ListResponse, into output: inout [UInt8]) {
        ByteWriter.text(start, into: &output)
        for (index, attribute) in list.attributes.enumerated() {
            if index > 0 { output.append(UInt8(ascii: " ")) }
            output.append(contentsOf: attribute.wireName.utf8)
        }
        ByteWriter.text(") ", into: &output)
        delimiter(list.delimiter, into: &output)
        output.append(UInt8(ascii: " "))
        if let name = list.mailbox {
            mailboxName(name, into: &output)
        } else {
            ByteWriter.text("\"\"", into: &output)
        }
        if list.hasSubscribedChildren { ByteWriter.text(" (\"CHILDINFO\" (\"SUBSCRIBED\"))", into: &output) }
        ByteWriter.text("\r\n", into: &output)
    }

    /// Writes a mailbox name as modified UTF-7; that is printable ASCII, so it never needs a literal unless it is long.
    ///
    ///     mailbox = "INBOX" / astring
    static func mailboxName(_ name: MailboxName, into output: inout [UInt8]) {
        ByteWriter.astring(name.modifiedUTF7, into: &output)
    }

    /// Writes STATUS.
    ///
    ///     mailbox-data = "STATUS" SP mailbox SP "(" [status-att-list] ")"
    static func status(_ status: MailboxStatus, into output: inout [UInt8]) {
        ByteWriter.text("* STATUS ", into: &output)
        mailboxName(status.mailbox, into: &output)
        output.append(UInt8(ascii: " "))
        joined(status.values, into: &output) { value, output in
            switch value {
            case .messages(let count): item(.messages, count, into: &output)
            case .recent(let count): item(.recent, count, into: &output)
            case .uidNext(let uid): item(.uidNext, Int(uid.rawValue), into: &output)
            case .uidValidity(let validity): item(.uidValidity, Int(validity.rawValue), into: &output)
            case .unseen(let count): item(.unseen, count, into: &output)
            case .size(let bytes): item(.size, bytes, into: &output)
            case .appendLimit(let bytes): item(.appendLimit, bytes, into: &output)
            case .highestModSequence(let value):
                item(.highestModSequence, Int(clamping: value.rawValue), into: &output)
            }
        }
        ByteWriter.text("\r\n", into: &output)
    }

    private static func item(_ item: StatusItem, _ number: Int?, into output: inout [UInt8]) {
        output.append(contentsOf: item.rawValue.utf8)
        output.append(UInt8(ascii: " "))
        if let number { ByteWriter.number(number, into: &output) } else { ByteWriter.text("NIL", into: &output) }
    }

    /// Writes SEARCH.
    ///
    ///     mailbox-data        =/ "SEARCH" [1*(SP nz-number) SP search-sort-mod-seq]      ; RFC 7162 section 7
    ///     search-sort-mod-seq = "(" "MODSEQ" SP mod-sequence-value ")"
    static func search(_ numbers: [UInt32], _ modSequence: ModSequence?, into output: inout [UInt8]) {
        ByteWriter.text("* SEARCH", into: &output)
        for number in numbers {
            output.append(UInt8(ascii: " "))
            ByteWriter.number(number, into: &output)
        }
        if let modSequence, !numbers.isEmpty {
            ByteWriter.text(" (MODSEQ ", into: &output)
            ByteWriter.number(modSequence.rawValue, into: &output)
            output.append(UInt8(ascii: ")"))
        }
        ByteWriter.text("\r\n", into: &output)
    }

    /// Writes ESEARCH.
    ///
    ///     esearch-response = "ESEARCH" [search-correlator] [SP "UID"] *(SP search-return-data)      ; RFC 4466
    ///     search-correlator = SP "(" "TAG" SP tag-string ")"
    static func extendedSearch(_ result: ExtendedSearchResult, into output: inout [UInt8]) {
        ByteWriter.text("* ESEARCH (TAG ", into: &output)
        ByteWriter.string(result.tag.bytes, into: &output)
        output.append(UInt8(ascii: ")"))
        if result.isUID { ByteWriter.text(" UID", into: &output) }
        if let min = result.min {
            ByteWriter.text(" MIN ", into: &output)
            ByteWriter.number(min, into: &output)
        }
        if let max = result.max {
            ByteWriter.text(" MAX ", into: &output)
            ByteWriter.number(max, into: &output)
        }
        if let all = result.all, !all.isEmpty {
            ByteWriter.text(" ALL ", into: &output)
            for (index, range) in all.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                ByteWriter.number(range.lowerBound, into: &output)
                guard range.count > 1 else { continue }
                output.append(UInt8(ascii: ":"))
                ByteWriter.number(range.upperBound, into: &output)
            }
        }
        if let count = result.count {
            ByteWriter.text(" COUNT ", into: &output)
            ByteWriter.number(count, into: &output)
        }
        if let modSequence = result.modSequence {
            ByteWriter.text(" MODSEQ ", into: &output)
            ByteWriter.number(modSequence.rawValue, into: &output)
        }
        ByteWriter.text("\r\n", into: &output)
    }
}
