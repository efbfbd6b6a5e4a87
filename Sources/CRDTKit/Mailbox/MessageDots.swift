// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// All dots of one message in full generality: what keeps it in its mailbox and what enables its flags.
///
/// No dot occurs twice in `presence` or in `enablers`, so that equal sets of operations give equal values at every replica.
struct MessageDots: Hashable, Sendable {
    /// An operation and the system flags that it enables.
    struct Enabler: Hashable, Sendable {
        var dot: Dot
        var flags: SystemFlags
    }

    /// A keyword and an operation that enables it.
    struct KeywordEnabler: Hashable, Sendable {
        var keyword: KeywordIndex
        var dot: Dot
    }

    var presence: [Dot] = []
    var enablers: [Enabler] = []
    var keywords: [KeywordEnabler] = []

    var isEmpty: Bool { presence.isEmpty && enablers.isEmpty && keywords.isEmpty }

    /// All system flags that are set.
    var systemFlags: SystemFlags { enablers.reduce(into: []) { $0.formUnion($1.flags) } }

    /// All flags that are set.
    var flags: FlagSet { FlagSet(systemFlags, keywords: keywords.map(\.keyword)) }

    /// A flag change: what it had seen of the message's presence and of the flags that it names gives way to its own dot.
    mutating func store(_ dot: Dot, past: borrowing VersionVector, adding: FlagSet, removing: FlagSet) {
        MessageDots.removeSeen(&presence, past)
        if !presence.contains(dot) { presence.append(dot) }
        let added = adding.system.intersection(.known)
        let touched = added.union(removing.system)
        for index in enablers.indices where past.contains(enablers[index].dot) {
            enablers[index].flags.subtract(touched)
        }
        enablers.removeAll { $0.flags.isEmpty }
        if !added.isEmpty { enable(added, dot) }
        let touchedKeywords = adding.keywords + removing.keywords
        if touchedKeywords.isEmpty { return }
        var kept: [KeywordEnabler] = []
        for entry in keywords where !(touchedKeywords.contains(entry.keyword) && past.contains(entry.dot)) {
            kept.append(entry)
        }
        for keyword in adding.keywords {
            let entry = KeywordEnabler(keyword: keyword, dot: dot)
            if !kept.contains(entry) { kept.append(entry) }
        }
        keywords = kept
    }

    /// A DELETE of the mailbox: what it had seen of the message's presence is gone.
    ///
    /// - Returns: whether anything went.
    mutating func delete(past: borrowing VersionVector) -> Bool {
        let before = presence.count
        MessageDots.removeSeen(&presence, past)
        return presence.count != before
    }

    private mutating func enable(_ flags: SystemFlags, _ dot: Dot) {
        for index in enablers.indices where enablers[index].dot == dot {
            enablers[index].flags.formUnion(flags)
            return
        }
        enablers.append(Enabler(dot: dot, flags: flags))
    }

    private static func removeSeen(_ dots: inout [Dot], _ past: borrowing VersionVector) {
        var kept: [Dot] = []
        for dot in dots where !past.contains(dot) { kept.append(dot) }
        dots = kept
    }
}
