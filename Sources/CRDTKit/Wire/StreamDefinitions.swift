// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The node's own stream while a frame is made: gives symbols their numbers and collects the definitions that the frame
/// must carry.
struct StreamDefinitions: ~Copyable {
    /// What the stream's numbers mean.
    var symbols: StreamSymbols
    /// The numbers of the local indexes.
    var numbers: StreamNumbers
    /// The local names; held here, because handing them to each call would count references for each operation.
    private let names: SymbolTable
    /// The local replicas.
    let replicas: ReplicaTable
    /// The definitions of the frame in the making, encoded.
    private(set) var bytes: [UInt8] = []
    /// Their number.
    private(set) var count = 0

    init(symbols: StreamSymbols, numbers: StreamNumbers, names: SymbolTable, replicas: ReplicaTable) {
        self.symbols = symbols
        self.numbers = numbers
        self.names = names
        self.replicas = replicas
    }

    /// Begins the next frame, which carries only what no earlier one did.
    mutating func startFrame() {
        bytes.removeAll(keepingCapacity: true)
        count = 0
    }

    /// The number of an account, defined now if need be.
    @inline(__always)
    mutating func number(of account: AccountIndex) throws(CRDTError) -> UInt64 {
        let index = Int(account.rawValue)
        if let known = StreamNumbers.number(of: index, in: numbers.accounts) { return known }
        return try define(account)
    }

    /// The number of a keyword, defined now if need be.
    mutating func number(of keyword: KeywordIndex) throws(CRDTError) -> UInt64 {
        let index = Int(keyword.rawValue)
        if let known = StreamNumbers.number(of: index, in: numbers.keywords) { return known }
        guard let name = names.name(of: keyword) else {
            throw CRDTError(.undefinedReference, "keyword \(keyword.rawValue) was never interned")
        }
        let number = symbols.keywords.count
        begin(.keyword, number)
        WireWriter.put(name, into: &bytes)
        symbols.keywords.append(keyword)
        StreamNumbers.set(index, number, in: &numbers.keywords)
        return UInt64(number)
    }

    /// The number of a replica, defined now if need be.
    @inline(__always)
    mutating func number(of replica: ReplicaIndex) throws(CRDTError) -> UInt64 {
        if replica == symbols.replicas[1] { return 1 }
        let index = Int(replica.rawValue)
        if let known = StreamNumbers.number(of: index, in: numbers.replicas) { return known }
        return try define(replica)
    }

    private mutating func define(_ account: AccountIndex) throws(CRDTError) -> UInt64 {
        guard let name = names.name(of: account) else {
            throw CRDTError(.undefinedReference, "account \(account.rawValue) was never interned")
        }
        let number = symbols.accounts.count
        begin(.account, number)
        WireWriter.put(name, into: &bytes)
        symbols.accounts.append(account)
        StreamNumbers.set(Int(account.rawValue), number, in: &numbers.accounts)
        return UInt64(number)
    }

    private mutating func define(_ replica: ReplicaIndex) throws(CRDTError) -> UInt64 {
        guard let id = replicas.id(at: replica) else {
            throw CRDTError(.undefinedReference, "replica index \(replica.rawValue) was never interned")
        }
        let number = symbols.replicas.count
        begin(.replica, number)
        WireWriter.put(fixed64: id.rawValue, into: &bytes)
        WireWriter.put(UInt64(id.incarnation), into: &bytes)
        symbols.replicas.append(replica)
        StreamNumbers.set(Int(replica.rawValue), number, in: &numbers.replicas)
        return UInt64(number)
    }

    private mutating func begin(_ kind: DefinitionKind, _ number: Int) {
        bytes.append(kind.rawValue)
        WireWriter.put(count: number, into: &bytes)
        count += 1
    }
}
