// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CPostgreSQL
internal import Glibc
internal import NodeSupport

/// One connection to the server, used by one thread, with a deadline on everything.
///
/// libpq's asynchronous calls are used so that no wait is unbounded: only the resolver of host names has limits of its
/// own. Statements are constants; what a client sent travels as a parameter, never as part of a statement.
struct PostgresConnection: ~Copyable {
    /// A row of the table `users`.
    struct Row: Hashable, Sendable {
        let id: Int64
        let name: String
        let password: String?
    }

    private let handle: OpaquePointer
    private let stop: Int32
    /// What must not be seen in a message.
    private let secret: String?

    /// Looks a user up in the original's table, `users(id integer, username text, password text)`.
    ///
    /// Longer values than these cannot be of use.
    static let userStatement =
        "SELECT id, left(username, 256), left(password, 1100) FROM users WHERE username = $1 LIMIT 2"
    /// Any scrypt hash, to know what the dearest comparison costs.
    static let hashStatement =
        "SELECT id, left(username, 256), left(password, 1100) FROM users WHERE password LIKE '{SCRYPT}%' LIMIT 1"

    deinit { PQfinish(handle) }

    /// Connects.
    ///
    /// - Parameters:
    ///   - configuration: Where to and as whom.
    ///   - authorities: The file of authorities to trust; `nil` for a connection without TLS.
    ///   - stop: Readable when all must end.
    ///   - deadline: When to give up.
    /// - Throws: `unreachable`, or `closed` when all must end.
    init(
        _ configuration: UserDatabaseConfiguration, authorities: String?, stop: Int32, until deadline: DatabaseDeadline
    ) throws(DatabaseFailure) {
        let secret: String?
        do { secret = try configuration.password() } catch { throw .unreachable(error.message) }
        let parameters = Self.parameters(configuration, authorities: authorities, password: secret)
        let started = withCStrings(parameters.map(\.0)) { keywords in
            withCStrings(parameters.map(\.1)) { values in PQconnectStartParams(keywords, values, 0) }
        }
        guard let started else { throw .unreachable("no memory for a connection to the user database") }
        do throws(DatabaseFailure) {
            try Self.finishConnecting(started, secret: secret, stop: stop, until: deadline)
        } catch {
            PQfinish(started)
            throw error
        }
        handle = started
        self.stop = stop
        self.secret = secret
    }

    /// The socket, to notice when the server closes an idle connection.
    var socket: Int32 { PQsocket(handle) }

    /// Reads what came while nobody asked.
    ///
    /// - Returns: Whether the connection still stands.
    func isAlive() -> Bool { PQconsumeInput(handle) == 1 && PQstatus(handle) == CONNECTION_OK }

    /// Whether what is said goes through TLS.
    var isEncrypted: Bool { PQsslInUse(handle) == 1 }

    /// Looks a user up.
    ///
    /// - Parameters:
    ///   - name: The name; the caller has checked that it holds no NUL, where a C string would end.
    ///   - deadline: When to give up; the connection must not be used after that.
    /// - Returns: The rows, no more than two.
    /// - Throws: Any failure but `busy`; after `connectionLost` and `timedOut` the connection is of no use.
    func users(named name: String, until deadline: DatabaseDeadline) throws(DatabaseFailure) -> [Row] {
        try rows(of: Self.userStatement, [name], until: deadline)
    }

    /// Looks for any user with a scrypt hash.
    ///
    /// - Parameter deadline: When to give up; the connection must not be used after that.
    /// - Returns: No row or one.
    /// - Throws: As ``users(named:until:)``.
    func anyHash(until deadline: DatabaseDeadline) throws(DatabaseFailure) -> [Row] {
        try rows(of: Self.hashStatement, [], until: deadline)
    }

    // MARK: Connecting

    private static func parameters(
        _ configuration: UserDatabaseConfiguration, authorities: String?, password: String?
    ) -> [(String, String)] {
        let limits = configuration.limits
        var parameters = [
            ("host", configuration.host), ("port", String(configuration.port)), ("dbname", configuration.database),
            ("user", configuration.user), ("application_name", "pluto"), ("client_encoding", "UTF8"),
            ("sslmode", authorities == nil ? "disable" : "verify-full"), ("ssl_min_protocol_version", "TLSv1.2"),
            ("gssencmode", "disable"), ("target_session_attrs", "any"), ("keepalives_idle", "30"),
            ("keepalives_interval", "10"), ("keepalives_count", "3"),
            ("tcp_user_timeout", String(limits.lookupMilliseconds)),
            ("options", "-c statement_timeout=\(limits.statementMilliseconds) -c default_transaction_read_only=on"),
        ]
        if let authorities { parameters.append(("sslrootcert", authorities)) }
        if let password { parameters.append(("password", password)) }
        return parameters
    }

