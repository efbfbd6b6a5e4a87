// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import NIOCore

/// Lets the other connections of a thread have their turn while a long command runs.
///
/// By time, not by messages: to give up the thread costs more than to look at most messages.
struct Turn {
    /// The longest that others wait, but for what is done between two calls.
    private static let length = TimeAmount.milliseconds(1)

    private var began = NIODeadline.now()

    /// Waits for the others when the turn has lasted long enough.
    mutating func passIfOver() async {
        guard NIODeadline.now() - began > Self.length else { return }
        await Task.yield()
        began = NIODeadline.now()
    }
}
