// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// CONDSTORE and how it is switched on (RFC 7162 section 3.1).
///
/// The machine keeps to the SHOULD of section 3.1.4.2: once CONDSTORE is on, FETCH responses about changed flags carry the
/// UID as well (section 3.2.4). It deviates from the SHOULD of section 3.1.12: there is one modification sequence for all
/// flags of a message, so `+FLAGS` and `-FLAGS` with UNCHANGEDSINCE fail also when other flags than those have changed.
extension SessionMachine {
    /// The extensions that ENABLE can switch on (RFC 5161 section 3.1).
    static let enableable: [Capability] = [.condstore]

    /// ENABLE (RFC 5161 section 3.1): names that cannot be switched on are ignored.
    mutating func enable(_ command: CommandInProgress, _ names: [String]) {
        let switched = Self.enableable.filter { names.contains($0.description) }
        send(.enabled(switched))
        if switched.contains(.condstore) { enableCondstore() }
        succeed(command)
    }

    /// The client wants to see modification sequences from now on.
    ///
    /// The first time, a client that has selected a mailbox before is told how far it has been told (RFC 7162 section 3.1). What
    /// has happened since comes with modification sequences, at the latest with the tagged response.
    mutating func enableCondstore() {
        guard !isCondstoreEnabled else { return }
        isCondstoreEnabled = true
        exportSelection()
        if let selection { send(.untagged(Self.highest(selection.toldModSequence))) }
    }

    /// HIGHESTMODSEQ (RFC 7162 section 3.1.2.1); a mailbox without a change has 1, because 0 cannot be said.
    static func highest(_ modSequence: ModSequence) -> StatusCondition {
        StatusCondition(
            .ok, code: .highestModSequence(max(modSequence, ModSequence(clamping: 1))), text: "Highest modification")
    }

    /// The extensions that are on, for the ticket.
    var enabledNames: [String] { isCondstoreEnabled ? [Capability.condstore.description] : [] }
}
