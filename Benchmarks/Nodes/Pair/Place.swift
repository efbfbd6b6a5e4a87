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

    /// The option that leaves out one of them.
    static let option = BenchOption("--place", "PLACE", "only with files on disk, or only on tmpfs")

    /// The places that the command line asks for.
    static func chosen(_ context: BenchContext) throws -> [Place] {
        guard let label = context.options[option.name] else { return allCases }
        guard let place = allCases.first(where: { $0.label == label }) else {
            throw BenchFailure("\(option.name) takes disk or tmpfs", exitCode: 64)
        }
        return [place]
    }

    /// A count for a note.
    static func text(_ value: Double) -> String { TextTable.number(value) }
}
