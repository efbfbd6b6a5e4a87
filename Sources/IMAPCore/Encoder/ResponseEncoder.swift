// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Writes responses in their wire form to the end of an array (RFC 3501 section 7).
///
/// Whatever the values hold, the output is one well-formed response: text is made safe, strings become atoms, quoted
/// strings or literals as they need, and nothing can inject a line.
public enum ResponseEncoder {
    /// Writes one response.
    ///
    /// - Parameters:
    ///   - response: the response.
    ///   - output: where it is written to.
    /// - Complexity: linear in the size of the response.
    public static func encode(_ response: ServerResponse, into output: inout [UInt8]) {
        switch response {
        case .tagged(let tag, let condition): tagged(tag, condition, into: &output)
        case .untagged(let condition): untagged(condition, into: &output)
        case .continuation(let text): continuation(text, into: &output)
        case .challenge(let bytes): challenge(bytes, into: &output)
        case .capability(let list): capabilities("* CAPABILITY", list, into: &output)
        case .enabled(let list): capabilities("* ENABLED", list, into: &output)
        case .id(let fields): identification(fields, into: &output)
        case .namespace(let personal, let otherUsers, let shared):
            namespaces([personal, otherUsers, shared], into: &output)
        case .list(let list): mailbox("* LIST (", list, into: &output)
        case .lsub(let list): mailbox("* LSUB (", list, into: &output)
        case .status(let status): self.status(status, into: &output)
        case .flags(let flags): self.flags(flags, into: &output)
        case .exists(let count): numbered(count, " EXISTS\r\n", into: &output)
        case .recent(let count): numbered(count, " RECENT\r\n", into: &output)
        case .expunge(let number): numbered(Int(number.rawValue), " EXPUNGE\r\n", into: &output)
        case .search(let numbers, let modSequence): search(numbers, modSequence, into: &output)
        case .extendedSearch(let result): extendedSearch(result, into: &output)
        }
    }

    /// Writes one response to a new array.
    ///
    /// - Parameter response: the response.
    /// - Returns: its wire form.
    public static func encoded(_ response: ServerResponse) -> [UInt8] {
        var output: [UInt8] = []
        encode(response, into: &output)
        return output
    }

    /// Writes the answer to an error: tagged when the command's tag is known and the connection goes on, else untagged.
    ///
    /// - Parameters:
    ///   - error: the error.
    ///   - output: where it is written to.
    public static func encode(_ error: IMAPError, into output: inout [UInt8]) {
        let condition = StatusCondition(error)
        if let tag = error.tag, error.scope == .command {
            tagged(tag, condition, into: &output)
        } else {
            untagged(condition, into: &output)
        }
    }

    /// Writes a tagged status response; BYE and PREAUTH, which have no tag, become BAD.
    ///
    ///     response-tagged = tag SP resp-cond-state CRLF
    private static func tagged(_ tag: Tag, _ condition: StatusCondition, into output: inout [UInt8]) {
        output.append(contentsOf: tag.bytes)
        output.append(UInt8(ascii: " "))
        let status = condition.status
        self.condition(condition, status == .bye || status == .preauth ? .bad : status, into: &output)
    }

    private static func untagged(_ condition: StatusCondition, into output: inout [UInt8]) {
        ByteWriter.text("* ", into: &output)
        self.condition(condition, condition.status, into: &output)
    }

    /// Writes status, code and text.
    ///
    ///     resp-cond-state = ("OK" / "NO" / "BAD") SP resp-text
    ///     resp-text       = ["[" resp-text-code "]" SP] text
    private static func condition(
        _ condition: StatusCondition, _ status: ResponseStatus, into output: inout [UInt8]
    ) {
        output.append(contentsOf: status.rawValue.utf8)
        output.append(UInt8(ascii: " "))
        if let code = condition.code {
            output.append(UInt8(ascii: "["))
            responseCode(code, into: &output)
            ByteWriter.text("] ", into: &output)
        }
        ByteWriter.humanText(condition.text, into: &output)
        ByteWriter.text("\r\n", into: &output)
    }

    /// Writes a continuation request.
    ///
    ///     continue-req = "+" SP (resp-text / base64) CRLF
    private static func continuation(_ text: String, into output: inout [UInt8]) {
        ByteWriter.text("+ ", into: &output)
        ByteWriter.humanText(text, into: &output)
        ByteWriter.text("\r\n", into: &output)
    }

    private static func challenge(_ bytes: [UInt8], into output: inout [UInt8]) {
        ByteWriter.text("+ ", into: &output)
        output.append(contentsOf: Base64.encode(bytes))
        ByteWriter.text("\r\n", into: &output)
    }

    /// Writes FLAGS.
    ///
    ///     mailbox-data = "FLAGS" SP flag-list
    private static func flags(_ flags: [Flag], into output: inout [UInt8]) {
        ByteWriter.text("* FLAGS ", into: &output)
        flagList(flags, into: &output)
        ByteWriter.text("\r\n", into: &output)
    }

    static func flagList(_ flags: [Flag], into output: inout [UInt8]) {
        joined(flags, into: &output) { flag, output in output.append(contentsOf: flag.wireName.utf8) }
    }

    private static func numbered(_ number: Int, _ text: StaticString, into output: inout [UInt8]) {
        ByteWriter.text("* ", into: &output)
        ByteWriter.number(number, into: &output)
        ByteWriter.text(text, into: &output)
    }

    /// Writes a list in parentheses.
    static func joined<Element>(
        _ elements: [Element], into output: inout [UInt8], _ write: (Element, inout [UInt8]) -> Void
    ) {
        output.append(UInt8(ascii: "("))
        for (index, element) in elements.enumerated() {
            if index > 0 { output.append(UInt8(ascii: " ")) }
            write(element, &output)
        }
        output.append(UInt8(ascii: ")"))
    }
}
