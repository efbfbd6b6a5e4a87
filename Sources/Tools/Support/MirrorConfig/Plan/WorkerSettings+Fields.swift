// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

extension WorkerSettings {
    /// All settings of the worker itself by the names that they have in configuration files, without its mirrors.
    package var fields: [SettingField] {
        [
            SettingField("name", name), SettingField("concurrent", concurrent),
            SettingField("state_dir", stateDirectory), SettingField("log.format", log.format.rawValue),
            SettingField("log.level", log.level.rawValue),
        ]
            + upstreamLimits.sorted { $0.key < $1.key }.map { SettingField("limits.upstream." + $0.key, $0.value) }
            + (upstreamDefault.map { [SettingField("limits.upstream_default", $0)] } ?? [])
            + managerFields + serverFields
            + tokens.flatMap { token in
                [
                    SettingField("tokens.\(token.name).token", .secret(token.secret)),
                    SettingField("tokens.\(token.name).role", token.role.rawValue),
                    SettingField("tokens.\(token.name).scope", token.scope),
                ]
            }
    }

    private var managerFields: [SettingField] {
        var fields = [SettingField("manager.api_base_list", managers.map(\.baseURL))]
        guard let first = managers.first else { return fields }
        if let token = first.token { fields.append(SettingField("manager.token", .secret(token))) }
        if let file = first.tls.authorities { fields.append(SettingField("manager.ca_cert", file)) }
        if let file = first.tls.certificate { fields.append(SettingField("manager.client_cert", file)) }
        if let file = first.tls.key { fields.append(SettingField("manager.client_key", file)) }
        return fields
    }

    private var serverFields: [SettingField] {
        var fields = [
            SettingField("server.listen_addr", server.host), SettingField("server.listen_port", server.port),
            SettingField("server.hostname", hostname), SettingField("server.allow_legacy", allowsLegacy),
        ]
        if let advertisedURL { fields.append(SettingField("server.advertised_url", advertisedURL)) }
        if let file = server.certificate { fields.append(SettingField("server.ssl_cert", file)) }
        if let file = server.key { fields.append(SettingField("server.ssl_key", file)) }
        if let file = server.clientAuthorities { fields.append(SettingField("server.client_ca", file)) }
        return fields
    }

    /// Whether a change of a setting needs a restart of the worker; the others take effect with a reload.
    ///
    /// - Parameter key: The setting, as ``SettingField/key`` has it.
    /// - Returns: Whether it does.
    static func needsRestart(_ key: String) -> Bool {
        let live = ["concurrent", "log.level", "server.allow_legacy"]
        return !live.contains(key) && !key.hasPrefix("limits.") && !key.hasPrefix("tokens.")
    }
}

extension WorkerConfiguration {
    /// What the worker itself has and where it comes from.
    package var effectiveSettings: [EffectiveSetting] {
        settings.fields.map { EffectiveSetting(key: $0.key, value: $0.value, places: origins[$0.key] ?? []) }
    }

    /// What a mirror has and where it comes from.
    ///
    /// - Parameter mirror: The mirror.
    /// - Returns: Its settings in the order of their groups.
    package func effectiveSettings(of mirror: MirrorSettings) -> [EffectiveSetting] {
        let places = mirrorOrigins[mirror.name] ?? [:]
        return mirror.fields.map { EffectiveSetting(key: $0.key, value: $0.value, places: places[$0.key] ?? []) }
    }
}
