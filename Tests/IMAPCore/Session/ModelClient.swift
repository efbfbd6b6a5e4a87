// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import IMAPCore

/// A client that believes every response, keeps what a client keeps, and notes every breach of the protocol.
struct ModelClient {
    /// What the client knows of a message.
    struct Known: Equatable {
        var uid: UInt32?
        var flags: Set<String>?
        var modSequence: UInt64?
    }

    enum Kind {
        case other, forbidsExpunge, idle
        case silentStore(numbers: [Int], mode: StoreMode, flags: Set<String>)

        var allowsExpunge: Bool {
            switch self {
            case .other, .idle: true
            case .forbidsExpunge, .silentStore: false
            }
        }
    }

    private(set) var messages: [Known] = []
    private(set) var violations: [String] = []
    private(set) var isEnded = false
    private(set) var expunges = 0
    /// Messages that a conditional STORE left alone.
    private(set) var modified = 0
    /// The commands that were sent and not answered, oldest first.
    private(set) var pending: [(tag: String, kind: Kind)] = []
    private var touched: Set<Int> = []
    private var parsed = 0

    mutating func sent(_ tag: String, _ kind: Kind) { pending.append((tag, kind)) }

    /// Reads what is new of the server's output; the server sends whole lines.
    mutating func read(_ output: [UInt8]) {
        let text = String(decoding: output[parsed...], as: UTF8.self)
        parsed = output.count
        var whole = ""
        for line in text.split(separator: "\r\n") {
            whole += line
            // The literals of these tests hold no line breaks, so the response goes on in the next line.
            if line.last != "}" {
                read(whole)
                whole = ""
            }
        }
    }

    private mutating func read(_ line: String) {
        let words = line.split(separator: " ").map(String.init)
        if words[0] == "+" { return }
        if words[0] != "*" {
            tagged(words)
        } else if words.count >= 3, let number = Int(words[1]) {
            numbered(number, words[2], line)
        } else if words[1] == "SEARCH" {
            for number in words.dropFirst(2).compactMap({ Int($0) }) where !isUIDSearch { check(number, "SEARCH") }
        } else if words[1] == "BYE" {
            isEnded = true
        }
    }

    private var isUIDSearch: Bool { pending.first?.tag.hasPrefix("u") ?? false }

    private mutating func tagged(_ words: [String]) {
        guard let command = pending.first, command.tag == words[0] else {
            violations.append("an answer to nobody: \(words)")
            return
        }
        pending.removeFirst()
        if words.contains("[MODIFIED") { modified += 1 }
        if words[1] == "BAD" { violations.append("BAD: \(words)") }
        if case .silentStore(let numbers, let mode, let flags) = command.kind, words[1] == "OK" {
            for number in numbers where number <= messages.count && !touched.contains(number) {
                switch mode {
                case .replace: messages[number - 1].flags = flags
                case .add: messages[number - 1].flags?.formUnion(flags)
                case .remove: messages[number - 1].flags?.subtract(flags)
                }
            }
        }
        touched = []
    }

    private mutating func numbered(_ number: Int, _ name: String, _ line: String) {
        switch name {
        case "EXISTS":
            if number < messages.count { violations.append("EXISTS fell from \(messages.count) to \(number)") }
            while messages.count < number { messages.append(Known()) }
        case "RECENT":
            if number != 0 { violations.append("RECENT \(number)") }
        case "EXPUNGE":
            let allowed = pending.first?.kind.allowsExpunge ?? false
            if !allowed { violations.append("EXPUNGE during \(pending.first?.tag ?? "nothing")") }
            check(number, name)
            if number <= messages.count { messages.remove(at: number - 1) }
            expunges += 1
        case "FETCH":
            check(number, name)
            if number <= messages.count { fetched(number, line) }
        default: violations.append("unknown: \(line)")
        }
    }

    private mutating func check(_ number: Int, _ name: String) {
        if number < 1 || number > messages.count {
            violations.append("\(name) of \(number) in a mailbox of \(messages.count)")
        }
    }

    private mutating func fetched(_ number: Int, _ line: String) {
        if let start = line.firstRange(of: "UID ") {
            let uid = UInt32(line[start.upperBound...].prefix(while: \.isNumber))
            if let known = messages[number - 1].uid, known != uid {
                violations.append("message \(number) has the identifiers \(known) and \(uid ?? 0)")
            }
            messages[number - 1].uid = uid
        }
        if let start = line.firstRange(of: "MODSEQ (") {
            let value = UInt64(line[start.upperBound...].prefix(while: \.isNumber))
            if let known = messages[number - 1].modSequence, known > value ?? 0 {
                violations.append("the modification sequence of message \(number) fell from \(known): \(line)")
            }
            messages[number - 1].modSequence = value
        }
        if let start = line.firstRange(of: "FLAGS (") {
            let list = line[start.upperBound...].prefix { $0 != ")" }
            messages[number - 1].flags = Set(list.split(separator: " ").map(String.init))
            touched.insert(number)
        }
    }
}
