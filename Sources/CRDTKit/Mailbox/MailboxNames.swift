// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Which living mailbox is seen under which name.
///
/// Mailboxes made or renamed apart may want the same name. The one with the smallest identity has it; the others have the name, `~` and a suffix
/// from their identity, lengthened until nobody else wants or has that name. So names depend on the set of living mailboxes and their name
/// registers alone, and all replicas with the same set show the same names.
struct MailboxNames: Sendable {
    /// A mailbox that wants a name.
    struct Claimant: Hashable, Sendable {
        var id: MailboxID
        var replica: ReplicaID
        var identity: UInt64

        init(_ id: MailboxID, identity: UInt64, context: borrowing ApplyContext) {
            self.id = id
            self.replica = context.replica(id.dot.replica)
            self.identity = identity
        }

        /// Well-known mailboxes come first, then it is by replica and counter.
        func isBelow(_ other: Claimant) -> Bool {
            if id.isWellKnown != other.id.isWellKnown { return id.isWellKnown }
            if replica != other.replica { return replica < other.replica }
            return id.dot.counter < other.id.dot.counter
        }
    }

    /// A mailbox whose name has changed: nil stands for one that is not seen.
    struct Change: Hashable, Sendable {
        var id: MailboxID
        var from: String?
        var to: String?
    }

    static let inbox = "INBOX"
    static let recovered = "Recovered"
    static let defaults: [MailboxUse: String] = [
        .all: "All", .archive: "Archive", .drafts: "Drafts", .flagged: "Flagged", .junk: "Junk", .sent: "Sent",
        .trash: "Trash",
    ]

    /// What is known of a name: who wants it, and who is seen under it.
    private struct Name: Sendable {
        /// The smallest of those that want it.
        var first: Claimant?
        /// The others, in ascending order: hardly ever any.
        var others: [Claimant] = []
        var holder: MailboxID?

        var isBlank: Bool { first == nil && holder == nil }
        var isContested: Bool { !others.isEmpty }

        mutating func enter(_ claimant: Claimant) {
            guard let winner = first else {
                first = claimant
                return
            }
            let loser = claimant.isBelow(winner) ? winner : claimant
            if claimant.isBelow(winner) { first = claimant }
            others.insert(loser, at: others.firstIndex { loser.isBelow($0) } ?? others.count)
        }

        mutating func leave(_ id: MailboxID) {
            if first?.id == id {
                first = others.isEmpty ? nil : others.removeFirst()
            } else {
                others.removeAll { $0.id == id }
            }
        }
    }

    /// The name that a living mailbox wants, and the one under which it is seen.
    private struct Naming: Sendable {
        var wanted: String
        var shown: String
    }

    /// Every name that somebody wants or has.
    private var byName: [String: Name] = [:]
    private var byID: [MailboxID: Naming] = [:]

    /// The one spelling of a name: INBOX is case-insensitive (RFC 3501 section 5.1).
    static func canonical(_ name: String) -> String {
        name.utf8.count == 5 && name.utf8.elementsEqual(inbox.utf8) { $0 & 0xdf == $1 } ? inbox : name
    }

    var count: Int { byID.count }

    func id(of name: String) -> MailboxID? { byName[MailboxNames.canonical(name)]?.holder }

    func name(of id: MailboxID) -> String? { byID[id]?.shown }

    /// All names in ascending order.
    var ascending: [(name: String, id: MailboxID)] {
        byID.map { ($0.value.shown, $0.key) }.sorted { $0.name < $1.name }
    }

    /// Enters, moves or removes a mailbox.
    ///
    /// - Parameters:
    ///   - claimant: the mailbox.
    ///   - name: the name it wants; nil if it is not alive.
    ///   - report: called for each mailbox whose visible name changed by that.
    /// - Complexity: O(1) expected, and O(claimants) for a contested name.
    mutating func set(_ claimant: Claimant, wants name: String?, _ report: (Change) -> Void) {
        let former = byID[claimant.id]?.wanted
        if former == name { return }
        if former == nil, let name, enterUncontested(claimant, name) {
            report(Change(id: claimant.id, from: nil, to: name))
            return
        }
        var affected: [String] = []
        if let former {
            byName[former]?.leave(claimant.id)
            affected.append(former)
        }
        if let name {
            byName[name, default: Name()].enter(claimant)
            byID[claimant.id, default: Naming(wanted: name, shown: "")].wanted = name
            affected.append(name)
        }
        let all = affected + affected.flatMap { contestedPrefixes(of: $0) }
        apply(all, gone: name == nil ? claimant.id : nil, report)
        for name in affected where byName[name]?.isBlank ?? false { byName[name] = nil }
    }

