// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The unique identifiers of a mailbox's messages, each once and in ascending order (RFC 3501 section 2.3.1.1).
///
/// Copies share their memory, so a store can give the same list to every session that selects a mailbox.
public struct UIDList: Hashable, Sendable {
    /// The identifiers as numbers, strictly ascending and without 0.
    let rawValues: [UInt32]

    /// Makes a list of identifiers.
    ///
    /// - Parameter uids: the identifiers; those that do not ascend are left out.
    /// - Complexity: O(n).
    public init(_ uids: [UID]) {
        var rawValues: [UInt32] = []
        rawValues.reserveCapacity(uids.count)
        for uid in uids where rawValues.last.map({ $0 < uid.rawValue }) ?? true { rawValues.append(uid.rawValue) }
        self.rawValues = rawValues
    }

    /// Takes numbers that are known to be identifiers in ascending order, without looking at all of them.
    ///
    /// The result is nil when the first number is 0.
    ///
    /// - Parameter rawValues: the numbers, strictly ascending. Of numbers that are not, look-ups give any result, but none fails.
    /// - Complexity: O(1).
    public init?(ascending rawValues: [UInt32]) {
        guard rawValues.first != 0 else { return nil }
        assert(zip(rawValues, rawValues.dropFirst()).allSatisfy { $0 < $1 }, "the identifiers do not ascend")
        self.rawValues = rawValues
    }
}

extension UIDList: RandomAccessCollection {
    /// The position of the first identifier: 0.
    public var startIndex: Int { 0 }

    /// The number of identifiers.
    public var endIndex: Int { rawValues.count }

    /// The identifier at an index.
    ///
    /// - Parameter index: the index, from 0.
    public subscript(index: Int) -> UID { UID(ofList: rawValues[index]) }
}

extension UIDList: ExpressibleByArrayLiteral {
    /// Makes a list of identifiers.
    ///
    /// - Parameter uids: the identifiers; those that do not ascend are left out.
    public init(arrayLiteral uids: UID...) { self.init(uids) }
}
