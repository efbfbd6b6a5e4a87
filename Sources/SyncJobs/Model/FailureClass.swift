// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What kind of failure ended an attempt; each kind has its own policy of trying again.
public enum FailureClass: String, Hashable, CaseIterable, Sendable {
    /// It may go away by itself: the network, a busy upstream, a time-out.
    case transient
    /// It needs somebody: no space, no permission, a wrong upstream path.
    case permanent
    /// The job as it is configured cannot run: no such program, a syntax error of rsync.
    case configuration
    /// A guard refused the result before it was published.
    case refused
    /// A hook failed; the run is over, without a further attempt.
    case hook
    /// The worker that ran it died.
    case interrupted

    /// Whether trying again soon may help without anybody's doing.
    public var mayPassByItself: Bool {
        switch self {
        case .transient, .hook, .interrupted: true
        case .permanent, .configuration, .refused: false
        }
    }
}
