// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import NodeSupport

extension WorkerReader {
    /// What `[server]` says.
    struct Server {
        var listen: ListenSettings
        var hostname: String
        var advertisedURL: String?
        var allowsLegacy: Bool
        var place: ConfigPlace?
    }

    /// Reads `[manager]`.
    mutating func readManagers(_ section: ConfigSection?, root: ConfigSection) -> [ManagerAddress] {
        guard let section else {
            root.warning(root.line, "has no [manager], so nobody is told how mirrors are; add it with api_base")
            return []
        }
        let single = section.text("api_base")
        let list = section.texts("api_base_list")
        if let single, !single.value.isEmpty, let list, !list.value.isEmpty {
            section.tell(
                .warning, at: single.place, "api_base is not used, because api_base_list is there too; remove it")
        }
        let secret = SecretFile(report: report).read("token", in: section)
        let tls = reading.client(section)
        note("manager.token", secret)
        for key in ["ca_cert", "client_cert", "client_key"] { note("manager." + key, section.text(key)) }
        section.finish(.warning)
        let chosen: Located<[String]>?
        if let list, !list.value.isEmpty {
            chosen = list
        } else {
            chosen = single.map { $0.map { $0.isEmpty ? [] : [$0] } }
        }
        guard let chosen, !chosen.value.isEmpty else {
            section.warning(section.line, "has no api_base, so nobody is told how mirrors are")
            return []
        }
        note("manager.api_base_list", chosen)
        var managers: [ManagerAddress] = []
        for text in chosen.value {
            guard let base = BaseURL.parse(text) else {
                section.tell(
                    .error, at: chosen.place,
                    "\"\(Shown.short(text))\" is no address of a manager; write http://HOST:PORT or https://HOST:PORT")
                continue
            }
            if managers.contains(where: { $0.baseURL == base }) {
                section.tell(.warning, at: chosen.place, "\(base) is there twice; the second is not used")
                continue
            }
            managers.append(ManagerAddress(baseURL: base, token: secret?.value, tls: tls))
        }
        return managers
    }

    /// Reads `[server]`.
    mutating func readServer(_ section: ConfigSection?) -> Server {
        guard let section else {
            return Server(
                listen: ListenSettings(host: "0.0.0.0", port: Self.standardPort), hostname: HostName.own,
                allowsLegacy: false)
        }
        let hostname = section.text("hostname")
        let host = section.text("listen_addr")
        let port = section.integer("listen_port", in: 0...65535)
        let pair = reading.pair("ssl_cert", "ssl_key", in: section)
        let clients = reading.file("client_ca", in: section)
        let legacy = section.boolean("allow_legacy")
        let advertised = section.text("advertised_url")
        for (name, found) in [
            ("hostname", hostname), ("listen_addr", host), ("advertised_url", advertised),
            ("ssl_cert", section.text("ssl_cert")), ("ssl_key", section.text("ssl_key")),
            ("client_ca", section.text("client_ca")),
        ] { note("server." + name, found) }
        note("server.listen_port", port)
        note("server.allow_legacy", legacy)
        section.finish(.warning)
        if clients != nil, pair == nil {
            section.error(
                section.line, "has client_ca but no ssl_cert: certificates of clients are shown over TLS only")
        }
        if let host, !host.value.isEmpty, host.value.contains(where: { $0.isWhitespace || $0 == "/" }) {
            section.tell(.error, at: host.place, "listen_addr is \"\(Shown.short(host.value))\"; write an IP address")
        }
        var url = advertised?.value
        if let advertised, let base = BaseURL.parse(advertised.value) {
            url = base + "/"
        } else if let advertised {
            section.tell(
                .error, at: advertised.place,
                "advertised_url is \"\(Shown.short(advertised.value))\"; write http://HOST:PORT/ or https://HOST:PORT/")
        } else if let hostname, !hostname.value.isEmpty {
            let port = port?.value ?? Self.standardPort
            let name =
                hostname.value.contains(":") && !hostname.value.hasPrefix("[") ? "[\(hostname.value)]" : hostname.value
            if port != 0 { url = "\(pair == nil ? "http" : "https")://\(name):\(port)/" }
            if BaseURL.parse("http://\(name):1") == nil {
                section.tell(
                    .error, at: hostname.place, "hostname is \"\(Shown.short(hostname.value))\", which is no host")
            }
        } else {
            section.tell(
                .note, at: section.place,
                "has no hostname, so managers are told to reach the worker at \(HostName.own)")
        }
        let address = host?.value ?? ""
        return Server(
            listen: ListenSettings(
                host: address.isEmpty ? "0.0.0.0" : address, port: port?.value ?? Self.standardPort,
                certificate: pair?.certificate, key: pair?.key, clientAuthorities: clients),
            hostname: hostname?.value ?? HostName.own, advertisedURL: url, allowsLegacy: legacy?.value ?? false,
            place: section.place)
    }

    /// Tells when managers of tunasync could give no commands: ours show the token that the worker registers with.
    func checkAccess(tokens: [TokenSettings], server: Server, root: ConfigSection) {
        guard tokens.isEmpty, !server.allowsLegacy else { return }
        let place = server.place ?? root.place
        report.add(
            .note, at: place,
            "commands of tunasync's managers, which know no tokens, are refused; allow_legacy = true in [server] takes them"
        )
    }
}

/// Addresses of servers, without a path.
enum BaseURL {
    /// Reads `http://HOST[:PORT][/]`.
    ///
    /// - Parameter text: What was written.
    /// - Returns: The address without slashes at its end; nil when it is none.
    static func parse(_ text: String) -> String? {
        var rest = Substring(text)
        while rest.last == "/" { rest = rest.dropLast() }
        let base = String(rest)
        guard rest.lowercased().hasPrefix("http://") || rest.lowercased().hasPrefix("https://"),
            let scheme = rest.firstRange(of: "://")
        else { return nil }
        var host = rest[scheme.upperBound...]
        // A path is allowed: a proxy may serve a manager below one.
        host = host.prefix { $0 != "/" }
        guard !host.isEmpty, !base.contains(where: { $0.isWhitespace || $0 == "?" || $0 == "#" || $0 == "@" }),
            base.unicodeScalars.allSatisfy({ $0.value > 0x20 && $0.value != 0x7f })
        else { return nil }
        if host.last != "]", let colon = host.lastIndex(of: ":") {
            let port = host[host.index(after: colon)...]
            guard port.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(port),
                (1...65535).contains(number)
            else { return nil }
            host = host[..<colon]
        }
        if host.hasPrefix("[") {
            guard host.hasSuffix("]"), IPAddress.version6Bytes(String(host.dropFirst().dropLast())) != nil else {
                return nil
            }
        } else if !IPAddress.isName(String(host)), IPAddress.version4Bytes(String(host)) == nil {
            return nil
        }
        return base
    }
}

/// The machine's name.
enum HostName {
    static var own: String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "localhost" }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
