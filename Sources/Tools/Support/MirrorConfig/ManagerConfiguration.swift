// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import NodeSupport

/// A manager's configuration, read and checked.
package struct ManagerConfiguration: Sendable {
    /// What the manager runs with.
    package let settings: ManagerSettings
    /// All files that were read, absolute; empty when there is no file.
    package let files: [String]
    /// Where values are written, such as `server.port`; what is absent is standard.
    package let origins: [String: [ConfigPlace]]

    /// What a manager without a configuration file has: it listens on 127.0.0.1:14242.
    package static var standard: ManagerConfiguration {
        ManagerConfiguration(
            settings: ManagerSettings(
                server: ListenSettings(host: ManagerReader.standardHost, port: ManagerReader.standardPort),
                database: .lmdb(path: ManagerReader.standardDatabase)),
            files: [], origins: [:])
    }
}
