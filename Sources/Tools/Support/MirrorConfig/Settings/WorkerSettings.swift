// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// A worker as its configuration describes it.
package struct WorkerSettings: Hashable, Sendable {
    package var name: String
    /// Slots for runs, more than 0.
    package var concurrent: Int
    /// Limits per upstream; what is absent has ``upstreamDefault``.
    package var upstreamLimits: [String: Int]
    /// The limit of an upstream that is not named; nothing is none.
    package var upstreamDefault: Int?
    package var managers: [ManagerAddress]
    package var server: ListenSettings
    /// What the manager is told to post commands to; nothing is made of the server's host name and port.
    package var advertisedURL: String?
    /// The worker's host as managers reach it; with the port that was found, it makes the address when ``advertisedURL`` is nothing.
    package var hostname: String
    /// Where the worker keeps what must outlive it: outbox, running jobs, run numbers.
    package var stateDirectory: String
    package var log: MirrorLogSettings
    package var mirrors: [MirrorSettings]
    /// Accept commands without a token.
    package var allowsLegacy: Bool
    /// Tokens that may give commands.
    package var tokens: [TokenSettings]

    /// Describes a worker that has the standard values but for what is given.
    ///
    /// - Parameters:
    ///   - name: its name.
    ///   - stateDirectory: where it keeps what must outlive it.
    ///   - server: where it listens.
    ///   - managers: whom it tells.
    ///   - mirrors: its mirrors.
    package init(
        name: String, stateDirectory: String, server: ListenSettings, managers: [ManagerAddress] = [],
        mirrors: [MirrorSettings] = []
    ) {
        self.name = name
        concurrent = WorkerSettings.standardConcurrent
        upstreamLimits = [:]
        upstreamDefault = nil
        self.managers = managers
        self.server = server
        advertisedURL = nil
        hostname = server.host
        self.stateDirectory = stateDirectory
        log = MirrorLogSettings()
        self.mirrors = mirrors
        allowsLegacy = false
        tokens = []
    }

    /// Slots when `concurrent` is not written.
    package static let standardConcurrent = 3
}

/// A manager that a worker or a control client talks to.
package struct ManagerAddress: Hashable, Sendable {
    /// Such as `https://manager.example.org:14242`, without a slash at the end.
    package var baseURL: String
    package var token: Secret?
    package var tls: ClientTLSSettings

    package init(baseURL: String, token: Secret? = nil, tls: ClientTLSSettings = ClientTLSSettings()) {
        self.baseURL = baseURL
        self.token = token
        self.tls = tls
    }
}

/// Whom a client trusts and who it is.
package struct ClientTLSSettings: Hashable, Sendable {
    /// PEM file of the authorities that are trusted; nothing trusts the system's.
    package var authorities: String?
    /// PEM files of the client's own certificate and key.
    package var certificate: String?
    package var key: String?

    package init(authorities: String? = nil, certificate: String? = nil, key: String? = nil) {
        self.authorities = authorities
        self.certificate = certificate
        self.key = key
    }
}

/// Where a server listens.
package struct ListenSettings: Hashable, Sendable {
    package var host: String
    /// 0 picks a free one.
    package var port: Int
    package var certificate: String?
    package var key: String?
    /// PEM file of the authorities of clients; when it is there, every client must show a certificate.
    package var clientAuthorities: String?

    package init(
        host: String, port: Int, certificate: String? = nil, key: String? = nil, clientAuthorities: String? = nil
    ) {
        self.host = host
        self.port = port
        self.certificate = certificate
        self.key = key
        self.clientAuthorities = clientAuthorities
    }
}

/// How a process logs.
package struct MirrorLogSettings: Hashable, Sendable {
    package enum Format: String, Hashable, Sendable, CaseIterable { case text, json, systemd }
    package enum Level: String, Hashable, Sendable, CaseIterable { case debug, info, notice, warning, error }

    package var format: Format = .text
    package var level: Level = .notice

    package init() {}
}

/// A token and what its bearer may do.
package struct TokenSettings: Hashable, Sendable {
    /// What a bearer may do; each includes those before it.
    package enum Role: String, Hashable, Sendable, CaseIterable { case read, trigger, worker, operate, admin }

    /// What logs and the audit call it.
    package var name: String
    package var secret: Secret
    package var role: Role
    /// The workers, or for `trigger` the mirrors, that it may speak for; empty is all.
    package var scope: [String]

    package init(name: String, secret: Secret, role: Role, scope: [String] = []) {
        self.name = name
        self.secret = secret
        self.role = role
        self.scope = scope
    }
}
