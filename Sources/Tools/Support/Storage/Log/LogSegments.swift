// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import Synchronization

/// The segment files of one log: their names and extents, and reading from them.
final class LogSegments: Sendable {
    /// One segment file, as far as it is durable.
    struct Segment: Sendable {
        let base: LogPosition
        var size: UInt64

        var end: LogPosition {
            LogPosition(rawValue: base.rawValue + size)
        }
    }

    private struct State {
        /// In order, without gaps; the last one is written to.
        var segments: [Segment] = []
        /// The most recently used last.
        var open: [(base: LogPosition, file: any LogFile)] = []
        var tail = LogTail(at: .start)

        /// Bytes that need no file; what was cut off is not there any more, whatever memory has.
        func recent(at position: LogPosition, length: Int) -> [UInt8]? {
            guard let first = segments.first, first.base <= position else { return nil }
            return tail.read(at: position, length: length)
        }
    }

    let directory: String
    let fileSystem: any LogFileSystem
    private let openLimit: Int
    private let state = Mutex(State())
    /// Held by whoever removes segments, over I/O on purpose: only they wait for each other.
    private let cutting = Mutex(())

    init(directory: String, fileSystem: any LogFileSystem, openLimit: Int) {
        self.directory = directory
        self.fileSystem = fileSystem
        self.openLimit = max(openLimit, 1)
    }

    // MARK: Names

    /// The path of the segment that begins at a position: the position in twenty digits.
    func path(of base: LogPosition) -> String {
        let digits = String(base.rawValue)
        return directory + "/" + String(repeating: "0", count: 20 - digits.count) + digits + ".log"
    }

    /// The position that a file's name states; nothing when it is no segment's name.
    static func base(ofName name: String) -> LogPosition? {
        let digits = name.dropLast(4)
        guard name.hasSuffix(".log"), digits.utf8.count == 20,
            digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { return nil }
        return UInt64(digits).map(LogPosition.init(rawValue:))
    }

    // MARK: Changes by recovery and the writer

    /// Adds a segment behind the others.
    func add(_ segment: Segment, _ file: (any LogFile)?) {
        state.withLock { state in
            state.segments.append(segment)
            if let file { Self.remember(file, segment.base, openLimit, &state) }
        }
    }

    /// Takes note of what has become durable behind the last segment's end.
    ///
    /// - Parameters:
    ///   - mark: the first bytes.
    ///   - run: those behind them.
    func grow(_ mark: [UInt8], _ run: ArraySlice<UInt8>) {
        state.withLock { state in
            guard let last = state.segments.last else { return }
            state.tail.append(at: last.end, mark, run)
            state.segments[state.segments.count - 1].size += UInt64(mark.count + run.count)
        }
    }

    // MARK: Getters

    /// The position behind the last durable byte.
    var end: LogPosition {
        state.withLock { $0.segments.last?.end ?? .start }
    }

    /// The position of the first byte that is still there.
    var first: LogPosition {
        state.withLock { $0.segments.first?.base ?? .start }
    }

    /// Whether what is durable from a position on is in memory.
    func isRecent(_ position: LogPosition) -> Bool { state.withLock { $0.tail.holds(position) } }

    // MARK: Commands

    /// Reads bytes that lie in one segment and are durable.
    func read(at position: LogPosition, length: Int) throws(StorageError) -> [UInt8] {
        if let bytes = state.withLock({ $0.recent(at: position, length: length) }) { return bytes }
        let (file, offset) = try locate(position, length)
        let bytes = try file.read(count: length, at: offset)
        guard bytes.count == length else {
            throw StorageError(
                .corruptLog, "the log has \(bytes.count) of \(length) bytes at position \(position); its file was cut",
                path: directory)
        }
        return bytes
    }

    /// The durable extent of the segment that holds a position.
    ///
    /// A position where one segment ends belongs to the next one, if there is one. The log's end belongs to the last segment.
    ///
    /// - Throws: `notFound` if the position was cut off or is not durable yet.
    func extent(at position: LogPosition) throws(StorageError) -> Segment {
        let (segment, first, last) = state.withLock { state in
            (
                Self.index(of: position, in: state.segments).map { state.segments[$0] }, state.segments.first?.base,
                state.segments.last?.end
            )
        }
        guard let segment, position <= segment.end else {
            throw StorageError(
                .notFound, "the log has \(first ?? .start)..<\(last ?? .start), not position \(position)",
                path: directory)
        }
        return segment
    }

    /// Removes the segments that lie wholly before a position, the oldest first; the last segment always stays.
    func cut(before position: LogPosition) throws(StorageError) {
        try cutting.withLock { (_) throws(StorageError) in
            var isChanged = false
            while let oldest = takeOldest(before: position) {
                do throws(StorageError) {
                    // Readers and the writer do not wait for this.
                    try fileSystem.remove(path(of: oldest.base))
                } catch {
                    state.withLock { $0.segments.insert(oldest, at: 0) }
                    throw error
                }
                isChanged = true
            }
            if isChanged { try fileSystem.synchronizeDirectory(directory) }
        }
    }

    /// Takes out the oldest segment, if it is not the last and lies wholly before a position.
    private func takeOldest(before position: LogPosition) -> Segment? {
        state.withLock { state in
            guard state.segments.count > 1, let oldest = state.segments.first, oldest.end <= position else {
                return nil
            }
            state.segments.removeFirst()
            state.open.removeAll { $0.base == oldest.base }
            return oldest
        }
    }

    // MARK: Private

    private func locate(_ position: LogPosition, _ length: Int) throws(StorageError) -> (any LogFile, UInt64) {
        try state.withLock { (state) throws(StorageError) in
            let wanted = position.advanced(by: length)
            guard length >= 0, let index = Self.index(of: position, in: state.segments),
                wanted <= state.segments[index].end
            else {
                let range = "\(state.segments.first?.base ?? .start)..<\(state.segments.last?.end ?? .start)"
                throw StorageError(
                    .notFound, "the log has \(range), not \(length) bytes of one segment at \(position)",
                    path: directory)
            }
            let base = state.segments[index].base
            let offset = position.rawValue - base.rawValue
            if let open = state.open.firstIndex(where: { $0.base == base }) {
                let entry = state.open.remove(at: open)
                state.open.append(entry)
                return (entry.file, offset)
            }
            let file = try fileSystem.open(path(of: base))
            Self.remember(file, base, openLimit, &state)
            return (file, offset)
        }
    }

    private static func remember(_ file: any LogFile, _ base: LogPosition, _ limit: Int, _ state: inout State) {
        if state.open.count >= limit { state.open.removeFirst() }
        state.open.append((base, file))
    }

    /// The segment that holds a position, by binary search.
    private static func index(of position: LogPosition, in segments: [Segment]) -> Int? {
        var low = 0
        var high = segments.count
        while low < high {
            let middle = (low + high) / 2
            if segments[middle].base <= position { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? nil : low - 1
    }
}
