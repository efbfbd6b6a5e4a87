// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import NodeSupport
internal import SyncJobs

/// What a mirror is: its name, provider, upstream and command.
extension MirrorReader {
    mutating func readName() -> JobName? {
        guard let found = section.requiredText("name") else { return nil }
        note("name", found)
        guard let name = JobName(found.value) else {
            section.tell(
                .error, at: found.place,
                "name is \"\(Shown.short(found.value))\" and cannot be: it is the name of a folder too, so it has 1 to 255 "
                    + "bytes, no / and no control character, does not begin with - and is neither . nor ..")
            return nil
        }
        label = name.text
        return name
    }

    mutating func readProvider() -> MirrorSettings.Provider {
        guard section.has("provider") else { return .rsync }
        let found = section.text("provider")
        note("provider", found)
        // tunasync's zero value is written as an empty text too.
        if found?.value.isEmpty == true { return .rsync }
        return ServerReading(report: report).choice("provider", in: section) ?? .rsync
    }

    mutating func readUpstream(_ provider: MirrorSettings.Provider) -> String {
        let found = text("upstream")
        let upstream = found?.value ?? ""
        let place = found?.place ?? leaf.table.place
        if upstream.isEmpty {
            if provider == .command {
                tell(.warning, at: place, "has no upstream, so lists cannot say where its content comes from")
            } else {
                tell(.error, at: place, "needs upstream, such as rsync://HOST/MODULE/")
            }
        } else if provider != .command, !upstream.hasSuffix("/") {
            tell(
                .error, at: place,
                "upstream must end in / for \(provider.rawValue), else rsync makes a folder in the mirror's; write "
                    + "\"\(Shown.short(upstream))/\"")
        } else if provider != .command, upstream.hasPrefix("-") {
            tell(.error, at: place, "upstream begins with -, which rsync takes for an option")
        }
        if let scheme = upstream.firstRange(of: "://") {
            let host = upstream[scheme.upperBound...].prefix { $0 != "/" }
            if let at = host.lastIndex(of: "@"), host[..<at].contains(":") {
                tell(
                    .warning, at: place,
                    "upstream holds a password, and lists of mirrors show it to everybody; use username and password_file, "
                        + "or a variable of env")
            }
        }
        return upstream
    }

    mutating func readCommand(_ provider: MirrorSettings.Provider) -> String {
        let found = text("command")
        let command = found?.value ?? ""
        let place = found?.place ?? leaf.table.place
        if provider == .command, command.allSatisfy(\.isWhitespace) {
            tell(.error, at: place, "needs command, because its provider is command")
        }
        if provider == .command, let problem = CommandWords.problem(of: command) {
            tell(.error, at: place, "command: \(problem)")
        }
        return command
    }

    mutating func readEnvironment() -> [String: String] {
        guard let table = section.section("env") else { return [:] }
        var environment: [String: String] = [:]
        for key in table.keys {
            guard let value = table.text(key) else { continue }
            guard !key.isEmpty, !key.contains("="), !key.contains("\0"), !value.value.contains("\0") else {
                table.tell(
                    .error, at: value.place,
                    "\"\(Shown.short(key))\" cannot be a variable: it is empty or holds = or NUL")
                continue
            }
            environment[key] = value.value
            note("env." + key, value)
        }
        return environment
    }

    mutating func readRole() -> Bool {
        guard let found = text("role") else { return true }
        switch found.value {
        case "slave": return false
        case "", "master": return true
        default:
            tell(
                .warning, at: found.place,
                "role is \"\(Shown.short(found.value))\", which counts as \"master\"; write "
                    + "\"master\" or \"slave\"")
            return true
        }
    }

    mutating func readPatterns(_ provider: MirrorSettings.Provider) -> (fail: String?, size: String?) {
        let fail = pattern("fail_on_match")
        let size = pattern("size_pattern")
        if let size, size.value.groupCount == 0 {
            tell(
                .error, at: size.place,
                "size_pattern has no group, so it is not known which part is the size; put ( ) around it")
        }
        if provider != .command {
            for key in ["fail_on_match", "size_pattern"] where leaf.own.contains(key) { unused(key, provider) }
        }
        return (fail?.value.text, size?.value.text)
    }

    private mutating func pattern(_ key: String) -> Located<LogPattern>? {
        guard let found = text(key), !found.value.isEmpty else { return nil }
        do {
            return Located(try LogPattern(found.value), at: found.place)
        } catch {
            tell(.error, at: found.place, "\(key) is no regular expression: \(Shown.short(error.message))")
            return nil
        }
    }

    /// Tells of a key that the mirror's provider does not look at.
    func unused(_ key: String, _ provider: MirrorSettings.Provider) {
        guard let value = section.take(key) else { return }
        tell(.warning, at: value.place, "\(key) has no effect with provider \"\(provider.rawValue)\"; remove it")
    }
}
