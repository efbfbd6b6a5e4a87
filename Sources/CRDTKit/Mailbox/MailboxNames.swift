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

    /// The claimants of each wanted name, the smallest first.
    private var claimants: [String: [Claimant]] = [:]
    private var wanted: [MailboxID: String] = [:]
    private var idByName: [String: MailboxID] = [:]
    private var nameByID: [MailboxID: String] = [:]

    /// The one spelling of a name: INBOX is case-insensitive (RFC 3501 section 5.1).
    static func canonical(_ name: String) -> String {
        name.utf8.count == 5 && name.uppercased() == inbox ? inbox : name
    }

    var count: Int { nameByID.count }

    func id(of name: String) -> MailboxID? { idByName[MailboxNames.canonical(name)] }

    func name(of id: MailboxID) -> String? { nameByID[id] }

    /// All names in ascending order.
    var ascending: [(name: String, id: MailboxID)] {
        idByName.map { ($0.key, $0.value) }.sorted { $0.name < $1.name }
    }

    /// Enters, moves or removes a mailbox.
    ///
    /// - Parameters:
    ///   - claimant: the mailbox.
    ///   - name: the name it wants; nil if it is not alive.
    /// - Returns: all mailboxes whose visible name changed by that.
    /// - Complexity: O(1) expected, and O(claimants) for a contested name.
    mutating func set(_ claimant: Claimant, wants name: String?) -> [Change] {
        let former = wanted[claimant.id]
        if former == name { return [] }
        wanted[claimant.id] = name
        if former == nil, let name, claimants[name] == nil, !name.utf8.contains(UInt8(ascii: "~")) {
            // The usual creation: nobody else wants the name, and it is no name that a loser may have.
            claimants[name] = [claimant]
            idByName[name] = claimant.id
            nameByID[claimant.id] = name
            return [Change(id: claimant.id, from: nil, to: name)]
        }
        var affected: [String] = []
        if let former {
            claimants[former]?.removeAll { $0.id == claimant.id }
            if claimants[former]?.isEmpty ?? false { claimants[former] = nil }
            affected.append(former)
        }
        if let name {
            var group = claimants[name] ?? []
            group.insert(claimant, at: group.firstIndex { claimant.isBelow($0) } ?? group.count)
            claimants[name] = group
            affected.append(name)
        }
        let all = affected + affected.flatMap { contestedPrefixes(of: $0) }
        return apply(all, gone: name == nil ? claimant.id : nil)
    }

    /// Names of which a loser's name may begin like `name`, which may now be taken or free.
    private func contestedPrefixes(of name: String) -> [String] {
        var result: [String] = []
        for index in name.utf8.indices where name.utf8[index] == UInt8(ascii: "~") {
            let prefix = String(name[..<index])
            if claimants[prefix]?.count ?? 0 > 1 { result.append(prefix) }
        }
        return result
    }

    private mutating func apply(_ affected: [String], gone: MailboxID?) -> [Change] {
        var changes: [Change] = []
        if let gone, let old = nameByID[gone] { changes.append(Change(id: gone, from: old, to: nil)) }
        var seen: Set<String> = []
        for name in affected where seen.insert(name).inserted {
            for (claimant, new) in distribution(of: name) where nameByID[claimant.id] != new {
                changes.append(Change(id: claimant.id, from: nameByID[claimant.id], to: new))
            }
        }
        for change in changes {
            if let from = change.from { idByName[from] = nil }
            nameByID[change.id] = change.to
        }
        for change in changes {
            if let to = change.to { idByName[to] = change.id }
        }
        return changes
    }

    /// The visible names of all that want one name.
    private func distribution(of name: String) -> [(Claimant, String)] {
        guard let group = claimants[name], let winner = group.first else { return [] }
        var result = [(winner, name)]
        var taken: Set<String> = []
        for loser in group.dropFirst() {
            var attempt = 0
            var candidate = MailboxNames.candidate(name, loser, attempt)
            while claimants[candidate] != nil || taken.contains(candidate) {
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
        if idByName.count != nameByID.count || wanted.count != nameByID.count {
            return "names and mailboxes differ in number"
        }
        for (name, id) in idByName where nameByID[id] != name { return "the name \(name) leads to another mailbox" }
        for (name, group) in claimants {
            if group.isEmpty { return "nobody wants \(name)" }
            for claimant in group where wanted[claimant.id] != name { return "\(claimant.id) does not want \(name)" }
            for (claimant, shown) in distribution(of: name) where nameByID[claimant.id] != shown {
                return "\(claimant.id) is not called \(shown)"
            }
        }
        return claimants.values.reduce(0) { $0 + $1.count } == wanted.count ? nil : "a claimant is missing"
    }
}
