// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CPostgreSQL

/// One connection to PostgreSQL, used by one thread.
///
/// Statements are constants; what came from outside travels as a parameter.
struct PostgresLink: ~Copyable {
    /// What a connection is made of.
    struct Target: Sendable {
        /// A connection string of libpq (PostgreSQL manual section 34.1.1).
        let connection: String
        /// The password, when it is not in the string.
        let password: String?
    }

    /// How long connecting may take, in seconds.
    static let connectTimeoutSeconds = 5
    /// How long a statement may take, in milliseconds.
    static let statementTimeoutMilliseconds = 30_000

    private let handle: OpaquePointer

    deinit { PQfinish(handle) }

    private init(handle: OpaquePointer) { self.handle = handle }

    /// Connects; blocks for at most ``connectTimeoutSeconds`` per address of the host.
    ///
    /// - Parameter target: where to.
    /// - Returns: the connection.
    /// - Throws: `unavailable`.
    static func connect(_ target: Target) throws(StoreError) -> PostgresLink {
        var parameters = [("dbname", target.connection)]
        if let password = target.password { parameters.append(("password", password)) }
        parameters += [
            ("application_name", "kuiper-mirror"), ("client_encoding", "UTF8"),
            ("connect_timeout", String(connectTimeoutSeconds)), ("keepalives_idle", "30"),
            ("keepalives_interval", "10"), ("keepalives_count", "3"),
            ("tcp_user_timeout", String(statementTimeoutMilliseconds)),
        ]
        let started = withCStrings(parameters.map(\.0)) { keywords in
            withCStrings(parameters.map(\.1)) { values in PQconnectdbParams(keywords, values, 1) }
        }
        guard let started else { throw StoreError(.unavailable, "no memory for a connection to PostgreSQL") }
        // From here on the value closes the connection.
        let link = PostgresLink(handle: started)
        guard link.isAlive else {
            throw StoreError(
                .unavailable, "PostgreSQL: \(oneLine(PQerrorMessage(started), hiding: target.password))")
        }
        _ = PQsetNoticeReceiver(started, { _, _ in }, nil)
        _ = try link.run("SET statement_timeout = \(statementTimeoutMilliseconds)")
        return link
    }

    /// Whether the connection still stands, as far as that is known.
    var isAlive: Bool { PQstatus(handle) == CONNECTION_OK }

    /// Runs one statement.
    ///
    /// - Parameters:
    ///   - statement: the statement, a constant.
    ///   - values: its parameters as text.
    /// - Returns: the rows as text; nothing for NULL.
    /// - Throws: `unavailable` when the connection broke, `refused` otherwise.
    func run(_ statement: String, _ values: [String] = []) throws(StoreError) -> [[String?]] {
        let result = Self.withCStrings(values) { pointers in
            PQexecParams(handle, statement, Int32(values.count), nil, pointers, nil, nil, 0)
        }
        defer { PQclear(result) }
        let status = PQresultStatus(result)
        guard status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK else {
            let code: StoreError.Code = isAlive ? .refused : .unavailable
            // The primary message alone: details may repeat what was written.
            let field = PQresultErrorField(result, Int32(Unicode.Scalar("M").value))
            throw StoreError(code, "PostgreSQL: \(Self.oneLine(field ?? PQerrorMessage(handle), hiding: nil))")
        }
        guard status == PGRES_TUPLES_OK else { return [] }
        return (0..<PQntuples(result)).map { row in
            (0..<PQnfields(result)).map { column in
                PQgetisnull(result, row, column) == 0
                    ? PQgetvalue(result, row, column).map { String(cString: $0) } : nil
            }
        }
    }

    /// Runs statements in a transaction.
    func transaction(_ body: (borrowing PostgresLink) throws(StoreError) -> Void) throws(StoreError) {
        _ = try run("BEGIN")
        do throws(StoreError) {
            try body(self)
            _ = try run("COMMIT")
        } catch {
            // A connection that is broken has no transaction any more; the first error is the one to tell.
            _ = try? run("ROLLBACK")
            throw error
        }
    }

    /// An array of texts as PostgreSQL reads it (manual section 8.15.2).
    static func array(_ texts: some Sequence<String>) -> String {
        var array = "{"
        var isFirst = true
        for text in texts {
            if !isFirst { array += "," }
            isFirst = false
            array += "\""
            for character in text.unicodeScalars {
                if character == "\"" || character == "\\" { array += "\\" }
                array.unicodeScalars.append(character)
            }
            array += "\""
        }
        return array + "}"
    }

    private static func oneLine(_ text: UnsafePointer<CChar>?, hiding password: String?) -> String {
        guard let text else { return "no reason was given" }
        let line = String(cString: text).split(whereSeparator: \.isNewline).joined(separator: "; ")
        guard let password, !password.isEmpty else { return line }
        return line.replacing(password, with: "(secret)")
    }

    private static func withCStrings<Result>(
        _ strings: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>?) -> Result
    ) -> Result {
        let copies = strings.map { Array($0.utf8CString) }
        return withPointers(copies[...], []) { pointers in
            (pointers + [nil]).withUnsafeBufferPointer { body($0.baseAddress) }
        }
    }

    private static func withPointers<Result>(
        _ rest: ArraySlice<[CChar]>, _ found: [UnsafePointer<CChar>?], _ body: ([UnsafePointer<CChar>?]) -> Result
    ) -> Result {
        guard let first = rest.first else { return body(found) }
        return first.withUnsafeBufferPointer { buffer in
            withPointers(rest.dropFirst(), found + [buffer.baseAddress], body)
        }
    }
}
