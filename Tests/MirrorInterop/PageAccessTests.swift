// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import LiveTestSupport
internal import MirrorWire
internal import SyncJobs
internal import Testing

extension Live {
    /// The page for everybody: with the keyboard, with a screen reader, in the dark, with very many mirrors.
    @Suite("Page for everybody") struct PageAccess {
        private let folder: TemporaryDirectory

        init() throws { folder = try TemporaryDirectory("mirror") }

        @Test func everythingCanBeDoneWithTheKeyboardAlone() async throws {
            let site = try MirrorSite(
                in: folder,
                mirrors: ["alpha", "beta", "gamma"].map {
                    "name = \"\($0)\"\nprovider = \"command\"\nupstream = \"https://example.org/\"\ncommand = \"sleep 600\""
                })
            try await site.start()
            for name in ["alpha", "beta", "gamma"] {
                try await site.wait(for: name, "is syncing") { $0.web.status == .syncing }
            }
            try await Browser.run { browser in
                try await browser.open(site.address + "/")
                try await browser.wait(for: "document.querySelectorAll('#rows .name').length === 3")
                // Tab reaches the rows as one stop, and leaves them again: no trap.
                var stops: [String] = []
                for _ in 0..<40 {
                    try await browser.press(.tab)
                    let stop = try await browser.text(
                        "document.activeElement.id || (document.activeElement.dataset.sort ? 'sort' : '') + document.activeElement.textContent.trim()"
                    )
                    if stops.contains(stop) { break }
                    stops.append(stop)
                }
                #expect(stops.contains("search"), "\(stops)")
                #expect(stops.count { ["alpha", "beta", "gamma"].contains($0) } == 1, "\(stops)")
                #expect(stops.contains("help-button"), "\(stops)")

                // Search, go into the results, open one, go back where one was.
                try await browser.press("/")
                #expect(try await focused(browser) == "search")
                try await browser.type("a", into: "#search")
                try await browser.press(.down)
                #expect(try await browser.text("document.activeElement.textContent") == "alpha")
                try await browser.press(.down)
                #expect(try await browser.text("document.activeElement.textContent") == "beta")
                try await browser.press(.end)
                #expect(try await browser.text("document.activeElement.textContent") == "gamma")
                try await browser.press(.right)
                #expect(try await browser.text("document.activeElement.ariaLabel") == "Stop gamma")
                try await browser.press(.left, .home)
                try await browser.press(.enter)
                try await browser.wait(for: "document.activeElement.id === 'panel-title'")
                try await browser.press(.escape)
                try await browser.wait(for: "document.activeElement.textContent === 'alpha'")

                // A single key stops it, after a question whose safe answer has the focus.
                try await browser.press("x")
                try await browser.wait(seen: "#confirm[open]")
                #expect(try await focused(browser) == "confirm-no")
                try await browser.press(.tab, .enter)
                try await site.wait(for: "alpha", "is paused") { $0.web.status == .paused }

                // Help says the keys, and can switch them off.
                try await browser.press("?")
                try await browser.wait(seen: "#help[open]")
                try await browser.click("#keys-on")
                try await browser.press(.escape)
                try await browser.wait(for: "!document.querySelector('#help').open")
                try await browser.press("t")
                #expect(try await browser.text("document.documentElement.dataset.theme ?? 'system'") == "system")
                try await browser.press("?")
                try await browser.wait(seen: "#help[open]")
                try await browser.click("#keys-on")
                try await browser.press(.escape)
                try await browser.press("t")
                #expect(try await browser.text("document.documentElement.dataset.theme") == "light")
                #expect(try await browser.complaints() == [])
            }
            try site.stop()
        }

