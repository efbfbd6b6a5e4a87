// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Reads address lists (RFC 5322 sections 3.4 and 4.4).
///
/// Total and linear in the value. It understands names, groups, quoted strings, domain literals, source routes, empty
/// list elements, white space and comments anywhere, and the old style with the name in a comment. What is malformed
/// gives the most plausible addresses: a word without a domain is a mailbox with an empty host, an angle bracket that
/// is not closed ends with the value, a group that is not closed ends with the value.
public struct AddressParser {
    private struct Word {
        var text: [UInt8]
        var isQuoted: Bool
        var followsSpace: Bool
    }

    private var cursor: HeaderCursor
    private let limit: Int
    private var addresses: [MailAddress] = []
    private var isInGroup = false
    /// The last comment seen since the last separator: the name in the old style.
    private var lastComment: [UInt8]?

    private init(_ value: [UInt8], limit: Int) {
        cursor = HeaderCursor(value)
        self.limit = limit
    }

    /// Reads an address list.
    ///
    /// - Parameters:
    ///   - value: an unfolded field value.
    ///   - limit: how many elements, group markers included, are kept; the rest of the list is ignored.
    /// - Returns: the addresses in order.
    public static func parse(_ value: [UInt8], limit: Int = MailLimits().maximumAddressCount) -> [MailAddress] {
        var parser = AddressParser(value, limit: limit)
        parser.parseList()
        return parser.addresses
    }

    // address-list = (address *("," address)) / obs-addr-list
    private mutating func parseList() {
        while !cursor.isAtEnd, addresses.count < limit {
            skipSpace()
            guard let byte = cursor.next else { break }
            switch byte {
            case MailASCII.comma: separate()
            case MailASCII.semicolon:
                separate()
                if isInGroup {
                    addresses.append(.groupEnd)
                    isInGroup = false
                }
            case MailASCII.colon, MailASCII.greater, MailASCII.closeParenthesis: cursor.advance()
            default: parseElement()
            }
        }
        if isInGroup { addresses.append(.groupEnd) }
    }

    private mutating func separate() {
        cursor.advance()
        lastComment = nil
    }

    /// address = mailbox / group, up to the separator behind it.
    private mutating func parseElement() {
        let words = readWords()
        switch cursor.next {
        case MailASCII.less:
            cursor.advance()
            parseAngle(name: phrase(words[...]))
        case MailASCII.at:
            cursor.advance()
            let split = localStart(words)
            let host = parseDomain()
            finish(name: phrase(words[..<split]), route: nil, local: local(words[split...]), host: host)
        case MailASCII.colon where !isInGroup:
            cursor.advance()
            addresses.append(.groupStart(phrase(words[...]) ?? []))
            isInGroup = true
            lastComment = nil
        default:
            guard !words.isEmpty else { return }
            let split = localStart(words)
            finish(name: phrase(words[..<split]), route: nil, local: local(words[split...]), host: [])
        }
    }

    // angle-addr = "<" [obs-route] addr-spec ">"
    private mutating func parseAngle(name: [UInt8]?) {
        var route: [UInt8] = []
        skipSpace()
        while cursor.next == MailASCII.at || cursor.next == MailASCII.comma {
            if cursor.take(MailASCII.comma) {
                skipSpace()
                continue
            }
            cursor.advance()
            let domain = parseDomain()
            skipSpace()
            guard cursor.next == MailASCII.comma || cursor.next == MailASCII.colon else {
                // "<@domain>": an address without a local part.
                finishAngle(name: name, route: route, local: [], host: domain)
                return
            }
            if !route.isEmpty { route.append(MailASCII.comma) }
            route.append(MailASCII.at)
            route.append(contentsOf: domain)
            if cursor.take(MailASCII.colon) { break }
        }
        let words = readWords()
        var host: [UInt8] = []
        if cursor.take(MailASCII.at) { host = parseDomain() }
        finishAngle(name: name, route: route, local: local(words[...]), host: host)
    }

    private mutating func finishAngle(name: [UInt8]?, route: [UInt8], local: [UInt8], host: [UInt8]) {
        skipSpace()
        // Whatever else is inside the brackets is dropped; a list separator means that the bracket was not closed.
        while let byte = cursor.next, byte != MailASCII.greater, byte != MailASCII.comma, byte != MailASCII.semicolon,
            byte != MailASCII.less
        {
            if byte == MailASCII.quote { _ = cursor.quotedString() } else { cursor.advance() }
        }
        _ = cursor.take(MailASCII.greater)
        finish(name: name, route: route.isEmpty ? nil : route, local: local, host: host)
    }

