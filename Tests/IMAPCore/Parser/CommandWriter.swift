// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import IMAPCore
import TestSupport

/// Writes commands as a client would, with every freedom that the grammar leaves taken at random.
enum CommandWriter {
    static func bytes(of command: Command, using generator: inout SeededGenerator) -> [UInt8] {
        var writer = Writer(generator: generator)
        writer.output = command.tag.bytes + [UInt8(ascii: " ")]
        writer.body(command.body)
        generator = writer.generator
        return writer.output
    }

    private struct Writer {
        var output: [UInt8] = []
        var generator: SeededGenerator

        mutating func text(_ text: String) { output += Array(text.utf8) }

        /// A keyword of the protocol in any case.
        mutating func word(_ word: String) {
            for byte in word.utf8 {
                let isLetter = (0x41...0x5A).contains(byte & 0xDF)
                output.append(isLetter && Bool.random(using: &generator) ? byte ^ 0x20 : byte)
            }
        }

        mutating func string(_ bytes: [UInt8], isAtom: (UInt8) -> Bool) {
            let canBeAtom = !bytes.isEmpty && bytes.allSatisfy(isAtom)
            switch Int.random(in: 0..<3, using: &generator) {
            case 0 where canBeAtom: output += bytes
            case 0, 1:
                output.append(UInt8(ascii: "\""))
                for byte in bytes {
                    if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { output.append(UInt8(ascii: "\\")) }
                    output.append(byte)
                }
                output.append(UInt8(ascii: "\""))
            default:
                text("{\(bytes.count)\(Bool.random(using: &generator) ? "+" : "")}\r\n")
                output += bytes
            }
        }

        mutating func astring(_ bytes: [UInt8]) {
            string(bytes) { (0x21...0x7E).contains($0) && !Array("(){%*\"\\".utf8).contains($0) }
        }

        mutating func mailbox(_ name: MailboxName) { astring(name.modifiedUTF7) }

        mutating func pattern(_ pattern: ListPattern) {
            string(ModifiedUTF7.encode(pattern.value)) {
                (0x21...0x7E).contains($0) && !Array("(){\"\\".utf8).contains($0)
            }
        }

        mutating func list<Element>(_ elements: [Element], _ write: (inout Writer, Element) -> Void) {
            text("(")
            for (index, element) in elements.enumerated() {
                if index > 0 { text(" ") }
                write(&self, element)
            }
            text(")")
        }

        mutating func set(_ set: MessageSet) {
            switch set {
            case .sequence(let set): text(set.description)
            case .uid(let set): text(set.description)
            }
        }

        mutating func named(_ name: String, _ set: MessageSet) {
            word(set.isUID ? "UID \(name) " : "\(name) ")
            self.set(set)
            text(" ")
        }

        mutating func body(_ body: CommandBody) {
            switch body {
            case .capability: word("CAPABILITY")
            case .noop: word("NOOP")
            case .logout: word("LOGOUT")
            case .starttls: word("STARTTLS")
            case .namespace: word("NAMESPACE")
            case .idle: word("IDLE")
            case .check: word("CHECK")
            case .close: word("CLOSE")
            case .unselect: word("UNSELECT")
            case .expunge: word("EXPUNGE")
            case .login(let user, let password):
                word("LOGIN ")
                astring(user)
                text(" ")
                astring(password.bytes)
            case .authenticate(let mechanism, let response):
                word("AUTHENTICATE \(mechanism)")
                if let response {
                    text(" ")
                    output += response.bytes.isEmpty ? Array("=".utf8) : Base64.encode(response.bytes)
                }
            case .enable(let names): word("ENABLE " + names.joined(separator: " "))
            case .id(nil): word("ID NIL")
            case .id(let fields?):
                word("ID ")
                list(fields) { writer, field in
                    writer.string(field.name) { _ in false }
                    writer.text(" ")
                    if let value = field.value { writer.string(value) { _ in false } } else { writer.word("NIL") }
                }
            default: mailboxCommand(body)
            }
        }

        mutating func mailboxCommand(_ body: CommandBody) {
            switch body {
            case .select(let name, let parameters):
                one("SELECT ", name)
                self.parameters(parameters)
            case .examine(let name, let parameters):
                one("EXAMINE ", name)
                self.parameters(parameters)
            case .create(let name, let uses):
                one("CREATE ", name)
                guard !uses.isEmpty else { return }
                word(" (USE ")
                list(uses) { $0.word($1.rawValue) }
                text(")")
            case .delete(let name): one("DELETE ", name)
            case .rename(let from, let to):
                one("RENAME ", from)
                text(" ")
                mailbox(to)
            case .subscribe(let name): one("SUBSCRIBE ", name)
            case .unsubscribe(let name): one("UNSUBSCRIBE ", name)
            case .list(let command):
                word("LIST ")
                astring(ModifiedUTF7.encode(command.reference.value))
                text(" ")
                pattern(command.patterns[0])
            case .lsub(let reference, let pattern):
                word("LSUB ")
                astring(ModifiedUTF7.encode(reference.value))
                text(" ")
                self.pattern(pattern)
            case .status(let name, let items):
                one("STATUS ", name)
                text(" ")
                list(items) { $0.word($1.rawValue) }
            case .append(let append):
                one("APPEND ", append.mailbox)
                text(" ")
                if !append.flags.isEmpty || Bool.random(using: &generator) {
                    list(append.flags) { $0.text($1.wireName) }
                    text(" ")
                }
                if let date = append.date { text("\"\(date)\" ") }
                text("{\(append.literalBytes)\(append.literalKind == .synchronizing ? "" : "+")}")
            default: messageCommand(body)
            }
        }