    /// The usual creation: nobody else wants the name, and it is no name that a loser may have.
    private mutating func enterUncontested(_ claimant: Claimant, _ name: String) -> Bool {
        if name.utf8.contains(UInt8(ascii: "~")) { return false }
        let isFree = MailboxNames.enter(claimant, &byName[name, default: Name()])
        if isFree { byID[claimant.id] = Naming(wanted: name, shown: name) }
        return isFree
    }

    private static func enter(_ claimant: Claimant, _ name: inout Name) -> Bool {
        guard name.isBlank else { return false }
        (name.first, name.holder) = (claimant, claimant.id)
        return true
    }

    /// Names of which a loser's name may begin like `name`, which may now be taken or free.
    private func contestedPrefixes(of name: String) -> [String] {
        var result: [String] = []
        for index in name.utf8.indices where name.utf8[index] == UInt8(ascii: "~") {
            let prefix = String(name[..<index])
            if byName[prefix]?.isContested ?? false { result.append(prefix) }
        }
        return result
    }

    private mutating func apply(_ affected: [String], gone: MailboxID?, _ report: (Change) -> Void) {
        var changes: [Change] = []
        if let gone, let old = byID[gone]?.shown { changes.append(Change(id: gone, from: old, to: nil)) }
        var seen: Set<String> = []
        for name in affected where seen.insert(name).inserted {
            for (claimant, new) in distribution(of: name) where byID[claimant.id]?.shown != new {
                let old = byID[claimant.id]?.shown
                changes.append(Change(id: claimant.id, from: old?.isEmpty ?? true ? nil : old, to: new))
            }
        }
        for change in changes {
            if let from = change.from { byName[from]?.holder = nil }
            if let to = change.to { byID[change.id]?.shown = to } else { byID[change.id] = nil }
        }
        for change in changes {
            if let to = change.to { byName[to, default: Name()].holder = change.id }
        }
        for change in changes {
            if let from = change.from, byName[from]?.isBlank ?? false { byName[from] = nil }
            report(change)
        }
    }

    /// The visible names of all that want one name.
    private func distribution(of name: String) -> [(Claimant, String)] {
        guard let group = byName[name], let winner = group.first else { return [] }
        var result = [(winner, name)]
        var taken: Set<String> = []
        for loser in group.others {
            var attempt = 0
            var candidate = MailboxNames.candidate(name, loser, attempt)
            while byName[candidate]?.first != nil || taken.contains(candidate) {
                attempt += 1
                candidate = MailboxNames.candidate(name, loser, attempt)
            }
            taken.insert(candidate)
            result.append((loser, candidate))
        }
        return result
    }

    /// The names that a loser tries one after another.
    ///
    /// First with six digits of the identity's hash, then with its whole hash, then with the whole identity behind ever more tildes. A suffix holds
    /// no tilde, so candidates of different names never meet.
    private static func candidate(_ name: String, _ loser: Claimant, _ attempt: Int) -> String {
        let hash = digits(loser.identity, count: 13)
        if attempt == 0 { return name + "~" + String(hash.prefix(6)) }
        if attempt == 1 { return name + "~" + hash }
        let whole =
            digits(loser.replica.rawValue, count: 13) + digits(UInt64(loser.replica.incarnation), count: 7)
            + digits(loser.id.dot.counter, count: 10)
        return name + String(repeating: "~", count: attempt - 1) + whole
    }

    private static func digits(_ value: UInt64, count: Int) -> String {
        let text = String(value, radix: 32)
        return String(repeating: "0", count: max(0, count - text.count)) + text
    }

    /// The first violation of the index's own rules, or nil.
    func violation() -> String? {
        for (id, naming) in byID where byName[naming.shown]?.holder != id {
            return "the name \(naming.shown) leads to another mailbox"
        }
        var claims = 0
        var holders = 0
        for (name, known) in byName {
            if known.isBlank { return "nobody wants or has \(name)" }
            if known.first == nil && known.isContested { return "\(name) has losers and no winner" }
            holders += known.holder == nil ? 0 : 1
            for claimant in [known.first].compactMap(\.self) + known.others {
                claims += 1
                if byID[claimant.id]?.wanted != name { return "\(claimant.id) does not want \(name)" }
            }
            for (claimant, shown) in distribution(of: name) where byID[claimant.id]?.shown != shown {
                return "\(claimant.id) is not called \(shown)"
            }
        }
        return claims == byID.count && holders == byID.count ? nil : "names and mailboxes differ in number"
    }
}
