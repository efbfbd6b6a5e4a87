// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Foundation
internal import Synchronization

/// Threads that do the same work at the same time, each with a number.
enum Crew {
    /// Runs the work on as many threads and waits for all.
    ///
    /// - Parameters:
    ///   - count: how many threads; one stays on the calling thread.
    ///   - work: gets the number of the thread, from 0.
    /// - Returns: what each returned, by number.
    /// - Throws: the first failure.
    static func run<Result: Sendable>(_ count: Int, _ work: @escaping @Sendable (Int) throws -> Result) throws
        -> [Result]
    {
        if count == 1 { return [try work(0)] }
        let hands = (0..<count).map { number in Hand { try work(number) } }
        return try hands.map { try $0.result().get() }
    }
}

/// A thread that has a result.
final class Hand<Value: Sendable>: Sendable {
    private let value = Mutex<Result<Value, any Error>?>(nil)
    private let isDone = DispatchSemaphore(value: 0)

    /// Starts the thread.
    init(_ work: @escaping @Sendable () throws -> Value) {
        let thread = Thread { [self] in
            let result = Result { try work() }
            value.withLock { $0 = result }
            isDone.signal()
        }
        thread.stackSize = 1 << 20
        thread.start()
    }

    /// Waits for the result; to be called once.
    func result() -> Result<Value, any Error> {
        isDone.wait()
        return value.withLock { $0 } ?? .failure(CancellationError())
    }
}
