// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// A part of a pattern as it was read.
indirect enum PatternNode: Sendable {
    case empty
    case set(ScalarSet)
    case assertion(Assertion)
    case sequence([PatternNode])
    case choice([PatternNode])
    /// `most` is nothing when there is no end.
    case repetition(PatternNode, least: Int, most: Int?, isLazy: Bool)
    case group(PatternNode, number: Int)

    /// What must hold between two characters.
    enum Assertion: Hashable, Sendable {
        case textStart, textEnd, lineStart, lineEnd, wordEdge, noWordEdge
    }
}
