// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What the numbers of one origin's stream mean at this node: each symbol travels once, in a definition before its
/// first use, and is a number from then on.
struct StreamSymbols: Sendable {
    /// Replicas by number; 0 is ``ReplicaIndex/wellKnown`` and 1 the origin.
    var replicas: [ReplicaIndex]
    /// Accounts by number.
    var accounts: [AccountIndex] = []
    /// Keywords by number.
    var keywords: [KeywordIndex] = []

    init(origin: ReplicaIndex) { replicas = [.wellKnown, origin] }

    /// Nothing, and no memory: stands in for lists that are moved elsewhere for a while or about to be read.
    init() { replicas = [] }

    /// Where the lists stand, to return to when a frame turns out to be invalid.
    struct Mark: Equatable, Sendable {
        let replicas: Int
        let accounts: Int
        let keywords: Int
    }

    var mark: Mark { Mark(replicas: replicas.count, accounts: accounts.count, keywords: keywords.count) }

    mutating func truncate(to mark: Mark) {
        replicas.removeLast(replicas.count - mark.replicas)
        accounts.removeLast(accounts.count - mark.accounts)
        keywords.removeLast(keywords.count - mark.keywords)
    }

    /// Gives the next number a meaning, or confirms the meaning of an earlier one, as a frame that repeats operations
    /// does.
    static func define<Index: Equatable>(
        _ number: UInt64, _ index: Index, in list: inout [Index], atMost limit: Int
    ) throws(CRDTError) {
        if number < UInt64(list.count) {
            guard list[Int(number)] == index else {
                throw CRDTError(.malformed, "a stream gives its number \(number) a second meaning")
            }
            return
        }
        guard number == UInt64(list.count) else {
            throw CRDTError(.malformed, "a stream defines its number \(number) before \(list.count)")
        }
        guard list.count < limit else {
            throw CRDTError(.limitExceeded, "a stream defines at most \(limit) numbers of a kind")
        }
        list.append(index)
    }

    /// The meaning of a number.
    @inline(__always)
    static func meaning<Index>(_ number: UInt64, in list: [Index]) throws(CRDTError) -> Index {
        guard number < UInt64(list.count) else { throw undefined(number) }
        return list[Int(number)]
    }

    @inline(never)
    private static func undefined(_ number: UInt64) -> CRDTError {
        CRDTError(.undefinedReference, "a frame uses number \(number), which its stream never defined")
    }
}

/// The other way around for the node's own stream: the number of each local index, plus one; 0 where the stream has not
/// defined it.
struct StreamNumbers: Sendable {
    var replicas: [UInt32] = []
    var accounts: [UInt32] = []
    var keywords: [UInt32] = []

    init() {}

    /// Takes in what a recovered stream defines.
    mutating func learn(_ symbols: StreamSymbols, after mark: StreamSymbols.Mark) {
        for number in mark.replicas..<symbols.replicas.count {
            Self.set(Int(symbols.replicas[number].rawValue), number, in: &replicas)
        }
        for number in mark.accounts..<symbols.accounts.count {
            Self.set(Int(symbols.accounts[number].rawValue), number, in: &accounts)
        }
        for number in mark.keywords..<symbols.keywords.count {
            Self.set(Int(symbols.keywords[number].rawValue), number, in: &keywords)
        }
    }

    /// Forgets what the stream defines after the mark.
    mutating func forget(_ symbols: StreamSymbols, after mark: StreamSymbols.Mark) {
        for index in symbols.replicas[mark.replicas...] { replicas[Int(index.rawValue)] = 0 }
        for index in symbols.accounts[mark.accounts...] { accounts[Int(index.rawValue)] = 0 }
        for index in symbols.keywords[mark.keywords...] { keywords[Int(index.rawValue)] = 0 }
    }

    /// The number of an index, or nil if the stream has not defined it.
    @inline(__always)
    static func number(of index: Int, in list: [UInt32]) -> UInt64? {
        guard index < list.count && list[index] != 0 else { return nil }
        return UInt64(list[index] - 1)
    }

    static func set(_ index: Int, _ number: Int, in list: inout [UInt32]) {
        if index >= list.count { list.append(contentsOf: repeatElement(0, count: index + 1 - list.count)) }
        list[index] = UInt32(truncatingIfNeeded: number + 1)
    }
}
