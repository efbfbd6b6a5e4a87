// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit

/// The accounts in memory, by their local index.
///
/// Indexes are dense, so that finding one is one look into an array: a frame names an account with each operation.
struct AccountBoxes {
    /// By index; nil for what is not in memory.
    private var places: [AccountBox?] = []
    /// All of them, in the order in which they came.
    private(set) var values: [AccountBox] = []

    /// The account with an index, if it is in memory.
    subscript(index: AccountIndex) -> AccountBox? {
        let place = Int(index.rawValue)
        return place < places.count ? places[place] : nil
    }

    /// Whether an account is in memory.
    func contains(_ index: AccountIndex) -> Bool { self[index] != nil }

    /// Takes an account in, in the place of one with the same index.
    ///
    /// - Complexity: O(1), amortised; O(accounts) if there is one with that index.
    mutating func insert(_ box: AccountBox) {
        let place = Int(box.index.rawValue)
        if place >= places.count { places.append(contentsOf: repeatElement(nil, count: place + 1 - places.count)) }
        if let former = places[place], let position = values.firstIndex(where: { $0 === former }) {
            values[position] = box
        } else {
            values.append(box)
        }
        places[place] = box
    }
}
