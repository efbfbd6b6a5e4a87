// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit

/// Where files are: on the disk of the temporary folder, or in memory.
enum Place: CaseIterable {
    case disk, memory

    /// What rows call it.
    var label: String {
        switch self {
        case .disk: "disk"
        case .memory: "tmpfs"
        }
    }

    /// A temporary folder there.
    func folder(_ label: String, _ context: BenchContext) throws -> TemporaryFolder {
        switch self {
        case .disk: try context.temporaryFolder(label)
        case .memory: try TemporaryFolder(label, cleanup: context.cleanup, in: "/dev/shm")
        }
    }

    /// A count for a note.
    static func text(_ value: Double) -> String { TextTable.number(value) }
}
