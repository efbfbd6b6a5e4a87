// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit

/// A record of forty bytes for each operation, copied as it is: the least that a codec with fixed fields can do.
struct FixedRecords: ~Copyable {
    static let recordBytes = 40
    private let source: UnsafeMutableRawPointer
    private let target: UnsafeMutableRawPointer
    private let count: Int

    init(count: Int) {
        self.count = count
        source = .allocate(byteCount: count * Self.recordBytes, alignment: 16)
        source.initializeMemory(as: UInt8.self, repeating: 7, count: count * Self.recordBytes)
        target = .allocate(byteCount: count * Self.recordBytes, alignment: 16)
        target.initializeMemory(as: UInt8.self, repeating: 0, count: count * Self.recordBytes)
    }

    deinit {
        source.deallocate()
        target.deallocate()
    }

    /// Copies the records one by one into frames that are made for them.
    func copyIntoFrames(of size: Int) -> Cost {
        Stopwatch.measure {
            var position = 0
            while position < count {
                let end = min(position + size, count)
                let frame = [UInt8](unsafeUninitializedCapacity: (end - position) * Self.recordBytes) { buffer, used in
                    used = (end - position) * Self.recordBytes
                    guard let base = UnsafeMutableRawPointer(buffer.baseAddress) else { return }
                    for record in position..<end {
                        (base + (record - position) * Self.recordBytes).copyMemory(
                            from: source + record * Self.recordBytes, byteCount: Self.recordBytes)
                    }
                }
                blackHole(frame)
                position = end
            }
        }.divided(by: count)
    }

    /// Copies the records one by one out of one large buffer.
    func copyOut() -> Cost {
        Stopwatch.measure {
            for record in 0..<count {
                (target + record * Self.recordBytes).copyMemory(
                    from: source + record * Self.recordBytes, byteCount: Self.recordBytes)
            }
            blackHole(target.load(as: UInt64.self))
        }.divided(by: count)
    }
}
