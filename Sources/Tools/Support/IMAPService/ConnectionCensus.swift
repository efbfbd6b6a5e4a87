// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import NIOCore
internal import Synchronization

/// Who is connected: the limits on their number, and the way to tell them all to go.
package final class ConnectionCensus: Sendable {
    /// Whether somebody may come in.
    package enum Admission {
        /// Yes, under this number.
        case admitted(UInt64)
        /// No: the name of the limit that was met.
        case refused(String)
    }

    private struct State {
        var next: UInt64 = 1
        var members: [UInt64: (client: String, channel: ConnectionChannel)] = [:]
        var perClient: [String: Int] = [:]
        var isShuttingDown = false
    }

    private let limit: Int
    private let limitPerAddress: Int
    private let state = Mutex(State())

    /// Opens the book.
    ///
    /// - Parameters:
    ///   - limit: the most connections.
    ///   - limitPerAddress: the most connections of one address.
    package init(limit: Int, limitPerAddress: Int) {
        self.limit = limit
        self.limitPerAddress = limitPerAddress
    }

    /// How many connections there are.
    package var count: Int { state.withLock { $0.members.count } }

    /// Whether everybody was told to go.
    package var isShuttingDown: Bool { state.withLock { $0.isShuttingDown } }

    /// Lets a connection in.
    ///
    /// - Parameters:
    ///   - client: the client's address.
    ///   - channel: the connection.
    /// - Returns: whether it may stay.
    package func enter(client: String, channel: ConnectionChannel) -> Admission {
        state.withLock { state in
            if state.isShuttingDown { return .refused("shutdown") }
            guard state.members.count < limit else { return .refused("connections") }
            guard state.perClient[client, default: 0] < limitPerAddress else {
                return .refused("connections_per_address")
            }
            let number = state.next
            state.next += 1
            state.members[number] = (client, channel)
            state.perClient[client, default: 0] += 1
            return .admitted(number)
        }
    }

    /// A connection has ended.
    ///
    /// - Parameter number: its number.
    package func leave(_ number: UInt64) {
        state.withLock { state in
            guard let member = state.members.removeValue(forKey: number) else { return }
            let count = state.perClient[member.client, default: 1] - 1
            state.perClient[member.client] = count > 0 ? count : nil
        }
    }

    /// Tells every connection to say goodbye, and closes those that have not done so in time.
    ///
    /// - Parameter goodbye: the time that they have.
    package func shutDown(goodbye: TimeAmount) {
        let channels = state.withLock { state in
            state.isShuttingDown = true
            return state.members.values.map(\.channel)
        }
        for channel in channels {
            channel.inbox.signalShutdown()
            channel.channel.eventLoop.scheduleTask(in: goodbye) { ConnectionChannel.abort(channel.channel) }
        }
    }
}
