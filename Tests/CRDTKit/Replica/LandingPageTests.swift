// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import CRDTKit
import Testing

/// The example of the documentation's landing page, through the public interface only.
@Suite struct LandingPageTests {
    @Test func theExampleOfTheLandingPageRuns() throws {
        var amsterdam = try Replica(partition: PartitionID(1), id: ReplicaID(0xa))
        var berlin = try Replica(partition: PartitionID(1), id: ReplicaID(0xb))
        let anna = try amsterdam.account(named: "anna")
        let point = amsterdam.begin(nowMilliseconds: 1_700_000_000_000)
        let dot = Dot(point.replica, point.firstCounter)
        let create = Operation(
            dot: dot, timestamp: point.timestamp, account: anna,
            body: .create(mailbox: MailboxID(dot), name: "Work", uidValidity: 1, use: .none))
        let frames = try amsterdam.seal([create], issuedAt: point)
        var printed: [String] = []
        for frame in frames + frames {
            if case .delivered(let batches, _) = try berlin.receive(frame, nowMilliseconds: 1_700_000_000_040) {
                for operation in batches.flatMap(\.operations) {
                    printed.append("\(berlin.symbols.name(of: operation.account) ?? "") \(operation.body)")
                }
            }
        }
        #expect(printed.count == 1 && printed[0].hasPrefix("anna create"))
    }
}
