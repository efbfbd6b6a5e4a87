// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Glibc
import LiveTestSupport
import NodeSupport
import SyncJobs
import Testing

@testable import MirrorConfig

/// Configuration files in a fresh folder.
struct ConfigFolder {
    let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory("mirror-config") }

    /// The folder, for texts and expectations.
    var path: String { directory.path }

    @discardableResult
    func write(_ name: String, _ text: String, mode: mode_t = 0o600) throws -> String {
        if let slash = name.lastIndex(of: "/") { try Files.makeDirectory(directory.file(String(name[..<slash]))) }
        return try directory.write(name, text, mode: mode)
    }

    /// Reads a worker's file.
    func worker(_ text: String) throws -> Outcome {
        let file = try write("worker.conf", text)
        let (configuration, problems) = WorkerConfigReader.read(path: file)
        return Outcome(configuration: configuration, problems: problems, prefix: path + "/")
    }

    /// Reads a worker whose sections are right, with something behind them.
    func mirrors(_ text: String) throws -> Outcome {
        try worker(Self.base + text)
    }

    /// Reads a worker with one rsync mirror that has further lines.
    func mirror(_ lines: String) throws -> Outcome {
        try mirrors("[[mirrors]]\nname = \"m\"\nupstream = \"rsync://h/m/\"\n\(lines)\n")
    }

    /// A worker's sections without any problem; mirrors begin on line 12.
    static let base = """
        [global]
        name = "w"
        log_dir = "/log/{{.Name}}"
        mirror_dir = "/data"
        concurrent = 2
        interval = 60
        [manager]
        api_base = "http://127.0.0.1:14242"
        [server]
        hostname = "w.example"
        allow_legacy = true

        """
}

/// What reading gave.
struct Outcome {
    let configuration: WorkerConfiguration?
    let problems: [ConfigProblem]
    let prefix: String

    /// The problems without the folder.
    var told: [String] { problems.map { $0.description.replacing(prefix, with: "") } }

    func mirror(_ name: String = "m") throws -> MirrorSettings {
        try #require(
            configuration?.settings.mirrors.first { $0.name.text == name }, "\(told.joined(separator: "\n"))")
    }

    /// A setting of a mirror as text.
    func field(_ key: String, of name: String = "m") throws -> String? {
        try mirror(name).fields.first { $0.key == key }?.value.description
    }

    /// The lines where a setting of a mirror is written.
    func origin(_ key: String, of name: String = "m") throws -> [String] {
        let places = try #require(configuration?.mirrorOrigins[try mirror(name).name])
        return (places[key] ?? []).map { $0.description.replacing(prefix, with: "") }
    }
}
