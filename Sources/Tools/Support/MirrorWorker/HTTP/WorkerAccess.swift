// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import HTTPTypes
internal import MirrorConfig

/// Decides who may do what on the worker's HTTP interface.
struct WorkerAccess: Sendable {
    /// What is asked for.
    enum Right {
        /// Looking at jobs, logs and metrics.
        case read
        /// Giving commands.
        case command
    }

    /// What was decided.
    enum Decision: Equatable {
        /// Allowed, to whom.
        case allowed(by: String)
        /// There is no token, or one that nobody knows.
        case unknown
        /// The token may not do this.
        case forbidden
    }

    let view: WorkerView
    /// What managers were told to show.
    let commandToken: String

    /// Looks at a request.
    ///
    /// - Parameters:
    ///   - fields: the request's header.
    ///   - right: what is asked for.
    /// - Returns: what was decided.
    func decide(_ fields: HTTPFields, _ right: Right) -> Decision {
        let (tokens, allowsLegacy) = view.access
        guard let header = fields[.authorization] else {
            return allowsLegacy ? .allowed(by: "a manager without a token") : .unknown
        }
        let parts = header.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return .unknown }
        let shown = Array(parts[1].utf8)
        var found: TokenSettings?
        // All are looked at, so the time tells nothing.
        for token in tokens where Self.areEqual(shown, Array(token.secret.value.utf8)) { found = token }
        if Self.areEqual(shown, Array(commandToken.utf8)) { return .allowed(by: "the manager") }
        guard let found else { return .unknown }
        switch (right, found.role) {
        case (.read, .read), (.read, .operate), (.read, .admin), (.read, .worker), (.command, .operate),
            (.command, .admin):
            return .allowed(by: found.name)
        case (.read, .trigger), (.command, .read), (.command, .trigger), (.command, .worker): return .forbidden
        }
    }

    /// Compares in a time that depends on the lengths only.
    private static func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        guard left.count == right.count, !left.isEmpty else { return false }
        var difference: UInt8 = 0
        for (one, other) in zip(left, right) { difference |= one ^ other }
        return difference == 0
    }
}
