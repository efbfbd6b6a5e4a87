// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import NodeSupport

extension ConfigReader {
    /// Reads a `[Distributor]` or `[Distributors.<key>]`.
    func distributor(_ section: ConfigSection, key: String?) -> DraftDistributor {
        defer { section.finish() }
        let mail = addresses(section, public: "PublicMailAddr", listen: "ListenMailAddr", isRequired: true)
        var limits = DistributorLimits()
        set(&limits.maximumConnections, section.integer("MaximumConnections", in: 1...1_000_000))
        set(
            &limits.maximumConnectionsPerAddress,
            section.integer("MaximumConnectionsPerAddress", in: 1...1_000_000))
        set(&limits.healthIntervalMilliseconds, section.integer("HealthIntervalMilliseconds", in: 20...10_000))
        set(&limits.connectTimeoutMilliseconds, section.integer("ConnectTimeoutMilliseconds", in: 20...60_000))
        let proxySources = proxySources(section)
        return DraftDistributor(
            section: section, key: key, name: name(section), region: region(section), mailPublic: mail.public,
            mailListen: mail.listen, startTLSListen: section.address("StartTLSAddr", for: .listening),
            metrics: section.address("PrometheusAddr", for: .listening),
            expectsProxyProtocol: !proxySources.isEmpty, proxySources: proxySources,
            publicCertificate: path(section.requiredText("PublicCertLoc")),
            publicKey: path(section.requiredText("PublicKeyLoc")),
            certificate: path(section.requiredText("InternalCertLoc")),
            privateKey: path(section.requiredText("InternalKeyLoc")), authentication: authentication(section),
            failoverRegions: section.texts("FailoverRegions"), limits: limits)
    }

    /// Whose PROXY headers are believed: nobody's unless `ProxyProtocol` is true.
    private func proxySources(_ section: ConfigSection) -> [String] {
        let isOn = section.boolean("ProxyProtocol")
        let isGiven = section.has("ProxySources")
        let sources = section.networks("ProxySources")
        if let sources, isOn?.value != true {
            section.error(sources.line, "ProxySources is given, but ProxyProtocol is not true")
        }
        guard let isOn, isOn.value else { return [] }
        if let sources, sources.value.isEmpty {
            section.error(sources.line, "ProxySources is empty; name the balancers, or leave ProxyProtocol out")
        }
        if isGiven { return sources?.value ?? [] }
        section.warning(
            isOn.line,
            "ProxyProtocol is true without ProxySources: whoever connects can claim any address; name the "
                + "balancers, such as ProxySources = [\"10.0.0.0/8\"]")
        return ["0.0.0.0/0", "::/0"]
    }

    private func authentication(_ section: ConfigSection) -> AuthenticationSettings? {
        let adapter = section.text("AuthAdapter")
        let file = section.section("AuthFile")
        let postgres = section.section("AuthPostgres")
        // Both are read, so that each one's keys are judged even when the other one is in use.
        let fileSettings = file.flatMap(fileAuthentication)
        let postgresSettings = postgres.flatMap(postgresAuthentication)
        switch kind(section, adapter: adapter, hasFile: file != nil, hasPostgres: postgres != nil) {
        case "AuthPostgres":
            if postgres == nil { section.missing("[Distributor.AuthPostgres], because AuthAdapter asks for it") }
            return postgresSettings.map { .postgres($0) }
        case "AuthFile":
            if file == nil { section.missing("[Distributor.AuthFile], because AuthAdapter asks for it") }
            return fileSettings.map { .file($0) }
        default: return nil
        }
    }

    /// Which adapter is meant; nil when that is an error.
    private func kind(
        _ section: ConfigSection, adapter: Located<String>?, hasFile: Bool, hasPostgres: Bool
    ) -> String? {
        guard let adapter else {
            if section.has("AuthAdapter") { return nil }
            if hasFile != hasPostgres { return hasFile ? "AuthFile" : "AuthPostgres" }
            section.missing("AuthAdapter: \"AuthFile\" or \"AuthPostgres\"")
            return nil
        }
        // Earlier releases of the original wrote the second one.
        if adapter.value == "AuthPostgres" || adapter.value == "AuthPostgreSQL" { return "AuthPostgres" }
        if adapter.value == "AuthFile" { return "AuthFile" }
        if let meant = NearMiss.suggestion(for: adapter.value, among: ["AuthPostgres", "AuthFile"]) {
            section.error(adapter.line, "AuthAdapter \"\(adapter.value)\" is unknown; did you mean \(meant)?")
            return nil
        }
        section.warning(
            adapter.line,
            "AuthAdapter \"\(adapter.value)\" is unknown and taken for AuthFile, as the original did; "
                + "write AuthFile or AuthPostgres")
        return "AuthFile"
    }

    private func fileAuthentication(_ section: ConfigSection) -> FileAuthenticationSettings? {
        defer { section.finish() }
        let file = path(section.requiredText("File"))
        let separator = section.text("Separator")
        if let separator, !(1...16).contains(separator.value.utf8.count) || separator.value.contains(where: \.isNewline)
        {
            section.error(separator.line, "Separator must be 1 to 16 bytes on one line")
            return nil
        }
        guard let file else { return nil }
        return FileAuthenticationSettings(path: file.value, separator: separator?.value ?? ";")
    }

    private func postgresAuthentication(_ section: ConfigSection) -> PostgresAuthenticationSettings? {
        defer { section.finish() }
        let host = section.requiredText("IP")
        let port = section.integer("Port", in: 1...65_535)
        let database = section.requiredText("Database")
        let user = section.requiredText("User")
        let password = section.text("Password")
        let passwordFile = path(section.text("PasswordFile"))
        let usesTLS = section.boolean("UseTLS")
        let root = path(section.text("RootCertLoc"))
        let pool = section.integer("PoolSize", in: 1...256)
        let connect = section.integer("ConnectTimeoutMilliseconds", in: 100...60_000)
        let lookup = section.integer("LookupTimeoutMilliseconds", in: 100...60_000)
        if let password, let passwordFile, !password.value.isEmpty {
            section.error(
                max(password.line, passwordFile.line),
                "has Password and PasswordFile; keep one, better PasswordFile, which keeps the secret out of this file")
        }
        if let root, usesTLS?.value != true {
            section.error(
                root.line, "RootCertLoc is given, but UseTLS is not true; the certificate would not be asked for")
        }
        guard let host, let database, let user else { return nil }
        return PostgresAuthenticationSettings(
            host: host.value, port: port.flatMap { UInt16(exactly: $0.value) } ?? 5_432, database: database.value,
            user: user.value, password: password.flatMap { $0.value.isEmpty ? nil : Redacted($0.value) },
            passwordFile: passwordFile?.value, usesTLS: usesTLS?.value ?? false, rootPath: root?.value,
            poolSize: pool?.value ?? 4, connectTimeoutMilliseconds: connect?.value ?? 2_000,
            lookupTimeoutMilliseconds: lookup?.value ?? 3_000)
    }
}
