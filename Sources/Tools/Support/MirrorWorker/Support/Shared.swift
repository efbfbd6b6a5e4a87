// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Synchronization

/// A small value that several parts share.
final class Shared<Value: Sendable>: Sendable {
    private let mutex: Mutex<Value>

    /// Shares a value.
    init(_ value: Value) { mutex = Mutex(value) }

    /// The value of now.
    var value: Value {
        get { mutex.withLock { $0 } }
        set { mutex.withLock { $0 = newValue } }
    }
}
