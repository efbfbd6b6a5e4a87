// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import IMAPCore
import Testing

/// What the fuzzers found in the framer.
@Suite struct FramerRegressionTests {
    @Test func anOverlongLineHasTheSameTagHoweverItIsCut() {
        var limits = IMAPLimits()
        limits.lineBytes = 8
        let line = Array("longertag NOOP and more\r\n".utf8)
        let whole = FramerDriver.events(of: line, limits: limits)
        for cut in 1..<line.count {
            #expect(FramerDriver.events(of: line, cutAt: [cut], limits: limits) == whole, "cut at \(cut)")
        }
    }
}
