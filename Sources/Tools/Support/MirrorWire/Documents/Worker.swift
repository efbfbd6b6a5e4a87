// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// A worker as it registers and as the manager lists it.
///
/// ``incarnation``, ``started`` and ``version`` are extensions: they are left out when they are empty, and peers of tunasync
/// ignore them.
package struct Worker: WireDocument, Hashable {
    /// What the manager says instead of a token.
    package static let redacted = "REDACTED"

    /// The worker's id.
    package var id: String
    /// Where its commands are posted to, verbatim.
    package var url: String
    /// What the manager shows it with each command; empty when it wants nothing.
    package var token: String
    /// When it was last heard of.
    package var lastOnline: WireTime
    /// When it registered last.
    package var lastRegister: WireTime
    /// What tells this process from earlier ones of the worker; empty for workers of tunasync.
    package var incarnation: String
    /// When this process started; the later of two is the worker.
    package var started: WireTime
    /// The version of the program.
    package var version: String

    /// Describes a worker.
    package init(
        id: String, url: String, token: String = "", lastOnline: WireTime = .never, lastRegister: WireTime = .never,
        incarnation: String = "", started: WireTime = .never, version: String = ""
    ) {
        self.id = id
        self.url = url
        self.token = token
        self.lastOnline = lastOnline
        self.lastRegister = lastRegister
        self.incarnation = incarnation
        self.started = started
        self.version = version
    }

    package init(_ fields: JSONFields) throws(WireError) {
        id = try fields.string("id")
        url = try fields.string("url")
        token = try fields.string("token")
        lastOnline = try fields.time("last_online")
        lastRegister = try fields.time("last_register")
        incarnation = try fields.string("incarnation")
        started = try fields.time("started")
        version = try fields.string("version")
    }

    package func write(to writer: inout JSONWriter) {
        writer.object { writer in writeMembers(to: &writer) }
    }

    /// Writes the members without the braces, for documents that have more.
    package func writeMembers(to writer: inout JSONWriter) {
        writer.name("id")
        writer.string(id)
        writer.name("url")
        writer.string(url)
        writer.name("token")
        writer.string(token)
        writer.name("last_online")
        writer.time(lastOnline)
        writer.name("last_register")
        writer.time(lastRegister)
        if !incarnation.isEmpty {
            writer.name("incarnation")
            writer.string(incarnation)
            writer.name("started")
            writer.time(started)
        }
        if !version.isEmpty {
            writer.name("version")
            writer.string(version)
        }
    }
}
