// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What a timing says about moments.
extension JobTiming {
    /// The first time of the cron expression after a moment; nothing when there is none, or no expression.
    func cronTime(after time: JobTime) -> JobTime? {
        guard case .cron(let expression) = trigger else { return nil }
        return expression.next(after: time, in: zone)
    }

    /// Whether a job may start at a moment.
    ///
    /// - Parameter time: the moment.
    /// - Returns: whether a window contains it, or there are no windows.
    public func isOpen(at time: JobTime) -> Bool {
        windows.isEmpty || windows.contains { $0.contains(time, in: zone) }
    }

    /// When a job may start.
    ///
    /// - Parameter time: from when on.
    /// - Returns: the first moment, not before `time`, that a window contains; nothing when there is none.
    public func opening(from time: JobTime) -> JobTime? {
        windows.isEmpty ? time : windows.compactMap { $0.opening(from: time, in: zone) }.min()
    }

    /// Until when a job may start.
    ///
    /// - Parameter time: a moment at which it may.
    /// - Returns: the first moment after it at which it may not; nothing when there is none within a month.
    public func closing(after time: JobTime) -> JobTime? {
        let horizon = time.adding(milliseconds: 31 * 86_400_000)
        var end = time
        while end < horizon {
            let later = windows.filter { $0.contains(end, in: zone) }.map { $0.closing(after: end, in: zone) }
            if later.contains(nil) { return nil }
            guard let farthest = later.compactMap({ $0 }).max() else { return end }
            end = farthest
        }
        return nil
    }
}
