// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// A mail service that is measured: where clients find it, and which processes it is made of.
protocol MailService: AnyObject {
    /// Its name in the tables.
    var name: String { get }
    /// The port of IMAP over TLS, of 127.0.0.1.
    var port: Int { get }
    /// Whom its clients trust.
    var context: TLSContext { get }
    /// The processes that were started; their descendants belong to the service too.
    var roots: [Int32] { get }
}

extension MailService {
    /// All its processes as they are now.
    var processes: ProcessTree { ProcessTree(roots: roots) }
}

/// The users of every service that is measured.
enum MailUsers {
    static let password = "bench"

    /// The user of a number, which begins with 1.
    static func name(_ number: Int) -> String { "user\(number)" }

    static func names(_ count: Int) -> [String] { (1...count).map(name) }
}
