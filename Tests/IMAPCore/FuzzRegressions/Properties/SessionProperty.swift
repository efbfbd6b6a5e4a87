// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import IMAPCore

/// What must hold of a whole session over a model store, whatever a client sends before and after it logs in.
package enum SessionProperty {
    /// Checks one stream of bytes from a client.
    ///
    /// - Parameter input: the stream.
    /// - Returns: what is wrong; nil when all is well.
    package static func violation(in input: [UInt8]) -> String? {
        for isLoggedIn in [false, true] {
            let whole = Run(isLoggedIn: isLoggedIn)
            whole.feed(input)
            let pieces = Run(isLoggedIn: isLoggedIn)
            for piece in InputCuts.pieces(of: input) { pieces.feed(piece) }
            if let problem = whole.problem ?? pieces.problem { return problem }
            if whole.shell.output != pieces.shell.output { return "the cuts change the replies" }
            if whole.store.uids("INBOX") != pieces.store.uids("INBOX") { return "the cuts change the mailbox" }
        }
        return nil
    }

    /// One session with three messages.
    private final class Run {
        let store: ModelStore
        let shell: ModelShell
        private(set) var problem: String?

        init(isLoggedIn: Bool) {
            store = ModelStore(["INBOX", "Archive", "Archive/2025"])
            for flags in [[], [.seen], [.flagged, .deleted]] as [[Flag]] {
                store.append(.inbox, flags: flags)
            }
            shell = ModelShell(store)
            if isLoggedIn { shell.start() } else { shell.open() }
        }

        func feed(_ bytes: [UInt8]) {
            guard problem == nil else { return }
            shell.feed(bytes)
            shell.deliver()
            problem = shell.machine.checkInvariants()
            if problem == nil, !shell.output.isEmpty, shell.outstanding == nil, shell.upload == nil {
                if !shell.output.ends(with: "\r\n".utf8) { problem = "the replies do not end with a line" }
            }
        }
    }
}

extension [UInt8] {
    fileprivate func ends(with suffix: some Collection<UInt8>) -> Bool {
        count >= suffix.count && self[(count - suffix.count)...].elementsEqual(suffix)
    }
}
