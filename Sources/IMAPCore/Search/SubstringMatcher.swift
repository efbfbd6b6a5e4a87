// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Looks for a substring in a stream of UTF-8, without regard to case (RFC 3501 section 6.4.4).
///
/// Any split of the text gives the same result. Time is linear in the text; state is the size of the needle.
public struct SubstringMatcher: Sendable {
    private let pattern: SearchPattern
    private var folder = CaseFolder()
    private var matched = 0
    private var folded: [UInt8] = []
    /// Whether the needle has been found.
    public private(set) var isMatched: Bool

    /// A matcher at the start of a text.
    ///
    /// - Parameter needle: the substring in UTF-8; an empty one is found at once.
    public init(needle: [UInt8]) {
        pattern = SearchPattern(needle)
        isMatched = needle.isEmpty
    }

    /// Takes the next bytes of the text.
    ///
    /// - Parameter bytes: UTF-8, any number of bytes.
    public mutating func consume(_ bytes: borrowing Span<UInt8>) {
        guard !isMatched else { return }
        folded.removeAll(keepingCapacity: true)
        folder.fold(bytes, into: &folded)
        search()
    }

    /// Ends the text.
    ///
    /// - Returns: whether the needle was found.
    public mutating func finish() -> Bool {
        guard !isMatched else { return true }
        folded.removeAll(keepingCapacity: true)
        folder.finish(into: &folded)
        search()
        return isMatched
    }

    private mutating func search() {
        var position = matched
        isMatched = pattern.advance(&position, over: folded.span)
        matched = position
    }
}