        @Test func aScreenReaderHasLandmarksTablesAndQuietNews() async throws {
            let site = try MirrorSite(
                in: folder,
                mirrors: [
                    "name = \"job\"\nprovider = \"command\"\nupstream = \"https://example.org/\"\ncommand = \"false\""
                ])
            try await site.start()
            try await site.waitForRuns(1, of: "job")
            try await Browser.run { browser in
                try await browser.open(site.address + "/")
                try await browser.wait(for: "document.querySelector('#rows .name')")
                for landmark in [
                    "header", "main", "h1", "table caption", "[aria-live=polite]", "main section[aria-label]",
                ] {
                    #expect(
                        try await browser.text("document.querySelectorAll('\(landmark)').length") != "0", "\(landmark)")
                }
                #expect(try await browser.text("document.documentElement.lang") == "en")
                #expect(
                    try await browser.text("document.querySelector('#mirrors').getAttribute('aria-rowcount')") == "2")
                #expect(
                    try await browser.text(
                        "document.querySelector('#rows tr:not(.space)').getAttribute('aria-rowindex')") == "2")
                #expect(try await browser.text("document.querySelector('#rows th').scope") == "row")
                #expect(
                    try await browser.text("document.querySelectorAll('#mirrors thead th:not([scope=col])').length")
                        == "0")
                try await browser.click("[data-sort=name]")
                #expect(try await browser.text("document.querySelector('.c-name').ariaSort") == "ascending")
                try await browser.click("[data-sort=name]")
                #expect(try await browser.text("document.querySelector('.c-name').ariaSort") == "descending")
                // Every control has a name.
                let nameless = """
                    [...document.querySelectorAll('button, input:not([hidden]), select')].filter((control) =>
                      control.checkVisibility() && !(control.textContent.trim() || control.ariaLabel || control.labels?.length)).map((c) => c.outerHTML).join()
                    """
                #expect(try await browser.text(nameless) == "")
                try await browser.click("#rows .name")
                try await browser.wait(seen: "#panel")
                #expect(try await browser.text(nameless) == "")
                #expect(
                    try await browser.text("document.querySelector('#panel').getAttribute('aria-labelledby')")
                        == "panel-title")
                // A failure is said once, politely.
                try await browser.script(
                    "window.said = []; new MutationObserver(() => { const t = document.querySelector('#announcer').textContent; if (t) window.said.push(t) }).observe(document.querySelector('#announcer'), { childList: true })"
                )
                try await site.command(.start, "job")
                try await site.waitForRuns(2, of: "job")
                try await browser.wait(for: "window.said.join() === 'job failed'")
            }
            try site.stop()
        }

        @Test func isDarkWhereTheSystemIsAndWhereOneWantsIt() async throws {
            let site = try MirrorSite(in: folder, mirrors: [])
            try await site.startManager()
            let brightness = """
                (() => { const [r, g, b] = getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number); return r + g + b })()
                """
            try await Browser.run(isDark: true) { browser in
                try await browser.open(site.address + "/")
                try await browser.wait(for: "document.querySelector('#connection').dataset.state === 'live'")
                #expect(try await Int(browser.text(brightness)) ?? 999 < 150)
                try await browser.click("#theme-button")
                #expect(try await browser.text("document.documentElement.dataset.theme") == "light")
                #expect(try await Int(browser.text(brightness)) ?? 0 > 600)
                try await browser.open(site.address + "/")
                #expect(try await Int(browser.text(brightness)) ?? 0 > 600)
                try await browser.click("#theme-button")
                #expect(try await browser.text("document.documentElement.dataset.theme") == "dark")
            }
            try await Browser.run(isDark: false) { browser in
                try await browser.open(site.address + "/")
                #expect(try await Int(browser.text(brightness)) ?? 0 > 600)
            }
            try site.stopManager()
        }

        @Test func tenThousandMirrorsStayUsable() async throws {
            let site = try MirrorSite(in: folder, mirrors: [])
            try await site.startManager()
            try await Self.fill(site, mirrors: 10_000)
            try await Browser.run { browser in
                try await browser.open(site.address + "/")
                try await browser.wait(for: "document.querySelector('#count').textContent.includes('10,000 of 10,000')")
                // What is not on the screen is no element.
                #expect(try await Int(browser.text("document.querySelectorAll('#rows tr').length")) ?? 999 < 80)
                #expect(
                    try await browser.text("document.querySelector('#mirrors').getAttribute('aria-rowcount')")
                        == "10001")
                try await browser.press("j")
                try await browser.press(.end)
                try await browser.wait(
                    for: "document.activeElement.closest('tr')?.getAttribute('aria-rowindex') === '10001'")
                #expect(try await Int(browser.text("document.querySelectorAll('#rows tr').length")) ?? 999 < 80)
                try await browser.type("mirror-7777", into: "#search")
                try await browser.wait(for: "document.querySelector('#count').textContent.startsWith('1 of')")
                try await browser.wait(for: "document.querySelector('#rows .name').textContent === 'mirror-7777'")
                try await browser.press(.escape)
                try await browser.wait(for: "document.querySelector('#count').textContent.startsWith('10,000 of')")
                #expect(try await browser.complaints() == [])
            }
            try site.stopManager()
        }

        private func focused(_ browser: Browser) async throws -> String {
            try await browser.text("document.activeElement.id")
        }

        /// Mirrors as a worker of tunasync tells of them.
        private static func fill(_ site: MirrorSite, mirrors: Int) async throws {
            let worker = Worker(id: "many", url: "http://127.0.0.1:9/")
            #expect(try await site.post("workers", worker.jsonLine).status == 200)
            try await withThrowingTaskGroup(of: Void.self) { group in
                // A few at a time, each with its own part.
                for part in 0..<8 {
                    let requests = site.requests
                    group.addTask {
                        for number in stride(from: part, to: mirrors, by: 8) {
                            let status = MirrorStatus(
                                name: "mirror-\(number)", worker: "many", status: number % 50 == 0 ? .failed : .success,
                                upstream: "https://example.org/\(number)/", size: "\(number)M")
                            let reply = try await requests.send(
                                "POST", "workers/many/jobs/\(status.name)", status.jsonLine)
                            guard reply.status == 200 else { throw LiveFailure(reply.text) }
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }
}
