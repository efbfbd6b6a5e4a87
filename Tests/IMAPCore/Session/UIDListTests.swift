// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import IMAPCore
import Testing

/// Lists of identifiers.
@Suite("UID lists")
struct UIDListTests {
    @Test func leavesOutWhatDoesNotAscend() {
        let uids = [5, 3, 5, 9].compactMap { UID($0) }
        #expect(UIDList(uids).map(\.rawValue) == [5, 9])
        #expect(UIDList([]).isEmpty)
    }

    @Test func takesNumbersAsTheyAreButNoZero() throws {
        let list = try #require(UIDList(ascending: [2, 7, .max]))
        #expect(list.map(\.rawValue) == [2, 7, .max])
        #expect(list.last == UID(.max))
        #expect(UIDList(ascending: []) == [])
        #expect(UIDList(ascending: [0, 1]) == nil)
    }

    @Test func aViewOfAListGrowsWithoutChangingTheList() throws {
        let list = try #require(UIDList(ascending: Array(1...200)))
        var view = SequenceView(list)
        #expect(view.checkInvariants() == nil)
        #expect(view.append(try #require(UID(300))))
        #expect(view.remove([try #require(UID(7))]).map(\.rawValue) == [7])
        #expect(view.checkInvariants() == nil)
        #expect(view.count == 200 && list.count == 200)
        #expect(list.last == UID(200))
    }
}
