// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Storage
import Testing

@Suite struct LMDBEngineTests {
    let contract = EngineContract { try LMDBEngine.open(directory: $0) }

    @Test func storesAndReadsValues() async throws { try await contract.storesAndReadsValues() }
    @Test func leavesNothingOfABatchThatThrows() async throws { try await contract.leavesNothingOfABatchThatThrows() }
    @Test func showsASnapshotWhileABatchCommits() async throws { try await contract.showsASnapshotWhileABatchCommits() }
    @Test func neverShowsHalfABatchToReaders() async throws { try await contract.neverShowsHalfABatchToReaders() }
    @Test func scansInOrderLikeASortedArray() async throws { try await contract.scansInOrderLikeASortedArray() }
    @Test func deletesARangeAndCountsIt() async throws { try await contract.deletesARangeAndCountsIt() }
    @Test func refusesKeysItCannotHold() async throws { try await contract.refusesKeysItCannotHold() }
    @Test func refusesChangesInsideAScan() async throws { try await contract.refusesChangesInsideAScan() }
    @Test func refusesUseAfterTheClosureEnded() async throws { try await contract.refusesUseAfterTheClosureEnded() }
    @Test func keepsEverythingOverAReopen() async throws { try await contract.keepsEverythingOverAReopen() }
    @Test func copiesConsistentlyWhileWriting() async throws { try await contract.copiesConsistentlyWhileWriting() }

    @Test func growsTheMapWhenItIsFull() async throws {
        let directory = TemporaryDirectory()
        let options = LMDBOptions(mapBytes: 1 << 20, maximumMapBytes: 64 << 20)
        let engine = try LMDBEngine.open(directory: directory.path, options: options)
        defer { engine.close() }
        try await engine.write { writer in
            for index in 0..<1000 {
                try writer.put([UInt8](repeating: 1, count: 16_368), for: [UInt8(index >> 8), UInt8(index & 255)])
            }
        }
        #expect(try engine.statistics().entries == 1000)
        #expect(try engine.statistics().capacityBytes == 16 << 20)
    }

    @Test func staysUsableWhenTheMapCannotGrow() async throws {
        let directory = TemporaryDirectory()
        let options = LMDBOptions(mapBytes: 1 << 20, maximumMapBytes: 2 << 20)
        let engine = try LMDBEngine.open(directory: directory.path, options: options)
        defer { engine.close() }
        try await engine.write { try $0.put([UInt8](repeating: 1, count: 100_000), for: [1]) }
        let error = await #expect(throws: StorageError.self) {
            try await engine.write { try $0.put([UInt8](repeating: 1, count: 4 << 20), for: [2]) }
        }
        #expect(error?.code == .limitExceeded)
        #expect(try engine.read { try $0.value(for: [1]) }?.count == 100_000)
        try await engine.write { try $0.delete([1]) }
        try await engine.write { try $0.put([2], for: [2]) }
        #expect(try engine.read { try $0.value(for: [2]) } == [2])
    }
}