    private mutating func finish(name: [UInt8]?, route: [UInt8]?, local: [UInt8], host: [UInt8]) {
        skipSpace()
        let comment = lastComment.map(MailASCII.trimmed)
        lastComment = nil
        let display = name ?? (comment?.isEmpty == false ? comment : nil)
        addresses.append(MailAddress(name: display, route: route, mailbox: local, host: host))
    }

    // domain = dot-atom / domain-literal / obs-domain
    private mutating func parseDomain() -> [UInt8] {
        var domain: [UInt8] = []
        while true {
            let hadSpace = skipSpace()
            guard let byte = cursor.next else { return domain }
            if byte == MailASCII.dot {
                cursor.advance()
                domain.append(byte)
            } else if hadSpace && !domain.isEmpty && domain.last != MailASCII.dot {
                return domain
            } else if byte == MailASCII.openBracket {
                domain.append(contentsOf: domainLiteral())
            } else {
                let atom = cursor.run { Self.isAtom($0) && $0 != MailASCII.dot }
                if atom.isEmpty { return domain }
                domain.append(contentsOf: atom)
            }
        }
    }

    private mutating func domainLiteral() -> [UInt8] {
        var literal = cursor.run {
            $0 != MailASCII.closeBracket && $0 != MailASCII.greater && $0 != MailASCII.comma
        }
        if cursor.take(MailASCII.closeBracket) { literal.append(MailASCII.closeBracket) }
        return literal
    }

    /// phrase or local part: words up to a special byte.
    private mutating func readWords() -> [Word] {
        var words: [Word] = []
        while true {
            let hadSpace = skipSpace()
            guard let byte = cursor.next else { return words }
            if byte == MailASCII.quote {
                words.append(Word(text: cursor.quotedString(), isQuoted: true, followsSpace: hadSpace))
            } else if byte == MailASCII.closeParenthesis {
                cursor.advance()
            } else {
                let atom = cursor.run(while: Self.isAtom)
                if atom.isEmpty { return words }
                words.append(Word(text: atom, isQuoted: false, followsSpace: hadSpace))
            }
        }
    }

    @discardableResult
    private mutating func skipSpace() -> Bool {
        var hasSkipped = false
        while let byte = cursor.next {
            if byte == MailASCII.openParenthesis {
                lastComment = cursor.comment()
            } else if MailASCII.isWhite(byte) {
                cursor.advance()
            } else {
                break
            }
            hasSkipped = true
        }
        return hasSkipped
    }

    /// The words joined as a display name; nil when there are none.
    private func phrase(_ words: ArraySlice<Word>) -> [UInt8]? {
        guard !words.isEmpty else { return nil }
        var text: [UInt8] = []
        for word in words {
            if !text.isEmpty && word.followsSpace { text.append(MailASCII.space) }
            text.append(contentsOf: word.text)
        }
        return text.isEmpty ? nil : text
    }

    private func local(_ words: ArraySlice<Word>) -> [UInt8] { words.flatMap(\.text) }

    /// Where the local part begins: behind the last white space that is not next to a dot.
    private func localStart(_ words: [Word]) -> Int {
        var start = max(0, words.count - 1)
        while start > 0 {
            let isDotted =
                (!words[start].isQuoted && words[start].text.first == MailASCII.dot)
                || (!words[start - 1].isQuoted && words[start - 1].text.last == MailASCII.dot)
            guard isDotted || !words[start].followsSpace else { break }
            start -= 1
        }
        return start
    }

    /// Anything but white space and the specials; dots, brackets and octets above 127 are let through.
    private static func isAtom(_ byte: UInt8) -> Bool {
        switch byte {
        case MailASCII.space, MailASCII.tab, MailASCII.carriageReturn, MailASCII.lineFeed, MailASCII.quote,
            MailASCII.openParenthesis, MailASCII.closeParenthesis, MailASCII.comma, MailASCII.colon,
            MailASCII.semicolon, MailASCII.less, MailASCII.greater, MailASCII.at:
            return false
        default: return true
        }
    }
}
