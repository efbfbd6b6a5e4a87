// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import NodeSupport

/// Reads a manager's sections.
struct ManagerReader {
    static let standardHost = "127.0.0.1"
    static let standardPort = 14242
    static let standardDatabase = "/var/lib/kuiper/mirror-manager"

    let report: ConfigReport
    var origins: [String: [ConfigPlace]] = [:]
    var reading: ServerReading { ServerReading(report: report) }

    init(report: ConfigReport) { self.report = report }

    /// Reads everything.
    ///
    /// - Returns: The settings; nil when an error that was reported leaves a hole.
    mutating func read(_ root: ConfigSection, mirrors: [ConfigValue]) -> ManagerSettings? {
        let debug = root.boolean("debug")
        note("debug", debug)
        let server = root.section("server")
        let files = root.section("files")
        let listen = readListen(server)
        let database = DatabaseReading(report: report).read(files)
        for (key, place) in database.places { origins["files." + key] = [place] }
        var settings = ManagerSettings(server: listen, database: database.database)
        if let files {
            settings.client = reading.client(files)
            if let dead = files.take("status_file") {
                files.tell(.warning, at: dead.place, "status_file has no effect (nor has it with tunasync); remove it")
            }
            files.finish(.warning)
        }
        if let server {
            readAccess(server, into: &settings)
            server.finish(.warning)
        }
        settings.tokens = reading.tokens(root)
        settings.webhooks = readWebhooks(root)
        settings.mirrorZ = readMirrorZ(root.section("mirrorz"))
        if let history = root.section("history") {
            let runs = history.integer("runs", in: 1...1_000_000)
            note("history.runs", runs)
            if let runs { settings.historyRuns = runs.value }
            history.finish(.warning)
        }
        settings.log = reading.log(root)
        if debug?.value == true, !root.has("log") { settings.log.level = .debug }
        root.finish(.warning)
        if let first = mirrors.first {
            report.add(.warning, at: first.place, "a manager has no [[mirrors]]; is this a worker's file?")
        }
        checkAccess(settings, server: server, root: root)
        return settings
    }

    mutating func note<Value>(_ name: String, _ found: Located<Value>?) {
        if let found { origins[name] = [found.place] }
    }

    private mutating func readListen(_ section: ConfigSection?) -> ListenSettings {
        guard let section else { return ListenSettings(host: Self.standardHost, port: Self.standardPort) }
        let host = section.text("addr")
        let port = section.integer("port", in: 0...65535)
        note("server.addr", host)
        note("server.port", port)
        for key in ["ssl_cert", "ssl_key", "client_ca"] { note("server." + key, section.text(key)) }
        let pair = reading.pair("ssl_cert", "ssl_key", in: section)
        let clients = reading.file("client_ca", in: section)
        if clients != nil, pair == nil {
            section.error(
                section.line, "has client_ca but no ssl_cert: certificates of clients are shown over TLS only")
        }
        if let host, host.value.contains(where: { $0.isWhitespace || $0 == "/" }) {
            section.tell(.error, at: host.place, "addr is \"\(Shown.short(host.value))\"; write an IP address")
        }
        let name = host.map { $0.value.isEmpty ? "0.0.0.0" : $0.value } ?? Self.standardHost
        return ListenSettings(
            host: name, port: port?.value ?? Self.standardPort, certificate: pair?.certificate, key: pair?.key,
            clientAuthorities: clients)
    }

    private mutating func readAccess(_ section: ConfigSection, into settings: inout ManagerSettings) {
        let legacy = section.boolean("allow_legacy")
        let open = section.boolean("open_reading")
        let workers = section.texts("allowed_workers")
        note("server.allow_legacy", legacy)
        note("server.open_reading", open)
        note("server.allowed_workers", workers)
        settings.allowsLegacy = legacy?.value ?? false
        settings.isReadingOpen = open?.value ?? true
        for text in workers?.value ?? [] {
            if let base = BaseURL.parse(text) {
                settings.allowedWorkerURLs.append(base)
            } else if let workers {
                section.tell(
                    .error, at: workers.place,
                    "allowed_workers holds \"\(Shown.short(text))\"; write http://HOST:PORT or https://HOST:PORT")
            }
        }
    }

    private func checkAccess(_ settings: ManagerSettings, server: ConfigSection?, root: ConfigSection) {
        guard settings.tokens.isEmpty, !settings.allowsLegacy else { return }
        report.add(
            .warning, at: server?.place ?? root.place,
            "workers and control clients are refused: there is no [[tokens]]; add some, or allow_legacy = true in "
                + "[server] for peers without tokens")
    }

    private mutating func readWebhooks(_ root: ConfigSection) -> [WebhookSettings] {
        let states = ["none", "failed", "success", "syncing", "pre-syncing", "paused", "disabled"]
        var found: [WebhookSettings] = []
        for section in root.tables("webhooks") {
            let url = section.requiredText("url")
            let secret = SecretFile(report: report).read("secret", in: section)
            let wanted = section.texts("states")
            section.finish(.warning)
            for state in wanted?.value ?? [] where !states.contains(state) {
                let meant = NearMiss.suggestion(for: state, among: states).map { "did you mean \"\($0)\"?" }
                section.tell(
                    .error, at: wanted?.place ?? section.place,
                    "states holds \"\(Shown.short(state))\"; "
                        + (meant ?? "there are \(states.joined(separator: ", "))"))
            }
            guard let url else { continue }
            guard WebAddress.isValid(url.value) else {
                section.tell(
                    .error, at: url.place, "url is \"\(Shown.short(url.value))\"; write http://... or https://...")
                continue
            }
            if secret == nil, !section.has("secret"), !section.has("secret_file") {
                section.warning(section.line, "has no secret_file, so the receiver cannot check who sends")
            }
            found.append(WebhookSettings(url: url.value, secret: secret?.value, states: wanted?.value ?? []))
        }
        return found
    }

    private func readMirrorZ(_ section: ConfigSection?) -> MirrorZSettings? {
        guard let section else { return nil }
        let url = section.requiredText("url")
        let abbreviation = section.requiredText("abbr")
        let name = section.requiredText("name")
        func optional(_ key: String) -> String? { section.text(key).flatMap { $0.value.isEmpty ? nil : $0.value } }
        var site = MirrorZSettings(
            url: url?.value ?? "", abbreviation: abbreviation?.value ?? "", name: name?.value ?? "")
        site.homepage = optional("homepage")
        site.issue = optional("issue")
        site.request = optional("request")
        site.email = optional("email")
        site.group = optional("group")
        site.disk = optional("disk")
        site.note = optional("note")
        site.big = optional("big")
        section.finish(.warning)
        return url == nil || abbreviation == nil || name == nil ? nil : site
    }
}

/// Addresses of web pages, with a path.
enum WebAddress {
    /// Whether a text is `http://HOST[:PORT][/PATH]` or the same with `https`.
    static func isValid(_ text: String) -> Bool {
        guard let scheme = text.firstRange(of: "://"),
            text.unicodeScalars.allSatisfy({ $0.value > 0x20 && $0.value != 0x7f })
        else { return false }
        let host = text[scheme.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        return BaseURL.parse(String(text[..<scheme.upperBound]) + String(host)) != nil
    }
}