    private static func finishConnecting(
        _ handle: OpaquePointer, secret: String?, stop: Int32, until deadline: DatabaseDeadline
    ) throws(DatabaseFailure) {
        // What the server has to say besides answers is not for our standard error.
        _ = PQsetNoticeReceiver(handle, { _, _ in }, nil)
        var state = PGRES_POLLING_WRITING
        while state != PGRES_POLLING_OK {
            guard state != PGRES_POLLING_FAILED, PQstatus(handle) != CONNECTION_BAD else {
                throw .unreachable(message(of: handle, hiding: secret))
            }
            let events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT
            switch Descriptors.wait(for: PQsocket(handle), events, orStop: stop, until: deadline) {
            case .ready: state = PQconnectPoll(handle)
            case .stopped: throw .closed
            case .timedOut: throw .unreachable("the user database did not accept the connection in time")
            }
        }
        guard PQsetnonblocking(handle, 1) == 0 else { throw .unreachable(message(of: handle, hiding: secret)) }
    }

    // MARK: Asking

    private func rows(
        of statement: String, _ values: [String], until deadline: DatabaseDeadline
    ) throws(DatabaseFailure) -> [Row] {
        let isSent = withCStrings(values) { pointers in
            PQsendQueryParams(handle, statement, Int32(values.count), nil, pointers, nil, nil, 0)
        }
        guard isSent == 1 else { throw .connectionLost(message) }
        var answer: OpaquePointer?
        defer { if let answer { PQclear(answer) } }
        while true {
            try waitForResult(until: deadline)
            guard let result = PQgetResult(handle) else { break }
            // One statement has one result; the end of the loop is the end of its answer.
            if let answer { PQclear(answer) }
            answer = result
        }
        guard PQstatus(handle) == CONNECTION_OK, let answer else { throw .connectionLost(message) }
        guard PQresultStatus(answer) == PGRES_TUPLES_OK else { throw failure(of: answer) }
        return try Self.rows(in: answer)
    }

    /// Sends what is still to be sent and waits until a result can be taken without blocking.
    private func waitForResult(until deadline: DatabaseDeadline) throws(DatabaseFailure) {
        while true {
            let unsent = PQflush(handle)
            guard unsent >= 0 else { throw .connectionLost(message) }
            if unsent == 0, PQisBusy(handle) == 0 { return }
            let events = POLLIN | (unsent > 0 ? POLLOUT : 0)
            switch Descriptors.wait(for: PQsocket(handle), events, orStop: stop, until: deadline) {
            case .ready: guard PQconsumeInput(handle) == 1 else { throw .connectionLost(message) }
            case .stopped: throw .closed
            case .timedOut: throw .timedOut("the user database did not answer in time")
            }
        }
    }

    private static func rows(in result: OpaquePointer) throws(DatabaseFailure) -> [Row] {
        guard PQnfields(result) == 3 else { throw .malformed("the user database answered with other columns") }
        var rows: [Row] = []
        for index in 0..<PQntuples(result) {
            guard let id = text(result, index, 0).flatMap({ Int64($0) }), let name = text(result, index, 1) else {
                throw .malformed("a row of the table users has no number as its id, or no username in UTF-8")
            }
            rows.append(Row(id: id, name: name, password: text(result, index, 2)))
        }
        return rows
    }

    private static func text(_ result: OpaquePointer, _ row: Int32, _ column: Int32) -> String? {
        guard PQgetisnull(result, row, column) == 0, let value = PQgetvalue(result, row, column) else { return nil }
        return String(validatingCString: value)
    }

    // MARK: Failing

    private func failure(of result: OpaquePointer) -> DatabaseFailure {
        let code = Self.field(result, "C") ?? "?"
        let reason = Self.field(result, "M") ?? message
        // query_canceled: the server's own time limit (PostgreSQL appendix A).
        if code == "57014" { return .timedOut("the user database gave up: \(reason)") }
        return .refused("the user database refused the question: \(Self.oneLine(reason, hiding: secret)) (\(code))")
    }

    /// A field of an error, without the statement's context, in which a server may repeat parameters.
    private static func field(_ result: OpaquePointer, _ name: Unicode.Scalar) -> String? {
        PQresultErrorField(result, Int32(name.value)).map { String(cString: $0) }
    }

    private var message: String { Self.message(of: handle, hiding: secret) }

    private static func message(of handle: OpaquePointer, hiding secret: String?) -> String {
        let text = PQerrorMessage(handle).map { String(cString: $0) } ?? ""
        return oneLine(text.isEmpty ? "the connection to the user database ended" : text, hiding: secret)
    }

    /// One line; libpq does not repeat passwords, and should it ever, this does not.
    static func oneLine(_ text: String, hiding secret: String?) -> String {
        let line = text.split(whereSeparator: \.isNewline).map { $0.drop { $0 == " " || $0 == "\t" } }
            .joined(separator: "; ")
        guard let secret, !secret.isEmpty else { return line }
        return line.replacing(secret, with: Redacted<Never>.placeholder)
    }
}

/// Lends strings to C as an array that ends in a null pointer.
private func withCStrings<Result>(
    _ strings: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>?) -> Result
) -> Result {
    let pointers = strings.map { strdup($0) }
    defer { pointers.forEach { free($0) } }
    let borrowed = pointers.map { UnsafePointer($0) } + [nil]
    return borrowed.withUnsafeBufferPointer { body($0.baseAddress) }
}
