// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// SEARCH (RFC 3501 section 6.4.4, RFC 4731, RFC 7162 section 3.1.5).
extension SessionMachine {
    mutating func startSearch(_ command: CommandInProgress, _ search: SearchCommand) {
        guard let view = selection?.view else { return }
        do throws(IMAPError) {
            let key = try SearchResolver.resolve(search.key, in: view)
            if search.hasModSequence { enableCondstore() }
            guard !view.isEmpty else {
                report([], command, search)
                return
            }
            request(.search(SearchRequest(key: key, charset: search.charset ?? .usASCII)), command, .search(search))
        } catch {
            finish(command, StatusCondition(error), announcing: .nothing)
        }
    }

    mutating func finishSearch(_ command: CommandInProgress, _ search: SearchCommand, _ reply: SessionReply) {
        guard case .found(let outcome) = reply, let view = selection?.view else {
            fail(command, reply, announcing: search.isUID ? .everything : .withoutExpunge)
            return
        }
        // What the client has not been told of has no number, and no client waits for its identifier.
        let matches = outcome.matches.compactMap { match -> Match? in
            let uid = match.uid
            let number = search.isUID ? (view.contains(uid) ? uid.rawValue : nil) : view.number(of: uid)?.rawValue
            return number.map { Match(number: $0, modSequence: match.modSequence) }
        }
        report(matches.sorted { $0.number < $1.number }, command, search)
    }

    /// A match with the number that the client knows it by.
    private struct Match {
        let number: UInt32
        let modSequence: ModSequence
    }

    private mutating func report(_ matches: [Match], _ command: CommandInProgress, _ search: SearchCommand) {
        let numbers = matches.map(\.number)
        let modSequence = search.hasModSequence ? Self.highest(of: matches, search.returnOptions) : nil
        if let options = search.returnOptions {
            send(
                .extendedSearch(
                    ExtendedSearchResult(
                        tag: command.tag, isUID: search.isUID,
                        min: options.contains(.min) ? numbers.first : nil,
                        max: options.contains(.max) ? numbers.last : nil,
                        all: options.contains(.all) ? Self.ranges(numbers) : nil,
                        count: options.contains(.count) ? numbers.count : nil, modSequence: modSequence)))
        } else {
            send(.search(numbers, modSequence: modSequence))
        }
        succeed(command, announcing: search.isUID ? .everything : .withoutExpunge)
    }

    /// The highest modification sequence of the matches that are returned: all, or with MIN and MAX alone only these (RFC 4731
    /// section 3.2).
    private static func highest(of matches: [Match], _ options: Set<SearchReturnOption>?) -> ModSequence? {
        guard let options, options.isDisjoint(with: [.all, .count]) else { return matches.map(\.modSequence).max() }
        let returned = [options.contains(.min) ? matches.first : nil, options.contains(.max) ? matches.last : nil]
        return returned.compactMap { $0?.modSequence }.max()
    }

    private static func ranges(_ numbers: [UInt32]) -> [ClosedRange<UInt32>] {
        var result: [ClosedRange<UInt32>] = []
        for number in numbers {
            if let last = result.last, last.upperBound < .max, last.upperBound + 1 == number {
                result[result.count - 1] = last.lowerBound...number
            } else {
                result.append(number...number)
            }
        }
        return result
    }
}

extension SearchCommand {
    /// Whether the condition has MODSEQ.
    fileprivate var hasModSequence: Bool { !key.modSequences.isEmpty }
}

/// Frees a condition of everything that only the session can know.
enum SearchResolver {
    /// Replaces sequence numbers and `*` by identifiers, and `\Recent`, which is never set, by its value.
    ///
    /// - Parameters:
    ///   - key: the condition as the client wrote it; its depth is bounded by ``IMAPLimits/searchDepth``.
    ///   - view: the session's view.
    /// - Returns: the condition for the store.
    /// - Throws: `syntax` for a sequence number that does not exist.
    static func resolve(_ key: SearchKey, in view: SequenceView) throws(IMAPError) -> SearchKey {
        switch key {
        case .sequence(let set): return try resolve(set, in: view)
        case .uid(let set): return uids(set.resolved(largest: view.lastUID))
        case .flag(.recent), .new: return nothing
        case .notFlag(.recent): return .all
        case .not(let inner): return .not(try resolve(inner, in: view))
        case .or(let left, let right): return .or(try resolve(left, in: view), try resolve(right, in: view))
        case .and(let keys):
            var resolved: [SearchKey] = []
            for key in keys { resolved.append(try resolve(key, in: view)) }
            return .and(resolved)
        case .all, .flag, .notFlag, .before, .on, .since, .sentBefore, .sentOn, .sentSince, .larger, .smaller,
            .modSequence, .bcc, .cc, .from, .subject, .to, .header, .body, .text:
            return key
        }
    }

    private static let nothing = SearchKey.not(.all)

    /// Neighbours in the view become one range of identifiers; the client has been told of everything between them.
    private static func resolve(_ set: SequenceSet, in view: SequenceView) throws(IMAPError) -> SearchKey {
        guard let largest = view.lastNumber, (set.largestWritten ?? largest) <= largest else {
            throw IMAPError(
                code: .syntax, message: "A sequence number is larger than the \(view.count) messages of the mailbox.")
        }
        var ranges: [ClosedRange<UID>] = []
        for range in set.resolved(largest: largest) {
            guard let first = view.uid(at: Int(range.lowerBound.rawValue)),
                let last = view.uid(at: Int(range.upperBound.rawValue))
            else { continue }
            ranges.append(first...last)
        }
        return uids(ranges)
    }

    private static func uids(_ ranges: [ClosedRange<UID>]) -> SearchKey {
        ranges.isEmpty ? nothing : .uid(UIDSet(ranges.map { UIDRange($0) }))
    }
}
