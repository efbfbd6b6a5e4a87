// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Why the manager does not do what a request asks for; the routes make an answer of it.
enum Refusal: Error, Hashable, Sendable {
    /// What is asked for makes no sense.
    case invalid(String)
    /// There is no such thing.
    case unknown(String)
    /// A newer process of the worker is registered.
    case fenced(String)
    /// A limit is reached.
    case full(String)

    var message: String {
        switch self {
        case .invalid(let message), .unknown(let message), .fenced(let message), .full(let message): message
        }
    }
}
