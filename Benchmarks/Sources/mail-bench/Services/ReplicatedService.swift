// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit

/// A mail service with a site in each region: clients use the one of their region.
protocol ReplicatedService: AnyObject {
    /// Its name in the tables.
    var name: String { get }
    /// Where clients of each region connect.
    var sites: [Site] { get }
    /// The processes that were started, by their nodes' names; their descendants belong to them.
    var nodes: [(name: String, process: Int32)] { get }
    /// Ends all processes.
    func stop()
}

/// Where the clients of a region connect.
struct Site: Sendable {
    let region: String
    let port: Int
    let context: TLSContext

    /// Connects and logs in.
    func client(_ user: Int) throws -> MailClient {
        try MailClient(port: port, context: context, user: MailUsers.name(user))
    }
}
