// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Answers LIST and LSUB from a catalogue (RFC 3501 sections 6.3.8 and 6.3.9, RFC 3348, RFC 5258, RFC 6154).
///
/// A parent that does not exist itself is listed with `\Noselect`; an extended LIST adds `\NonExistent`.
struct MailboxListing {
    /// One name of the answer.
    struct Line: Equatable {
        /// The LIST response.
        var response: ListResponse
        /// Whether a STATUS response belongs to it (RFC 5819 section 2).
        var wantsStatus: Bool
    }

    private let separator: UInt8
    /// The mailboxes that exist, with their special uses.
    private var uses: [MailboxName: SpecialUse?] = [:]
    private var subscriptions: Set<MailboxName>
    /// All names above a mailbox that exists, whether or not they exist themselves.
    private var parents: Set<MailboxName> = []

    /// Prepares the answers.
    ///
    /// - Parameters:
    ///   - catalog: all mailboxes and subscriptions.
    ///   - separator: the hierarchy separator.
    /// - Complexity: linear in the names and their levels.
    init(_ catalog: MailboxCatalog, separator: UInt8) {
        self.separator = separator
        subscriptions = Set(catalog.subscriptions)
        for entry in catalog.entries { uses[entry.name] = .some(entry.specialUse) }
        for entry in catalog.entries { parents.formUnion(ancestors(of: entry.name)) }
    }

    /// Answers LIST.
    ///
    /// - Parameters:
    ///   - command: the arguments of LIST.
    ///   - limits: the limits of names.
    /// - Returns: the responses in the order of the names.
    /// - Throws: `invalidMailboxName` when reference and pattern are too long together, `syntax` when RECURSIVEMATCH stands
    ///   alone (RFC 5258 section 3.1).
    func list(_ command: ListCommand, limits: IMAPLimits) throws(IMAPError) -> [Line] {
        let patterns = try joined(command.patterns, reference: command.reference, limits: limits)
        let selection = Set(command.selection ?? [])
        if selection.contains(.recursiveMatch), selection.isDisjoint(with: [.subscribed, .specialUse]) {
            throw IMAPError(code: .syntax, message: "RECURSIVEMATCH needs another selection option.")
        }
        let isExtended = command.selection != nil || command.returnOptions != nil || command.patterns.count != 1
        let showsSubscribed = selection.contains(.subscribed) || (command.returnOptions ?? []).contains(.subscribed)
        let wantsStatus = (command.returnOptions ?? []).contains { if case .status = $0 { true } else { false } }

        var chosen = candidates(selection).filter { isMatch($0, patterns) }
        var recursive: Set<MailboxName> = []
        if selection.contains(.recursiveMatch) {
            let selected = candidates(selection)
            let hidden = selected.subtracting(chosen).reduce(into: Set()) { $0.formUnion(ancestors(of: $1)) }
            chosen.formUnion(hidden.filter { isMatch($0, patterns) })
            recursive = selected.reduce(into: []) { $0.formUnion(ancestors(of: $1)) }
        }
        let isSelected = candidates(selection)
        return chosen.sorted().map { name in
            Line(
                response: ListResponse(
                    attributes: attributes(of: name, isExtended: isExtended, showsSubscribed: showsSubscribed),
                    delimiter: separator, mailbox: name,
                    hasSubscribedChildren: selection.contains(.subscribed) && recursive.contains(name)),
                wantsStatus: wantsStatus && uses[name] != nil && isSelected.contains(name))
        }
    }

    /// Answers LSUB.
    ///
    /// A name that is not subscribed itself, but hides subscribed ones behind a `%`, comes with `\Noselect`.
    ///
    /// - Parameters:
    ///   - reference: the reference name.
    ///   - pattern: the pattern.
    ///   - limits: the limits of names.
    /// - Returns: the responses in the order of the names.
    /// - Throws: `invalidMailboxName` when reference and pattern are too long together.
    func lsub(reference: ListReference, pattern: ListPattern, limits: IMAPLimits) throws(IMAPError) -> [ListResponse] {
        let patterns = [try pattern.prefixed(by: reference, limits: limits)]
        let found = subscriptions.filter { isMatch($0, patterns) }
        let hidden = subscriptions.subtracting(found).reduce(into: Set()) { $0.formUnion(ancestors(of: $1)) }
        let parentsOnly = hidden.subtracting(found).filter { isMatch($0, patterns) }
        return found.union(parentsOnly).sorted().map { name in
            ListResponse(
                attributes: found.contains(name) ? [] : [.noSelect], delimiter: separator, mailbox: name)
        }
    }
}

extension MailboxListing {
    /// An empty pattern in a list matches nothing (RFC 5258 section 3).
    private func joined(_ patterns: [ListPattern], reference: ListReference, limits: IMAPLimits) throws(IMAPError)
        -> [ListPattern]
    {
        var result: [ListPattern] = []
        for pattern in patterns where !pattern.isEmpty {
            result.append(try pattern.prefixed(by: reference, limits: limits))
        }
        return result
    }

    /// The names that satisfy the selection options.
    private func candidates(_ selection: Set<ListSelectionOption>) -> Set<MailboxName> {
        var names = selection.contains(.subscribed) ? subscriptions : Set(uses.keys)
        if selection.contains(.specialUse) { names = names.filter { use(of: $0) != nil } }
        if selection.isDisjoint(with: [.subscribed, .specialUse]) { names.formUnion(parents) }
        return names
    }

    private func attributes(of name: MailboxName, isExtended: Bool, showsSubscribed: Bool) -> [MailboxAttribute] {
        var result: [MailboxAttribute] = []
        if uses[name] == nil { result += isExtended ? [.nonExistent, .noSelect] : [.noSelect] }
        if showsSubscribed, subscriptions.contains(name) { result.append(.subscribed) }
        result.append(parents.contains(name) ? .hasChildren : .hasNoChildren)
        if let use = use(of: name) { result.append(.specialUse(use)) }
        return result
    }

    private func use(of name: MailboxName) -> SpecialUse? { uses[name] ?? nil }

    private func isMatch(_ name: MailboxName, _ patterns: [ListPattern]) -> Bool {
        patterns.contains { $0.matches(name, delimiter: separator) }
    }

    /// The names above a name, from the top; leading separators make no level.
    private func ancestors(of name: MailboxName) -> [MailboxName] {
        let bytes = Array(name.value.utf8)
        var result: [MailboxName] = []
        for index in bytes.indices.dropFirst() where bytes[index] == separator && bytes[index - 1] != separator {
            // A prefix of a valid name is valid, so nothing is left out here.
            if let parent = try? MailboxName(String(decoding: bytes[..<index], as: UTF8.self)) { result.append(parent) }
        }
        return result
    }
}
