// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Logging
internal import MirrorConfig
internal import Synchronization

/// The links to all managers, which a reload may change.
final class LinkSet: Sendable {
    private struct State {
        var links: [(address: ManagerAddress, link: ManagerLink)] = []
        var isClosed = false
    }

    private let state = Mutex(State())
    private let make: @Sendable (ManagerAddress) throws -> ManagerLink
    private let outbox: Outbox
    private let logger: Logger
    private let (starts, starter) = AsyncStream.makeStream(of: ManagerLink.self)

    /// An empty set.
    ///
    /// - Parameters:
    ///   - outbox: which keeps events for the managers.
    ///   - logger: where it logs.
    ///   - make: prepares a link.
    init(outbox: Outbox, logger: Logger, make: @escaping @Sendable (ManagerAddress) throws -> ManagerLink) {
        self.outbox = outbox
        self.logger = logger
        self.make = make
    }

    /// Runs the links until ``close()``, and until they have told what they can.
    func run() async {
        await withDiscardingTaskGroup { group in
            for await link in starts { group.addTask { await link.run() } }
        }
    }

    /// Links to these managers and no others; one whose address, token and certificates stay is not disturbed.
    ///
    /// - Throws: an error of the TLS library; nothing is changed then.
    func set(_ addresses: [ManagerAddress]) throws {
        let present = state.withLock { $0.links }
        var made: [(address: ManagerAddress, link: ManagerLink)] = []
        for address in addresses where !present.contains(where: { $0.address == address }) {
            made.append((address, try make(address)))
        }
        let ids = Set(addresses.map { ManagerLink.id(of: $0) })
        let gone = state.withLock { state in
            guard !state.isClosed else { return made.map(\.link) }
            let gone = state.links.filter { !addresses.contains($0.address) }.map(\.link)
            state.links = state.links.filter { addresses.contains($0.address) } + made
            for (_, link) in made { starter.yield(link) }
            return gone
        }
        for link in gone {
            link.abandon()
            if !ids.contains(link.id) { outbox.remove(manager: link.id) }
        }
    }

    /// Lets the links tell what there is, and end.
    func close() {
        let links = state.withLock { state in
            state.isClosed = true
            return state.links.map(\.link)
        }
        for link in links { link.close() }
        starter.finish()
    }

    /// What metrics and people see.
    var reports: [(manager: String, report: ManagerLink.Report)] {
        state.withLock { $0.links }.map { ($0.address.baseURL, $0.link.report) }
    }
}
