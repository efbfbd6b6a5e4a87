// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The files of the web page, which are part of the program.
///
/// The page uses nothing from anywhere else and has neither scripts nor styles in its markup, so that it can be served with a
/// strict content security policy.
enum MirrorPage {
    /// A file of the page.
    ///
    /// - Parameter path: the path of the request: `/`, or `/assets/` and the name of a file.
    /// - Returns: its bytes and their type; nothing when there is no such file.
    static func asset(path: String) -> (bytes: [UInt8], contentType: String)? {
        if path == "/" { return (PackageResources.index_html, html) }
        let prefix = "/assets/"
        guard path.hasPrefix(prefix) else { return nil }
        return files[String(path.dropFirst(prefix.count))]
    }

    private static let html = "text/html; charset=utf-8"
    private static let script = "text/javascript; charset=utf-8"

    private static let files: [String: (bytes: [UInt8], contentType: String)] = [
        "api.js": (PackageResources.api_js, script),
        "app.css": (PackageResources.app_css, "text/css; charset=utf-8"),
        "app.js": (PackageResources.app_js, script),
        "commands.js": (PackageResources.commands_js, script),
        "detail.js": (PackageResources.detail_js, script),
        "dialogs.js": (PackageResources.dialogs_js, script),
        "dom.js": (PackageResources.dom_js, script),
        "format.js": (PackageResources.format_js, script),
        "history.js": (PackageResources.history_js, script),
        "icon.svg": (PackageResources.icon_svg, "image/svg+xml"),
        "live.js": (PackageResources.live_js, script),
        "log.js": (PackageResources.log_js, script),
        "plot.js": (PackageResources.plot_js, script),
        "store.js": (PackageResources.store_js, script),
        "table.js": (PackageResources.table_js, script),
        "theme.js": (PackageResources.theme_js, script),
        "workers.js": (PackageResources.workers_js, script),
    ]
}
