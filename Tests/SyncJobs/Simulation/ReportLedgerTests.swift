// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Testing

@testable import SyncJobs

/// The checker of the simulations must see what is wrong.
@Suite("The order of reports")
struct ReportLedgerTests {
    private static let name = TestShell.name("x")

    private static func report(
        _ state: JobState, _ run: UInt64? = 1, attempt: Int = 0, isFinal: Bool = false
    ) -> JobReport {
        JobReport(
            name: name, state: state, run: run.map { RunNumber($0) }, attempt: attempt,
            failure: state == .failed ? .transient : nil, isFinal: isFinal)
    }

    /// A run that fails once and then succeeds, a pause, and a run that is disabled.
    private static let legal = [
        report(.preSyncing), report(.syncing, attempt: 1), report(.failed, attempt: 1),
        report(.syncing, attempt: 2), report(.success, attempt: 2, isFinal: true), report(.paused, nil),
        report(.preSyncing, 2), report(.disabled, 2, isFinal: true), report(.none, nil),
    ]

    private func complaint(_ reports: [JobReport]) -> String? {
        var ledger = ReportLedger()
        for report in reports { ledger.take(report, at: JobTime(milliseconds: 0)) }
        return ledger.complaint
    }

    @Test("a legal order is accepted")
    func acceptsALegalOrder() { #expect(complaint(Self.legal) == nil) }

    @Test("a report that is missing, comes twice or comes too early is seen", arguments: legal.indices)
    func seesWhatIsWrong(index: Int) {
        var doubled = Self.legal
        doubled.insert(doubled[index], at: index)
        #expect(complaint(doubled) != nil)
        // Without a pause, or without the last report, an order is legal, too; so is one whose failed attempt has no next one.
        if ![5, 8].contains(index) {
            var missing = Self.legal
            missing.remove(at: index)
            #expect(complaint(missing) != nil)
        }
        if index > 0 {
            var early = Self.legal
            early.swapAt(index - 1, index)
            #expect(complaint(early) != nil)
        }
    }

    @Test("a job that is removed during a run, or not as disabled, is seen")
    func seesWrongRemovals() {
        for count in 1...Self.legal.count {
            var ledger = ReportLedger()
            for report in Self.legal.prefix(count) { ledger.take(report, at: JobTime(milliseconds: 0)) }
            ledger.forget(Self.name)
            #expect((ledger.complaint == nil) == (count == 8))
        }
    }
}
