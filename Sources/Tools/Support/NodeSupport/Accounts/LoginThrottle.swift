// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Slows down who guesses passwords: the more logins failed from an address or for a name, the longer the next attempt
/// waits.
///
/// After 0, 1, 2, 3, 4, 5, 6 failures the next attempt waits 0, 1, 2, 4, 8, 16, 30 seconds, and never longer: nobody is
/// locked out for good. The longer of the two waits counts. Each minute without a failure forgives one. A success
/// forgives all failures of that user name, and those that the same address just made with that name (a mistyped
/// password), but not what the address tried with other names.
///
/// A pure value: the shell asks ``delay(client:user:now:)`` before it checks a password, waits that long, checks, and
/// reports the outcome. Attempts that run at the same time do not wait for each other; a limit on connections per
/// address bounds them. Both tables are bounded and forget the oldest, so guessing with many names or addresses takes
/// no memory. IPv6 addresses count by their /64.
package struct LoginThrottle: Sendable {
    /// What bounds waits and memory.
    package struct Limits: Hashable, Sendable {
        /// The wait after the first failure; it doubles with each further one.
        ///
        /// Zero switches waiting off.
        package var firstDelay: Duration = .seconds(1)
        /// The longest wait.
        package var maximumDelay: Duration = .seconds(30)
        /// How long without a failure forgives one failure.
        package var decayInterval: Duration = .seconds(60)
        /// The most addresses, and the most names, that are remembered.
        package var maximumEntries = 10_000

        /// The documented defaults.
        package init() {}
    }

    /// Failures of an address or of a name; together never more than the saturation.
    private struct Record {
        /// The time of the latest failure, moved on by what was forgiven.
        var since: ContinuousClock.Instant
        /// The name that the latest failures from an address had; empty in the records of names.
        var latestUser = ""
        /// How many of the latest failures in a row had that name.
        var latest = 0
        /// How many came before those.
        var earlier = 0

        var failures: Int { latest + earlier }
    }

    private let limits: Limits
    /// The number of failures at which the wait stops growing; more are not counted, so that forgiving does not take
    /// for ever.
    private let saturation: Int
    private var clients: RecencyTable<String, Record>
    private var users: RecencyTable<String, Record>

    /// Creates a throttle that remembers nothing.
    ///
    /// - Parameter limits: What bounds waits and memory.
    package init(limits: Limits = Limits()) {
        self.limits = limits
        var count = 1
        var delay = limits.firstDelay
        while (delay < limits.maximumDelay) && (delay > .zero) && (count < 32) {
            delay += delay
            count += 1
        }
        saturation = count
        clients = RecencyTable(capacity: limits.maximumEntries)
        users = RecencyTable(capacity: limits.maximumEntries)
    }

    // MARK: Inputs

    /// Records that a login failed.
    ///
    /// - Parameters:
    ///   - client: The client's IP address.
    ///   - user: The name that was given.
    ///   - now: The time.
    package mutating func recordFailure(client: String, user: String, now: ContinuousClock.Instant) {
        let name = Self.userKey(user)
        let address = Self.clientKey(client)
        clients.store(counted(clients.peek(address), user: name, now: now), for: address)
        users.store(counted(users.peek(name), user: "", now: now), for: name)
    }

    /// Records that a login succeeded.
    ///
    /// - Parameters:
    ///   - client: The client's IP address.
    ///   - user: The name that was given.
    ///   - now: The time.
    package mutating func recordSuccess(client: String, user: String, now: ContinuousClock.Instant) {
        let name = Self.userKey(user)
        let address = Self.clientKey(client)
        users.remove(name)
        guard let known = clients.peek(address) else { return }
        var record = decayed(known, now: now)
        if record.latestUser == name { record.latest = 0 }
        if record.failures == 0 { clients.remove(address) } else { clients.store(record, for: address) }
    }

    // MARK: Getters

    /// How long the next attempt must wait.
    ///
    /// - Parameters:
    ///   - client: The client's IP address.
    ///   - user: The name that was given.
    ///   - now: The time.
    /// - Returns: From zero to ``Limits/maximumDelay``.
    package func delay(client: String, user: String, now: ContinuousClock.Instant) -> Duration {
        let byClient = decayed(clients.peek(Self.clientKey(client)), now: now).failures
        let byUser = decayed(users.peek(Self.userKey(user)), now: now).failures
        return delay(afterFailures: max(byClient, byUser))
    }

    /// How many addresses and names are remembered.
    package var entryCount: Int { clients.count + users.count }

    /// Whether the tables are sound; for tests.
    func checkInvariants() -> Bool {
        clients.checkInvariants() && users.checkInvariants()
    }

    // MARK: Private

    private func delay(afterFailures failures: Int) -> Duration {
        guard failures > 0, limits.firstDelay > .zero else { return .zero }
        guard failures < saturation else { return limits.maximumDelay }
        return min(limits.firstDelay * (1 << (failures - 1)), limits.maximumDelay)
    }

    /// The record with one failure more.
    private func counted(_ record: Record?, user: String, now: ContinuousClock.Instant) -> Record {
        var record = decayed(record, now: now)
        if record.latestUser != user {
            record.earlier = record.failures
            record.latest = 0
            record.latestUser = user
        }
        record.latest = min(record.latest + 1, saturation - record.earlier)
        record.since = now
        return record
    }

    /// The record with what time has forgiven taken off; a time before the last failure forgives nothing.
    private func decayed(_ record: Record?, now: ContinuousClock.Instant) -> Record {
        guard var record else { return Record(since: now) }
        guard limits.decayInterval > .zero else { return record }
        let elapsed = record.since.duration(to: now)
        guard elapsed >= limits.decayInterval else { return record }
        let intervals = elapsed / limits.decayInterval
        let forgiven = intervals >= Double(record.failures) ? record.failures : Int(intervals)
        let fromEarlier = min(forgiven, record.earlier)
        record.earlier -= fromEarlier
        record.latest -= forgiven - fromEarlier
        // What is left of the interval counts towards the next forgiveness.
        record.since = record.since.advanced(by: limits.decayInterval * forgiven)
        return record
    }

    private static func userKey(_ user: String) -> String {
        MetricsRegistry.cut(user, to: UserName.maximumBytes)
    }

    /// An IPv6 address stands for its /64, because that is what one customer has; a mapped IPv4 address stands for
    /// itself.
    private static func clientKey(_ client: String) -> String {
        let address = client.prefix { $0 != "%" }
        guard let bytes = IPAddress.version6Bytes(String(address)) else {
            return MetricsRegistry.cut(client, to: UserName.maximumBytes)
        }
        if bytes.starts(with: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]) {
            return bytes[12...].map { String($0) }.joined(separator: ".")
        }
        return bytes[..<8].map { String($0, radix: 16) }.joined(separator: ":") + "/64"
    }
}
