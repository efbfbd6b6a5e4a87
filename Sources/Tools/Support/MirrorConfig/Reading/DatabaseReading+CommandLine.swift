// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import NodeSupport

extension ManagerSettings.Database {
    /// Lays `--db-type` and `--db-file` of the command line over what is in force.
    ///
    /// - Parameters:
    ///   - type: The type; nil keeps the one in force.
    ///   - file: The path, relative to the working directory, or the address; nil keeps the one in force where the type has the same kind of it.
    /// - Returns: What is to be used.
    /// - Throws: ``NodeError`` with `configurationInvalid`, which says what cannot be.
    package func overridden(type: String?, file: String?) throws(NodeError) -> ManagerSettings.Database {
        guard type != nil || file != nil else { return self }
        let source = "the command line"
        let report = ConfigReport(file: source)
        var values: [String: ConfigValue] = [:]
        func set(_ key: String, _ text: String?) {
            if let text { values[key] = ConfigValue(kind: .text(text), line: 1, file: ConfigPaths.absolute(source)) }
        }
        set("db_type", type ?? typeName)
        set("db_file", file ?? (type == nil ? nil : place))
        let root = ConfigValue(kind: .table(values), line: 1, file: ConfigPaths.absolute(source))
        let section = ConfigSection(root: root, report: report, title: source, manual: MirrorManual.page)
        let found = DatabaseReading(report: report).read(section).database
        guard !report.hasErrors else {
            throw .configuration(report.problems.filter { $0.severity == .error })
        }
        return found
    }

    private var typeName: String {
        switch self {
        case .lmdb: "lmdb"
        case .postgresql: "postgresql"
        case .redis: "redis"
        case .memory: "memory"
        }
    }

    private var place: String? {
        switch self {
        case .lmdb(let path): path
        case .postgresql, .redis, .memory: nil
        }
    }
}
