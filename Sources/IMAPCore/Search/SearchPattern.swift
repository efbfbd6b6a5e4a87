// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// A needle prepared for streaming search (Knuth, Morris and Pratt 1977).
///
/// Pattern and text are folded UTF-8. UTF-8 is self-synchronising, so a match of bytes is a match of characters.
struct SearchPattern: Sendable {
    let folded: [UInt8]
    /// For each length of a matched prefix, the length of its longest proper border.
    private let borders: [Int]

    /// Prepares a needle given in UTF-8, in any case.
    init(_ needle: [UInt8]) {
        folded = CaseFold.fold(needle)
        var borders = [0]
        borders.reserveCapacity(folded.count)
        var length = 0
        for index in folded.indices.dropFirst() {
            while length > 0, folded[index] != folded[length] { length = borders[length - 1] }
            if folded[index] == folded[length] { length += 1 }
            borders.append(length)
        }
        self.borders = borders
    }

    /// Goes on with a search.
    ///
    /// - Parameters:
    ///   - matched: how many bytes of the pattern match the end of the text so far.
    ///   - text: the next folded bytes.
    /// - Returns: whether the pattern occurs; the position is of no use afterwards.
    func advance(_ matched: inout Int, over text: borrowing Span<UInt8>) -> Bool {
        if folded.isEmpty { return true }
        let first = folded[0]
        var length = matched
        for index in text.indices {
            let byte = text[index]
            // Most bytes of most texts begin no match.
            if length == 0, byte != first { continue }
            while length > 0, folded[length] != byte { length = borders[length - 1] }
            if folded[length] == byte { length += 1 }
            if length == folded.count { return true }
        }
        matched = length
        return false
    }

    /// Whether the pattern occurs in folded text.
    func occurs(in text: [UInt8]) -> Bool {
        var matched = 0
        return advance(&matched, over: text.span)
    }
}
