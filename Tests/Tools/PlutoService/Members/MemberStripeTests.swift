// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import NodeSupport
import Testing

@testable import PlutoService

/// Which stripe of UIDs a new member gets.
struct MemberStripeTests {
    private static func report(_ name: String, _ stripe: UInt8) -> MemberReport {
        MemberReport(name: name, stripe: stripe, addresses: [], replica: nil, isAsked: false)
    }

    @Test func aStripeThatSomebodyHadIsTheLastToBeGivenAgain() throws {
        let present = [Self.report("a", 0), Self.report("b", 2)]
        #expect(try MemberAdministration.stripe(for: "b", among: present, used: [0, 1, 2]) == 2)
        #expect(try MemberAdministration.stripe(for: "c", among: present, used: [0, 2]) == 1)
        #expect(try MemberAdministration.stripe(for: "c", among: present, used: [0, 1, 2, 3]) == 4)
        #expect(try MemberAdministration.stripe(for: "c", among: present, used: Set(0..<16)) == 1)
        let full = (0..<16).map { Self.report("n\($0)", UInt8($0)) }
        #expect(throws: NodeError.self) {
            try MemberAdministration.stripe(for: "c", among: full, used: [])
        }
    }
}
