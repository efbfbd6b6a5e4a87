// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Waiting operations as a plain list: whenever something was delivered, all are looked at again.
///
/// This must lose.
struct RescanList {
    private struct Entry {
        let origin: Int
        let counter: UInt64
        let past: [UInt64]
    }

    private var delivered: [UInt64]
    private var waiting: [Entry] = []
    private(set) var deliveries = 0

    init(origins: Int) { delivered = [UInt64](repeating: 0, count: origins + 1) }

    /// Takes an operation and delivers what it can.
    mutating func take(origin: Int, counter: UInt64, past: [UInt64]) {
        let entry = Entry(origin: origin, counter: counter, past: past)
        guard isReady(entry) else {
            if delivered[origin] < counter { waiting.append(entry) }
            return
        }
        deliver(entry)
        var isChanged = true
        while isChanged && !waiting.isEmpty {
            isChanged = false
            var kept = 0
            for index in waiting.indices {
                if isReady(waiting[index]) {
                    deliver(waiting[index])
                    isChanged = true
                } else if delivered[waiting[index].origin] < waiting[index].counter {
                    if kept != index { waiting[kept] = waiting[index] }
                    kept += 1
                }
            }
            waiting.removeLast(waiting.count - kept)
        }
    }

    private func isReady(_ entry: Entry) -> Bool {
        guard delivered[entry.origin] + 1 == entry.counter else { return false }
        for index in entry.past.indices where delivered[index] < entry.past[index] { return false }
        return true
    }

    private mutating func deliver(_ entry: Entry) {
        delivered[entry.origin] = entry.counter
        deliveries += 1
    }
}
