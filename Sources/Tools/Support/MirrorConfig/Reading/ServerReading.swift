// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import NodeSupport

/// Reads what workers and managers have in common: tokens, logging, certificates, addresses.
struct ServerReading {
    let report: ConfigReport

    /// Reads `[[tokens]]`.
    func tokens(_ root: ConfigSection) -> [TokenSettings] {
        var found: [TokenSettings] = []
        var names: [String: ConfigPlace] = [:]
        for section in root.tables("tokens") {
            let name = section.requiredText("name")
            let secret = SecretFile(report: report).read("token", in: section)
            if secret == nil, !section.has("token"), !section.has("token_file") {
                section.error(section.line, "needs token_file (or token)")
            }
            let role: TokenSettings.Role? = choice("role", in: section)
            if role == nil, !section.has("role") { section.missing("role") }
            let scope = section.texts("scope")?.value ?? []
            section.finish(.warning)
            if let name, let earlier = names.updateValue(name.place, forKey: name.value) {
                section.tell(.error, at: name.place, "name is taken already at \(earlier); give each token its own")
            }
            guard let name, let secret, let role else { continue }
            if secret.value.value.utf8.count < 16 {
                section.tell(
                    .warning, at: secret.place,
                    "token is short enough to be guessed; make one with: openssl rand -hex 32")
            }
            found.append(TokenSettings(name: name.value, secret: secret.value, role: role, scope: scope))
        }
        return found
    }

    /// Reads `[log]`.
    func log(_ root: ConfigSection) -> MirrorLogSettings {
        var log = MirrorLogSettings()
        guard let section = root.section("log") else { return log }
        if let format: MirrorLogSettings.Format = choice("format", in: section) { log.format = format }
        if let level: MirrorLogSettings.Level = choice("level", in: section) { log.level = level }
        section.finish(.warning)
        return log
    }

    /// Reads one of the words of an enumeration.
    func choice<Choice: RawRepresentable & CaseIterable>(
        _ key: String, in section: ConfigSection
    ) -> Choice? where Choice.RawValue == String {
        guard let found = section.text(key) else { return nil }
        if let choice = Choice(rawValue: found.value) { return choice }
        let words = Choice.allCases.map(\.rawValue)
        let meant = NearMiss.suggestion(for: found.value, among: words).map { "did you mean \"\($0)\"?" }
        section.tell(
            .error, at: found.place,
            "\(key) is \"\(Shown.short(found.value))\"; "
                + (meant ?? "it may be \(words.map { "\"\($0)\"" }.joined(separator: ", "))"))
        return nil
    }

    /// Reads a certificate and its key, which are there together or not at all.
    func pair(_ certificate: String, _ key: String, in section: ConfigSection) -> (certificate: String, key: String)? {
        let first = file(certificate, in: section)
        let second = file(key, in: section)
        switch (first, second) {
        case (let first?, let second?): return (first, second)
        case (nil, nil): return nil
        case (_?, nil): section.error(section.line, "has \(certificate) but no \(key); both are needed for TLS")
        case (nil, _?): section.error(section.line, "has \(key) but no \(certificate); both are needed for TLS")
        }
        return nil
    }

    /// Reads the path of a file, which is looked at: a warning when it cannot be read.
    func file(_ key: String, in section: ConfigSection) -> String? {
        guard let found = section.text(key), !found.value.isEmpty else { return nil }
        let path = ConfigPaths(file: found.file).resolve(found.value)
        if let reason = FileLook.unreadable(path) {
            section.tell(.warning, at: found.place, "\(key): \(reason)")
        }
        return path
    }

    /// Reads whom a client trusts and who it is: `ca_cert`, `client_cert`, `client_key`.
    func client(_ section: ConfigSection) -> ClientTLSSettings {
        let own = pair("client_cert", "client_key", in: section)
        return ClientTLSSettings(
            authorities: file("ca_cert", in: section), certificate: own?.certificate, key: own?.key)
    }
}

/// Texts from outside, for messages.
enum Shown {
    /// At most 400 letters on one line, without control characters.
    static func line(_ text: String) -> String {
        text.unicodeScalars.prefix(400).map { $0.value < 0x20 || $0.value == 0x7f ? " " : String($0) }.joined()
    }

    /// At most 80 letters, without control characters.
    static func short(_ text: String) -> String {
        text.unicodeScalars.prefix(80).map { $0.escaped(asASCII: false) }.joined()
    }
}
