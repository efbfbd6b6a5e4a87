// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Foundation

/// Writes reports to where the command line wants them.
struct ReportWriter {
    private let json: String?
    private let markdown: String?
    /// Whether each scenario gets a file of its own, which is there as soon as the scenario has ended.
    private let isFolder: Bool

    /// Looks whether the files can be written, before anything is measured.
    init(_ arguments: BenchArguments) throws {
        (json, markdown) = (arguments.json, arguments.markdown)
        var isDirectory: ObjCBool = false
        let path = json ?? ""
        let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
        isFolder = path.hasSuffix("/") || (exists && isDirectory.boolValue)
        for path in [json, markdown].compactMap({ $0 }) {
            let url = URL(fileURLWithPath: path)
            let folder = path == json && isFolder ? url : url.deletingLastPathComponent()
            do {
                try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            } catch {
                throw BenchFailure("\(path) cannot be written: \(error.localizedDescription)", exitCode: 73)
            }
            guard FileManager.default.isWritableFile(atPath: folder.path) else {
                throw BenchFailure("\(path) cannot be written: no permission for its folder", exitCode: 73)
            }
        }
    }

    /// Writes what one scenario found.
    func write(_ report: BenchReport, of scenario: Scenario) throws {
        guard let json, isFolder else { return }
        try report.json().write(toFile: URL(fileURLWithPath: json).appendingPathComponent("\(scenario.name).json").path)
    }

    /// Writes what all scenarios found.
    func write(_ report: BenchReport) throws {
        if let json, !isFolder { try report.json().write(toFile: json) }
        guard let markdown else { return }
        let page = FileManager.default.contents(atPath: markdown).map { String(decoding: $0, as: UTF8.self) } ?? ""
        let text = report.markdown()
        try (MarkedPage.replace(in: page, between: report.program, with: text) ?? text).write(toFile: markdown)
    }
}
