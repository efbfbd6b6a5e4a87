// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import HTTPTypes

/// What a request asks for, by its method and path.
enum Route: Hashable, Sendable {
    // tunasync's
    case ping
    case jobs
    case flushDisabled
    case workers
    case register
    case removeWorker(String)
    case workerJobs(String)
    case postStatus(worker: String)
    case postSize(worker: String)
    case postSchedules(worker: String)
    case command
    // Ours
    case page
    case health
    case metrics
    case mirrorZ
    case mirrorRows
    case workerRows
    case history(MirrorKey)
    case explain(MirrorKey)
    case logs(MirrorKey)
    case log(MirrorKey, id: String)
    case forget(MirrorKey)
    case placedCommand
    case events
    case trigger(String)
    case logIn
    case logOut
    case whoAmI
    case workerEvents(String)
    case heartbeat(String)

    /// What a path leads to.
    enum Lookup: Hashable, Sendable {
        case found(Route)
        /// The same path without the slash at its end leads somewhere.
        case redirect(String)
        case notFound
    }

    /// The longest path in bytes.
    static let maximumPathBytes = 2_048

    /// Finds the route of a request.
    ///
    /// - Parameters:
    ///   - method: the method; `HEAD` is as `GET`.
    ///   - path: the path as it came, without the query.
    /// - Returns: where it leads.
    static func find(_ method: HTTPRequest.Method, _ path: String) -> Lookup {
        guard path.utf8.count <= maximumPathBytes, let segments = segments(of: path) else { return .notFound }
        let method = method == .head ? .get : method
        if let route = Route(method, path, segments) { return .found(route) }
        if segments.count > 1, segments.last == "" {
            let shorter = Array(segments.dropLast())
            let trimmed = String(path.dropLast())
            if Route(method, trimmed, shorter) != nil { return .redirect(trimmed) }
        }
        return .notFound
    }

    private init?(_ method: HTTPRequest.Method, _ path: String, _ segments: [String]) {
        let found: Route?
        if segments.count >= 2, segments[0] == "api", segments[1] == "v1" {
            found = Self.own(method, Array(segments.dropFirst(2)))
        } else {
            found = Self.compatible(method, segments) ?? Self.document(method, path, segments)
        }
        guard let found else { return nil }
        self = found
    }

    private static func compatible(_ method: HTTPRequest.Method, _ segments: [String]) -> Route? {
        switch (method, segments.count, segments[0]) {
        case (.get, 1, "ping"): return .ping
        case (.get, 1, "jobs"): return .jobs
        case (.delete, 2, "jobs") where segments[1] == "disabled": return .flushDisabled
        case (.get, 1, "workers"): return .workers
        case (.post, 1, "workers"): return .register
        case (.delete, 2, "workers"): return .removeWorker(segments[1])
        case (.get, 3, "workers") where segments[2] == "jobs": return .workerJobs(segments[1])
        case (.post, 4, "workers") where segments[2] == "jobs": return .postStatus(worker: segments[1])
        case (.post, 5, "workers") where segments[2] == "jobs" && segments[4] == "size":
            return .postSize(worker: segments[1])
        case (.post, 3, "workers") where segments[2] == "schedules": return .postSchedules(worker: segments[1])
        case (.post, 1, "cmd"): return .command
        default: return nil
        }
    }

    private static func document(_ method: HTTPRequest.Method, _ path: String, _ segments: [String]) -> Route? {
        guard method == .get else { return nil }
        switch segments[0] {
        case "" where segments.count == 1: return .page
        case "assets" where MirrorPage.asset(path: path) != nil: return .page
        case "healthz" where segments.count == 1: return .health
        case "metrics" where segments.count == 1: return .metrics
        case "mirrorz.json" where segments.count == 1: return .mirrorZ
        default: return nil
        }
    }

    private static func own(_ method: HTTPRequest.Method, _ segments: [String]) -> Route? {
        guard let first = segments.first else { return nil }
        switch (method, segments.count, first) {
        case (.get, 1, "mirrors"): return .mirrorRows
        case (.get, 1, "workers"): return .workerRows
        case (.post, 1, "commands"): return .placedCommand
        case (.get, 1, "events"): return .events
        case (.post, 2, "trigger"): return .trigger(segments[1])
        case (.post, 1, "session"): return .logIn
        case (.delete, 1, "session"): return .logOut
        case (.get, 1, "session"): return .whoAmI
        case (.post, 3, "workers") where segments[2] == "events": return .workerEvents(segments[1])
        case (.post, 3, "workers") where segments[2] == "heartbeat": return .heartbeat(segments[1])
        case (_, 3..., "mirrors"):
            return mirror(method, MirrorKey(name: segments[2], worker: segments[1]), Array(segments.dropFirst(3)))
        default: return nil
        }
    }

    private static func mirror(_ method: HTTPRequest.Method, _ key: MirrorKey, _ rest: [String]) -> Route? {
        switch (method, rest.count, rest.first) {
        case (.delete, 0, nil): .forget(key)
        case (.get, 1, "history"): .history(key)
        case (.get, 1, "explain"): .explain(key)
        case (.get, 1, "logs"): .logs(key)
        case (.get, 2, "logs"): .log(key, id: rest[1])
        default: nil
        }
    }

    /// The decoded parts of a path; nothing when it does not begin with a slash or has a bad escape.
    private static func segments(of path: String) -> [String]? {
        guard path.utf8.first == UInt8(ascii: "/") else { return nil }
        var segments: [String] = []
        for part in path.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            guard let decoded = PercentCoding.decode(part) else { return nil }
            segments.append(decoded)
        }
        return segments
    }
}
