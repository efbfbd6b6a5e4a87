// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Why a manager cannot be told anything now.
enum LinkFailure: Error, Hashable, CustomStringConvertible {
    /// It does not answer.
    case unreachable(String)
    /// It does not know this worker, or not this process of it.
    case unregistered
    /// It refuses this worker.
    case refused(status: Int, String)
    /// A newer process of this worker is registered.
    case fenced

    var description: String {
        switch self {
        case .unreachable(let reason): "it does not answer: \(reason)"
        case .unregistered: "it does not know this worker"
        case .refused(let status, let text): "it answers \(status): \(text)"
        case .fenced: "a newer process of this worker is registered"
        }
    }
}
