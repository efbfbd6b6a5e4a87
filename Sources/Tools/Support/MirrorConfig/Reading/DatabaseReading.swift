// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import NodeSupport

/// Reads where a manager keeps its records: `db_type` and `db_file` of `[files]`.
struct DatabaseReading {
    /// What was read, with the places of its keys.
    struct Found {
        var database: ManagerSettings.Database
        var places: [String: ConfigPlace]
    }

    /// The engines, tunasync's first.
    static let types = ["bolt", "badger", "leveldb", "redis", "lmdb", "postgresql", "memory"]

    let report: ConfigReport

    /// Reads the keys.
    ///
    /// - Parameter section: `[files]`; nil when it is not there.
    /// - Returns: What is to be used; what is wrong is reported.
    func read(_ section: ConfigSection?) -> Found {
        let standard = ManagerSettings.Database.lmdb(path: ManagerReader.standardDatabase)
        guard let section else { return Found(database: standard, places: [:]) }
        let type = section.text("db_type")
        let file = section.text("db_file")
        let password = SecretFile(report: report).read("db_password", in: section)
        var places: [String: ConfigPlace] = [:]
        if let type { places["db_type"] = type.place }
        if let file { places["db_file"] = file.place }
        if let password { places["db_password"] = password.place }
        let database = read(type, file: file, password: password, section: section) ?? standard
        if let password {
            switch database {
            case .lmdb, .memory:
                section.tell(.warning, at: password.place, "db_password has no effect with this db_type")
            case .postgresql, .redis: break
            }
        }
        return Found(database: database, places: places)
    }

    private func read(
        _ type: Located<String>?, file: Located<String>?, password: Located<Secret>?, section: ConfigSection
    ) -> ManagerSettings.Database? {
        let kind = type?.value ?? ""
        switch kind {
        case "", "bolt", "badger", "leveldb": return substitute(kind, type, file: file, section: section)
        case "lmdb":
            guard let file, !file.value.isEmpty else { return nil }
            return .lmdb(path: ConfigPaths(file: file.file).resolve(file.value))
        case "memory": return .memory
        case "redis":
            guard let file = needed(file, for: kind, "redis://HOST:PORT/NUMBER", section) else { return nil }
            let (url, own) = ConnectionText.withoutPassword(file.value)
            guard url.hasPrefix("redis://") || url.hasPrefix("rediss://") else {
                section.tell(.error, at: file.place, "db_file must be redis://HOST:PORT/NUMBER for db_type \"redis\"")
                return nil
            }
            return .redis(url: url, password: chosen(own, password, file, section))
        case "postgresql":
            guard let file = needed(file, for: kind, "postgresql://USER@HOST/DATABASE", section) else { return nil }
            let (text, own) = ConnectionText.withoutPassword(file.value)
            return .postgresql(text, password: chosen(own, password, file, section))
        default:
            guard let type else { return nil }
            let meant = NearMiss.suggestion(for: kind, among: Self.types).map { "did you mean \"\($0)\"?" }
            section.tell(
                .error, at: type.place,
                "db_type is \"\(Shown.short(kind))\"; " + (meant ?? "there are \(Self.types.joined(separator: ", "))"))
            return nil
        }
    }

    /// tunasync's own engines: LMDB stands in for them, beside their file.
    private func substitute(
        _ kind: String, _ type: Located<String>?, file: Located<String>?, section: ConfigSection
    ) -> ManagerSettings.Database? {
        if let file, !file.value.isEmpty {
            let path = ConfigPaths(file: file.file).resolve(file.value) + ".lmdb"
            section.tell(
                .note, at: file.place,
                "records are kept in LMDB at \(path); what tunasync wrote to \(file.value) is not touched")
            return .lmdb(path: path)
        }
        if let type, !kind.isEmpty {
            section.tell(
                .note, at: type.place,
                "records are kept in LMDB at \(ManagerReader.standardDatabase) instead of \(kind)")
        }
        return nil
    }

    private func needed(
        _ file: Located<String>?, for kind: String, _ form: String, _ section: ConfigSection
    ) -> Located<String>? {
        if let file, !file.value.isEmpty { return file }
        section.tell(.error, at: file?.place ?? section.place, "needs db_file for db_type \"\(kind)\"; write \(form)")
        return nil
    }

    private func chosen(
        _ own: Secret?, _ separate: Located<Secret>?, _ file: Located<String>, _ section: ConfigSection
    ) -> Secret? {
        if own != nil, let separate {
            section.tell(.error, at: separate.place, "db_file holds a password already; keep one of them")
        } else if own != nil, FilePermissions.isOpenToEverybody(file.file) {
            section.tell(
                .warning, at: file.place,
                "db_file holds a password and everybody on this machine may use the file: chmod o= \(file.file), or use "
                    + "db_password_file")
        }
        return own ?? separate?.value
    }
}

/// Connection strings of databases.
enum ConnectionText {
    /// Takes the password out of `scheme://user:password@host/...` or of `key=value` pairs.
    ///
    /// - Parameter text: The connection string.
    /// - Returns: The rest, and the password when there is one.
    static func withoutPassword(_ text: String) -> (text: String, password: Secret?) {
        guard let scheme = text.firstRange(of: "://") else { return pairs(text) }
        let rest = text[scheme.upperBound...]
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        guard let at = authority.lastIndex(of: "@"),
            let colon = authority[..<at].firstIndex(of: ":")
        else { return (text, nil) }
        let password = percentDecoded(authority[authority.index(after: colon)..<at])
        var user = String(authority[..<colon])
        if !user.isEmpty { user += "@" }
        let result = text[..<scheme.upperBound] + user + text[text.index(after: at)...]
        return (String(result), password.isEmpty ? nil : Secret(password))
    }

    private static func pairs(_ text: String) -> (text: String, password: Secret?) {
        guard let words = CommandWords.split(text) else { return (text, nil) }
        var password: Secret?
        var kept: [String] = []
        for word in words {
            if word.hasPrefix("password=") {
                password = Secret(String(word.dropFirst("password=".count)))
            } else {
                let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                let value = parts.count == 2 ? String(parts[1]) : ""
                let needsQuotes = value.isEmpty || value.contains { $0.isWhitespace || $0 == "'" || $0 == "\\" }
                let quoted = value.map { $0 == "'" || $0 == "\\" ? "\\\($0)" : String($0) }.joined()
                kept.append(parts.count == 2 && needsQuotes ? "\(parts[0])='\(quoted)'" : word)
            }
        }
        return password == nil ? (text, nil) : (kept.joined(separator: " "), password)
    }

    private static func percentDecoded(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), let code = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) {
                bytes.append(code)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
