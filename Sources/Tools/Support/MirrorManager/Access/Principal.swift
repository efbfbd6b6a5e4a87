// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import MirrorConfig

/// Who sent a request, and what he may do.
struct Principal: Hashable, Sendable {
    /// What the audit calls him.
    let name: String
    /// What he may do; nothing is only what everybody may.
    let role: TokenSettings.Role?
    /// The workers, or for `trigger` the mirrors, that he may speak for; empty is all.
    let scope: [String]

    /// Somebody without a token.
    static func anonymous(_ role: TokenSettings.Role?) -> Principal {
        Principal(name: "anonymous", role: role, scope: [])
    }

    /// Whether he may do what a role may.
    func has(_ role: TokenSettings.Role) -> Bool {
        guard let own = self.role else { return false }
        return Self.rank(own) >= Self.rank(role)
    }

    /// Whether he may speak for a worker.
    func covers(worker: String) -> Bool {
        guard let role, Self.rank(role) >= Self.rank(.worker) else { return false }
        return scope.isEmpty || scope.contains(worker)
    }

    /// Whether he may trigger a mirror of a worker.
    func mayTrigger(_ key: MirrorKey) -> Bool {
        guard let role else { return false }
        if role == .trigger { return scope.isEmpty || scope.contains(key.name) }
        return covers(worker: key.worker)
    }

    private static func rank(_ role: TokenSettings.Role) -> Int {
        switch role {
        case .read: 0
        case .trigger: 1
        case .worker: 2
        case .operate: 3
        case .admin: 4
        }
    }
}
