// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// One response of a server: a line, with the literals inside it.
package struct IMAPLine: Sendable {
    /// The line without its end; a literal is shown as its header, `{LENGTH}`.
    package internal(set) var text: String
    /// The literals, in order.
    package internal(set) var literals: [[UInt8]]

    /// Makes a line.
    package init(_ text: String = "", literals: [[UInt8]] = []) {
        self.text = text
        self.literals = literals
    }

    /// The number behind a word, as in `UID 7` or `UIDNEXT 8`.
    package func number(after word: String) -> UInt32? {
        guard let range = text.firstRange(of: word + " ") else { return nil }
        return UInt32(text[range.upperBound...].prefix { $0.isASCII && $0.isNumber })
    }

    /// The words in the parentheses behind a word, as in `FLAGS (\Seen)`.
    package func list(after word: String) -> [String]? {
        guard let range = text.firstRange(of: word + " ("), let end = text[range.upperBound...].firstIndex(of: ")")
        else {
            return nil
        }
        return text[range.upperBound..<end].split(separator: " ").map(String.init)
    }

    /// The response code without its brackets, as in `* OK [UIDNEXT 8] text`.
    package var code: String? {
        guard let begin = text.firstIndex(of: "["), let end = text[begin...].firstIndex(of: "]") else { return nil }
        return String(text[text.index(after: begin)..<end])
    }

    /// Whether it is `* NUMBER WORD`.
    package func isMessageData(_ word: String) -> Bool {
        let words = text.split(separator: " ", maxSplits: 3)
        return words.count > 2 && words[0] == "*" && UInt32(words[1]) != nil && words[2] == word
    }
}

/// All that a server said to one command.
package struct IMAPReply: Sendable, CustomStringConvertible {
    /// What came before the tagged response.
    package let untagged: [IMAPLine]
    /// The tagged response.
    package let tagged: IMAPLine

    /// Makes a reply.
    package init(untagged: [IMAPLine] = [], tagged: IMAPLine) {
        self.untagged = untagged
        self.tagged = tagged
    }

    /// `OK`, `NO` or `BAD`.
    package var status: String { tagged.text.split(separator: " ").dropFirst().first.map(String.init) ?? "" }
    /// Whether the command was carried out.
    package var isOK: Bool { status == "OK" }
    /// What the server says to a person behind status and code.
    package var reason: String {
        let text = tagged.text.split(separator: " ").dropFirst(2).joined(separator: " ")
        guard text.hasPrefix("["), let end = text.firstIndex(of: "]") else { return text }
        return String(text[end...].dropFirst(2))
    }
    /// The response code of the tagged response.
    package var code: String? { tagged.code }

    /// Everything, for the message of a failure.
    package var description: String { (untagged.suffix(20) + [tagged]).map(\.text).joined(separator: "\n") }

    /// The FETCH responses.
    package var fetched: [IMAPLine] { untagged.filter { $0.isMessageData("FETCH") } }

    /// The numbers of the SEARCH responses.
    package var found: [UInt32] {
        untagged.filter { $0.text.hasPrefix("* SEARCH") }
            .flatMap { $0.text.split(separator: " ").dropFirst(2).compactMap { UInt32($0) } }
    }

    /// A number of a response code or a STATUS response, such as `UIDNEXT`.
    package func number(_ word: String) -> UInt32? { untagged.lazy.compactMap { $0.number(after: word) }.first }

    /// The number of messages that SELECT announces.
    package var exists: UInt32? {
        untagged.last { $0.isMessageData("EXISTS") }.flatMap { UInt32($0.text.split(separator: " ")[1]) }
    }

    /// The UID of APPENDUID (RFC 4315 section 3).
    package var appendedUID: UInt32? {
        guard let words = code?.split(separator: " "), words.count == 3, words[0] == "APPENDUID" else { return nil }
        return UInt32(words[2])
    }

    /// The pairs of COPYUID (RFC 4315 section 3), which stands in the tagged response, or for MOVE before it.
    package var copiedUIDs: [(from: UInt32, to: UInt32)] {
        for line in untagged + [tagged] {
            guard let words = line.code?.split(separator: " "), words.count == 4, words[0] == "COPYUID" else {
                continue
            }
            return Array(zip(Self.expand(words[2]), Self.expand(words[3]))).map { (from: $0.0, to: $0.1) }
        }
        return []
    }

    /// `1:3,7` as numbers.
    private static func expand(_ set: Substring) -> [UInt32] {
        set.split(separator: ",").flatMap { range -> [UInt32] in
            let ends = range.split(separator: ":").compactMap { UInt32($0) }
            guard let first = ends.first, let last = ends.last, first <= last else { return ends }
            return Array(first...last)
        }
    }
}