        mutating func parameters(_ parameters: [SelectParameter]) {
            guard !parameters.isEmpty else { return }
            text(" ")
            list(parameters) { writer, parameter in
                switch parameter {
                case .condstore: writer.word("CONDSTORE")
                }
            }
        }

        mutating func one(_ name: String, _ mailbox: MailboxName) {
            word(name)
            self.mailbox(mailbox)
        }

        mutating func messageCommand(_ body: CommandBody) {
            switch body {
            case .uidExpunge(let set):
                word("UID EXPUNGE ")
                text(set.description)
            case .copy(let set, let name):
                named("COPY", set)
                mailbox(name)
            case .move(let set, let name):
                named("MOVE", set)
                mailbox(name)
            case .store(let set, let change):
                named("STORE", set)
                if let since = change.unchangedSince {
                    text("(")
                    word("UNCHANGEDSINCE")
                    text(" \(since)) ")
                }
                text(change.mode == .replace ? "" : change.mode == .add ? "+" : "-")
                word(change.isSilent ? "FLAGS.SILENT " : "FLAGS ")
                if !change.flags.isEmpty, Bool.random(using: &generator) {
                    text(change.flags.map(\.wireName).joined(separator: " "))
                } else {
                    list(change.flags) { $0.text($1.wireName) }
                }
            case .fetch(let set, let items, let changedSince):
                named("FETCH", set)
                list(items) { $0.item($1) }
                if let changedSince {
                    text(" (")
                    word("CHANGEDSINCE")
                    text(" \(changedSince))")
                }
            case .search(let search): self.search(search)
            default: break
            }
        }

        mutating func item(_ item: FetchItem) {
            switch item {
            case .flags: word("FLAGS")
            case .uid: word("UID")
            case .internalDate: word("INTERNALDATE")
            case .envelope: word("ENVELOPE")
            case .body: word("BODY")
            case .bodyStructure: word("BODYSTRUCTURE")
            case .rfc822Size: word("RFC822.SIZE")
            case .modSequence: word("MODSEQ")
            case .rfc822: word("RFC822")
            case .rfc822Header: word("RFC822.HEADER")
            case .rfc822Text: word("RFC822.TEXT")
            case .bodySection(let section, let peek, let partial):
                word(peek ? "BODY.PEEK[" : "BODY[")
                text(section.path.map(String.init).joined(separator: "."))
                if section.kind != .all, !section.path.isEmpty { text(".") }
                switch section.kind {
                case .all: break
                case .header: word("HEADER")
                case .text: word("TEXT")
                case .mime: word("MIME")
                case .headerFields(let names):
                    word("HEADER.FIELDS ")
                    list(names) { $0.astring($1) }
                case .headerFieldsNot(let names):
                    word("HEADER.FIELDS.NOT ")
                    list(names) { $0.astring($1) }
                }
                text("]")
                if let partial { text("<\(partial.offset).\(partial.maximumBytes)>") }
            }
        }

        mutating func search(_ search: SearchCommand) {
            word(search.isUID ? "UID SEARCH " : "SEARCH ")
            if let options = search.returnOptions {
                word("RETURN ")
                list(options.sorted { $0.rawValue < $1.rawValue }) { $0.word($1.rawValue) }
                text(" ")
            }
            if let charset = search.charset {
                word("CHARSET ")
                astring(Array(charset.rawValue.utf8))
                text(" ")
            }
            key(search.key)
        }

        mutating func key(_ key: SearchKey) {
            switch key {
            case .all: word("ALL")
            case .sequence(let set): text(set.description)
            case .uid(let set): text("UID \(set)")
            case .flag(.keyword(let keyword)): text("KEYWORD \(keyword)")
            case .notFlag(.keyword(let keyword)): text("UNKEYWORD \(keyword)")
            case .flag(let flag): word(String(flag.wireName.dropFirst()))
            case .notFlag(.recent): word("OLD")
            case .notFlag(let flag): word("UN" + String(flag.wireName.dropFirst()))
            case .new: word("NEW")
            case .before(let date): text("BEFORE \(date)")
            case .on(let date): text("ON \"\(date)\"")
            case .since(let date): text("SINCE \(date)")
            case .sentBefore(let date): text("SENTBEFORE \(date)")
            case .sentOn(let date): text("SENTON \(date)")
            case .sentSince(let date): text("SENTSINCE \"\(date)\"")
            case .larger(let number): text("LARGER \(number)")
            case .smaller(let number): text("SMALLER \(number)")
            case .modSequence(let value):
                word("MODSEQ ")
                if Bool.random(using: &generator) {
                    text(#""/flags/\\Seen" "#)
                    word("all ")
                }
                text("\(value)")
            case .bcc(let value): string("BCC", value)
            case .cc(let value): string("CC", value)
            case .from(let value): string("FROM", value)
            case .subject(let value): string("SUBJECT", value)
            case .to(let value): string("TO", value)
            case .body(let value): string("BODY", value)
            case .text(let value): string("TEXT", value)
            case .header(let field, let value):
                string("HEADER", field)
                text(" ")
                astring(value)
            case .not(let key):
                word("NOT ")
                self.key(key)
            case .or(let first, let second):
                word("OR ")
                self.key(first)
                text(" ")
                self.key(second)
            case .and(let keys): list(keys) { $0.key($1) }
            }
        }

        mutating func string(_ name: String, _ value: [UInt8]) {
            word(name + " ")
            astring(value)
        }
    }
}
