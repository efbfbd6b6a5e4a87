// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// A manager as its configuration describes it.
package struct ManagerSettings: Hashable, Sendable {
    /// What keeps its records.
    package enum Database: Hashable, Sendable {
        case lmdb(path: String)
        /// A libpq connection string, without its password when that comes from a file.
        case postgresql(String, password: Secret?)
        /// `redis://user@host:port/number`.
        case redis(url: String, password: Secret?)
        /// For tests and demos: nothing outlives the process.
        case memory
    }

    package var server: ListenSettings
    package var database: Database
    /// Towards workers.
    package var client: ClientTLSSettings
    /// `scheme://host:port` prefixes that worker URLs must have; empty allows loopback addresses and what ``allowsLegacy`` permits.
    package var allowedWorkerURLs: [String]
    package var tokens: [TokenSettings]
    /// Peers without tokens may do what tunasync's API offers.
    package var allowsLegacy: Bool
    /// Whether anybody may read `/jobs`, the page and metrics.
    package var isReadingOpen: Bool
    package var webhooks: [WebhookSettings]
    package var mirrorZ: MirrorZSettings?
    /// How many runs of each mirror are remembered.
    package var historyRuns: Int
    package var log: MirrorLogSettings

    /// Describes a manager that has the standard values but for what is given.
    ///
    /// - Parameters:
    ///   - server: where it listens.
    ///   - database: what keeps its records.
    package init(server: ListenSettings, database: Database) {
        self.server = server
        self.database = database
        client = ClientTLSSettings()
        allowedWorkerURLs = []
        tokens = []
        allowsLegacy = false
        isReadingOpen = true
        webhooks = []
        mirrorZ = nil
        historyRuns = ManagerSettings.standardHistoryRuns
        log = MirrorLogSettings()
    }

    /// Remembered runs when `runs` of `[history]` is not written.
    package static let standardHistoryRuns = 100
}

/// An address that is told about events.
package struct WebhookSettings: Hashable, Sendable {
    package var url: String
    /// The key of the HMAC-SHA256 signature.
    package var secret: Secret?
    /// Names of states that are told; empty is `success` and `failed`.
    package var states: [String]

    package init(url: String, secret: Secret? = nil, states: [String] = []) {
        self.url = url
        self.secret = secret
        self.states = states
    }
}

/// The site's part of the MirrorZ document.
package struct MirrorZSettings: Hashable, Sendable {
    package var url: String
    package var abbreviation: String
    package var name: String
    package var homepage: String?
    package var issue: String?
    package var request: String?
    package var email: String?
    package var group: String?
    package var disk: String?
    package var note: String?
    package var big: String?

    package init(url: String, abbreviation: String, name: String) {
        self.url = url
        self.abbreviation = abbreviation
        self.name = name
    }
}
