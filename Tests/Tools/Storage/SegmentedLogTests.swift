// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import CRDTKit
import Storage
import Synchronization
import Testing

@Suite struct SegmentedLogTests {
    @Test func recoversWhatWasDurableInOrder() async throws {
        let directory = TemporaryDirectory()
        let (log, none) = try openCollecting(directory.path)
        #expect(none.isEmpty)
        var last = LogTicket.none
        for number in 0..<100 { last = log.append(frame("unit \(number)")) }
        try await log.waitUntilDurable(last)
        log.close()
        let (again, seen) = try openCollecting(directory.path)
        #expect(seen.map(\.text) == (0..<100).map { "unit \($0)" })
        #expect(again.recoverySummary.tornBytes == 0)
        #expect(again.recoverySummary.frames == 100)
        again.close()
    }
}
