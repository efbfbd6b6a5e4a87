// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

extension StageProfile {
    /// The rules for the first stage of a Debian archive: everything but the indexes, which name what must be there first.
    ///
    /// The list is that of Debian's own mirror scripts, which tunasync has under the same name.
    package static let debian = StageProfile(
        name: "debian", includes: ["*.diff/", "by-hash/"],
        excludes: [
            "*.diff/Index", "Contents*", "Packages*", "Sources*", "Release*", "InRelease", "i18n/*", "dep11/*",
            "installer-*/current", "ls-lR*",
        ])

    /// The shorter list for archives without by-hash folders and diffs.
    package static let debianOldStyle = StageProfile(
        name: "debian-oldstyle", includes: [],
        excludes: ["Packages*", "Sources*", "Release*", "InRelease", "i18n/*", "ls-lR*", "dep11/*"])

    /// The profiles that need no `[stage_profiles.NAME]`.
    package static let builtIn: [String: StageProfile] = [
        debian.name: debian, debianOldStyle.name: debianOldStyle,
    ]
}
