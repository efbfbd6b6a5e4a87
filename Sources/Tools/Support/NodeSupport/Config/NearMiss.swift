// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Finds the word that was probably meant.
package enum NearMiss {
    /// The candidate that differs least from a word, when it differs little: by case only, or by at most a third of the
    /// word's letters (one at least), where swapped neighbours are one difference.
    ///
    /// - Parameters:
    ///   - word: What somebody wrote.
    ///   - candidates: What would have been right.
    /// - Returns: The nearest candidate, or `nil` when none is near.
    package static func suggestion(for word: String, among candidates: some Sequence<String>) -> String? {
        let limit = max(1, word.utf8.count / 3)
        let wanted = Array(word.lowercased().utf8.prefix(100))
        var best: (word: String, distance: Int)?
        for candidate in candidates.sorted() {
            let distance = distance(wanted, Array(candidate.lowercased().utf8.prefix(100)))
            if distance <= limit, distance < best?.distance ?? .max { best = (candidate, distance) }
        }
        return best?.word
    }

    /// The number of insertions, deletions, replacements and swaps of neighbours between two texts (Damerau's distance
    /// with each place edited once).
    static func distance(_ first: [UInt8], _ second: [UInt8]) -> Int {
        if first.isEmpty || second.isEmpty { return max(first.count, second.count) }
        var older: [Int] = []
        var previous = Array(0...second.count)
        for row in 1...first.count {
            var line = [row] + [Int](repeating: 0, count: second.count)
            for column in 1...second.count {
                let isEqual = first[row - 1] == second[column - 1]
                line[column] = min(
                    previous[column] + 1, line[column - 1] + 1, previous[column - 1] + (isEqual ? 0 : 1))
                if row > 1, column > 1, first[row - 1] == second[column - 2], first[row - 2] == second[column - 1] {
                    line[column] = min(line[column], older[column - 2] + 1)
                }
            }
            older = previous
            previous = line
        }
        return previous[second.count]
    }
}
