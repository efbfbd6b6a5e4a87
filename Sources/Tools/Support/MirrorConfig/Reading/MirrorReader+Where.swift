// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import NodeSupport
internal import SyncJobs

/// Where a mirror's content and logs are.
extension MirrorReader {
    mutating func readDirectory(_ name: JobName?) -> String? {
        let own = text("mirror_dir")
        let sub = text("mirror_subdir")
        if let own, !own.value.isEmpty {
            if let sub, !sub.value.isEmpty, leaf.own.contains("mirror_subdir"), leaf.own.contains("mirror_dir") {
                tell(.warning, at: sub.place, "mirror_subdir is not used, because mirror_dir is there too; remove it")
            }
            return path(own, key: "mirror_dir")
        }
        guard let name else { return nil }
        guard let base = defaults.mirrorDirectory, !base.value.isEmpty else {
            tell(.error, at: leaf.table.place, "has no mirror_dir, and [global] has none either")
            return nil
        }
        origins["mirror_dir"] = [base.place] + (sub.map { [$0.place] } ?? [])
        if let sub, sub.value.split(separator: "/").contains("..") {
            tell(.error, at: sub.place, "mirror_subdir leads out of mirror_dir with ..; write mirror_dir instead")
        }
        return path(base.map { $0 + "/" + (sub?.value ?? "") + "/" + name.text }, key: "mirror_dir")
    }

    /// An absolute path; a relative one begins in the directory of the file where it is written.
    private func path(_ found: Located<String>, key: String) -> String {
        let resolved = ConfigPaths(file: found.file).resolve(found.value)
        if !found.value.hasPrefix("/") {
            report.add(
                .warning, at: found.place,
                "\(key) is relative; it begins in the directory of this file (tunasync took the working directory)")
        }
        return resolved
    }

    mutating func readLogDirectory(
        _ name: JobName?, upstream: String, provider: MirrorSettings.Provider, directory: String?,
        environment: [String: String]
    ) -> String? {
        var found = section.text("log_dir")
        if found?.value.isEmpty ?? true { found = defaults.logDirectory }
        if found?.value.isEmpty ?? true {
            report.add(
                .warning, at: found?.place ?? leaf.table.place,
                "mirrors here have no log_dir, so logs go to \(Self.standardLogDirectory); write log_dir in [global]")
            found = Located(Self.standardLogDirectory, at: leaf.table.place)
        } else {
            note("log_dir", found)
        }
        guard let found, let name else { return nil }
        let fields = templateFields(name, upstream: upstream, provider: provider, directory: directory)
        let expanded: String
        do {
            expanded = try LogDirectoryTemplate(fields: fields, environment: environment).expand(found.value)
        } catch {
            tell(.error, at: found.place, "log_dir: \(Self.describe(error))")
            return nil
        }
        if name.text.contains(where: { "&<>\"'+".contains($0) }), expanded.contains(name.text) {
            tell(
                .note, at: found.place,
                "log_dir is \(expanded); tunasync wrote some letters of the name differently there, as for a web page")
        }
        return path(Located(expanded, at: found.place), key: "log_dir")
    }

    private func templateFields(
        _ name: JobName, upstream: String, provider: MirrorSettings.Provider, directory: String?
    ) -> [String: String] {
        func plain(_ key: String) -> String {
            switch section.take(key)?.kind {
            case .text(let text): text
            case .integer(let number): String(number)
            case .boolean(let truth): String(truth)
            case .list, .table, .fraction, .other, nil: ""
            }
        }
        var fields: [String: String] = [
            "Name": name.text, "Upstream": upstream, "Provider": provider.rawValue,
            "MirrorDir": directory ?? "",
        ]
        for (field, key) in [
            ("Interval", "interval"), ("Retry", "retry"), ("Timeout", "timeout"), ("MirrorSubDir", "mirror_subdir"),
            ("Role", "role"), ("Command", "command"), ("Username", "username"), ("ExcludeFile", "exclude_file"),
            ("Stage1Profile", "stage1_profile"), ("DockerImage", "docker_image"), ("SnapshotPath", "snapshot_path"),
            ("UseIPv6", "use_ipv6"), ("UseIPv4", "use_ipv4"), ("MemoryLimit", "memory_limit"),
        ] { fields[field] = plain(key) }
        return fields
    }

    private static func describe(_ failure: LogDirectoryTemplate.Failure) -> String {
        switch failure {
        case .unclosed: "{{ is not closed; write {{.Name}}"
        case .unknownField(let field): "mirrors have no field {{\(Shown.short(field))}}; write {{.Name}}"
        case .unsupported(let action):
            "{{\(Shown.short(action))}} is not understood; only fields are, such as {{.Name}}"
        }
    }
}
