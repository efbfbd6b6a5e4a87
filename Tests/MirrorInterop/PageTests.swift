// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import LiveTestSupport
internal import MirrorWire
internal import SyncJobs
internal import Testing

extension Live {
    /// The web page in a real browser, with a real manager, worker and rsync daemon.
    @Suite("Page") struct Page {
        private let folder: TemporaryDirectory

        init() throws { folder = try TemporaryDirectory("mirror") }

        @Test func eachButtonDoesWhatItSays() async throws {
            let site = try await start([
                "name = \"job\"\nprovider = \"command\"\nupstream = \"https://example.org/\"\ncommand = \"sleep 600\""
            ])
            try await Browser.run { browser in
                try await browser.open(site.address + "/")
                try await browser.wait(for: Self.isLive)
                try await site.wait(for: "job", "is syncing") { $0.web.status == .syncing }
                try await browser.click("#rows .name")
                try await browser.wait(seen: "#panel .actions")
                try await browser.wait(for: Self.state(is: "Syncing"))

                // Stop asks first: the safe answer changes nothing.
                try await browser.click("[data-action=stop]")
                try await browser.wait(seen: "#confirm[open]")
                #expect(try await browser.text("document.activeElement.id") == "confirm-no")
                try await browser.click("#confirm-no")
                try await browser.wait(for: "!document.querySelector('#confirm').open")
                #expect(try await site.row("job")?.web.status == .syncing)
                try await confirmed(browser, "stop")
                try await site.wait(for: "job", "is paused") { $0.web.status == .paused }
                try await browser.wait(for: Self.state(is: "Paused"))
                try await browser.wait(for: "document.querySelector('#why').textContent.length > 5")

                // Enable: back into the schedule, not running by that.
                try await browser.click("[data-action=enable]")
                try await site.wait(for: "job", "is enabled") { $0.web.status != .paused }
                try await browser.wait(for: "!document.querySelector('#panel .s-paused')")

                if try await site.row("job")?.web.status != .syncing { try await browser.click("[data-action=start]") }
                let running = try await site.wait(for: "job", "is syncing again") { $0.web.status == .syncing }
                try await browser.wait(for: Self.state(is: "Syncing"))
                try await browser.wait(for: "document.querySelector('[data-action=start]').ariaDisabled === 'true'")

                try await confirmed(browser, "restart")
                try await site.wait(for: "job", "is another run") { $0.web.status == .syncing && $0.run > running.run }

                try await confirmed(browser, "disable")
                try await site.wait(for: "job", "is disabled") { $0.web.status == .disabled }
                try await browser.wait(for: Self.state(is: "Disabled"))

                // Force takes a disabled mirror too, past all limits; it asks first.
                try await confirmed(browser, "force")
                try await site.wait(for: "job", "is forced") { $0.web.status == .syncing }

                // The row's own button stops as well.
                try await browser.click("#panel-close")
                try await browser.wait(for: "document.querySelector('#panel').hidden")
                try await browser.click("#rows .act")
                try await browser.wait(seen: "#confirm[open]")
                try await browser.click("#confirm-yes")
                try await site.wait(for: "job", "is paused again") { $0.web.status == .paused }
                #expect(try await browser.complaints() == [])
            }
            try site.stop()
        }

        @Test func progressMovesAndTheLogGrowsWhileARunGoesOn() async throws {
            let upstream = try await RsyncServer(in: folder, modules: ["big"])
            for number in 0..<60 {
                try upstream.write("big", "part-\(number).bin", SampleTree.noise(300_000, seed: UInt64(number + 1)))
            }
            let site = try await start([
                "name = \"big\"\nprovider = \"rsync\"\nupstream = \"\(upstream.address("big"))\"\nrsync_options = [\"--bwlimit=500\", \"--info=progress2\"]"
            ])
            try await Browser.run { browser in
                try await browser.open(site.address + "/#\(MirrorSite.workerName)/big")
                try await browser.wait(for: Self.isLive)
                try await browser.wait(seen: "#panel progress")
                try await browser.wait(for: "document.querySelector('#panel progress').value > 0")
                let value = try await browser.text("document.querySelector('#panel progress').value")
                try await browser.wait(for: "document.querySelector('#panel progress').value > \(value)")
                try await browser.wait(for: "document.querySelector('#rows progress').value > 0")
                #expect(try await browser.text("document.querySelector('#rows progress').ariaLabel").hasPrefix("big: "))
                try await browser.wait(for: "/\\d %/.test(document.querySelector('.progress-line').textContent)")

                try await browser.wait(for: "document.querySelector('.log').textContent.length > 0")
                let length = try await browser.text("document.querySelector('.log').textContent.length")
                let text = try await browser.text("document.querySelector('.log').textContent")
                try await browser.wait(
                    for:
                        "document.querySelector('.log').textContent.length > \(length) || document.querySelector('.log').textContent !== \(Browser.quoted(text))"
                )
                #expect(try await browser.text("document.querySelector('#log-state').textContent") == "Following")
                try await site.wait(for: "big", "has succeeded") { $0.web.status == .success }
                // The run is over: the log is complete, the plots have a bar, the size is there.
                try await browser.wait(for: "document.querySelector('#log-state').textContent === 'Complete'")
                try await browser.wait(for: "document.querySelector('#panel .plot .bar.ok')")
                try await browser.wait(for: "document.querySelector('#rows .spark .bar.ok')")
                try await browser.wait(for: "document.querySelector('.progress-box').hidden")
                try await browser.wait(for: "document.querySelector('.log').textContent.includes('Total file size')")
                #expect(try await browser.complaints() == [])
            }
            try site.stop()
        }

        @Test func saysWhyAMirrorWaitsAndWhyItFailed() async throws {
            let upstream = try await RsyncServer(in: folder, modules: ["here"])
            let site = try await start([
                "name = \"night\"\nupstream = \"\(upstream.address("here"))\"\nwindows = [\"\(Self.windowThatIsClosed)\"]\ntimezone = \"UTC\"",
                "name = \"wrong\"\nupstream = \"\(upstream.address("nowhere"))\"",
            ])
            try await Browser.run { browser in
                try await browser.open(site.address + "/")
                try await browser.wait(for: Self.isLive)
                try await site.wait(for: "wrong", "has failed") { $0.web.status == .failed }
                try await browser.type("wrong", into: "#search")
                try await browser.wait(for: "document.querySelectorAll('#rows .name').length === 1")
                try await browser.wait(
                    for: "document.querySelector('#rows .c-now').textContent.includes('client-server protocol')")
                try await browser.click("#rows .name")
                try await browser.wait(seen: ".error-text")
                #expect(try await browser.text("document.querySelector('.error-text').textContent").contains("5"))

                try await browser.script(
                    "const s = document.querySelector('#search'); s.value = 'night'; s.dispatchEvent(new Event('input'))"
                )
                try await browser.wait(for: "document.querySelector('#rows .name').textContent === 'night'")
                try await browser.click("#rows .name")
                try await browser.wait(for: "document.querySelector('#panel-title').textContent === 'night'")
                try await browser.wait(for: "/window/i.test(document.querySelector('#why').textContent)")
                let explained = try MirrorProgram.run("ctl", "explain", "night", "-m", site.address)
                let text = try await browser.text("document.querySelector('#why').textContent")
                #expect(explained.output.contains(text), "\(explained.output) \(text)")
                #expect(try await browser.complaints() == [])
            }
            try site.stop()
        }

        @Test func whoHasNoTokenSignsInToGiveACommand() async throws {
            let token = "operator-\(UInt64.random(in: 1 << 40 ... .max))-token"
            let secret = try folder.write("token", token)
            let options = MirrorSite.Options(
                manager: "[[tokens]]\nname = \"op\"\nrole = \"admin\"\ntoken_file = \"\(secret)\"", token: token)
            let site = try await start(
                ["name = \"job\"\nprovider = \"command\"\nupstream = \"https://example.org/\"\ncommand = \"true\""],
                options)
            try await Browser.run { browser in
                try await browser.open(site.address + "/")
                try await browser.wait(for: Self.isLive)
                try await browser.wait(for: "document.querySelector('#rows .name')")
                // Reading is open; the workers are not.
                #expect(try await browser.text("document.querySelector('#workers-button').hidden") == "true")
                try await site.waitForRuns(1, of: "job")
                try await browser.click("#rows .name")
                try await browser.click("[data-action=start]")
                try await browser.wait(seen: "#sign-in[open]")
                try await browser.type("not the token", into: "#token")
                try await browser.press(.enter)
                try await browser.wait(
                    for: "document.querySelector('#sign-in-error').textContent.includes('not known')")
                try await browser.script("document.querySelector('#token').value = ''")
                try await browser.type(token, into: "#token")
                try await browser.click("#sign-in-submit")
                try await browser.wait(for: "!document.querySelector('#sign-in').open")
                // The command that was asked for is given.
                try await site.waitForRuns(2, of: "job")
                try await browser.wait(for: "document.querySelector('#session-button').textContent === 'Sign out'")
                #expect(try await browser.text("document.querySelector('#token').value") == "")
                #expect(try await browser.text("document.cookie") == "")

                try await browser.click("#workers-button")
                try await browser.wait(seen: ".workers .t-success")
                try await browser.click(".workers td button")
                try await browser.wait(for: "document.querySelector('#toasts').textContent.includes('reload')")

                try await browser.click("#session-button")
                try await browser.wait(for: "document.querySelector('#session-button').textContent === 'Sign in'")
            }
            try site.stop()
        }

        @Test func showsMarkupInNamesAndErrorsAsText() async throws {
            let evil = "<img src=x onerror=document.title='owned'>"
            let script = try folder.write(
                "fail", "#!/bin/sh\necho '<script>document.title=\"owned\"</script>'\nexit 3\n", mode: 0o755)
            let site = try await start([
                "name = \"<b>bold<\"\nprovider = \"command\"\nupstream = \"https://example.org/\(evil)\"\ncommand = \"\(script)\"\nfail_on_match = \"x\""
            ])
            try await Browser.run { browser in
                try await browser.open(site.address + "/")
                try await browser.wait(for: Self.isLive)
                try await site.wait(for: "<b>bold<", "has failed") { $0.web.status == .failed }
                try await browser.wait(for: "document.querySelector('#rows .name').textContent === '<b>bold<'")
                try await browser.click("#rows .name")
                try await browser.wait(for: "document.querySelector('.log').textContent.includes('<script>')")
                #expect(
                    try await browser.text(
                        "document.querySelectorAll('main b, aside b, aside img, aside script').length") == "0")
                #expect(try await browser.text("document.querySelector('.facts').textContent").contains(evil))
                #expect(try await !browser.text("document.title").contains("owned"))
                #expect(try await browser.complaints() == [])
            }
            try site.stop()
        }

        @Test func aLostManagerIsSaidAndFoundAgain() async throws {
            let site = try await start([
                "name = \"job\"\nprovider = \"command\"\nupstream = \"https://example.org/\"\ncommand = \"true\""
            ])
            try await Browser.run { browser in
                try await browser.open(site.address + "/")
                try await browser.wait(for: Self.isLive)
                try await site.waitForRuns(1, of: "job")
                try site.killManager()
                try await browser.wait(
                    for: "document.querySelector('#connection-text').textContent === 'Connection lost'")
                try await browser.wait(seen: "#banner button")
                // What was known stays to be seen.
                #expect(try await browser.text("document.querySelector('#rows .name').textContent") == "job")
                try await site.startManager()
                try await browser.wait(for: Self.isLive)
                try await browser.wait(for: "document.querySelector('#banner').hidden")
                try await site.waitForWorker()
                try await site.command(.start, "job")
                try await site.waitForRuns(2, of: "job")
                // Events come again, not only the list.
                try await site.command(.disable, "job")
                try await browser.wait(for: "document.querySelector('#rows .s-disabled')")
            }
            try site.stop()
        }

        private func start(_ mirrors: [String], _ options: MirrorSite.Options = .init()) async throws -> MirrorSite {
            let site = try MirrorSite(in: folder, mirrors: mirrors, options: options)
            try await site.start()
            return site
        }

        private func confirmed(_ browser: Browser, _ action: String) async throws {
            try await browser.click("[data-action=\(action)]")
            try await browser.wait(seen: "#confirm[open]")
            try await browser.click("#confirm-yes")
            try await browser.wait(for: "!document.querySelector('#confirm').open")
        }

        private static let isLive = "document.querySelector('#connection').dataset.state === 'live'"

        private static func state(is name: String) -> String {
            "document.querySelector('#panel .badge').textContent === '\(name)'"
        }

        /// An hour of the day, in UTC, that is neither now nor soon.
        private static var windowThatIsClosed: String {
            let hour = (Int(WireTime.now().seconds / 3_600) + 12) % 24
            func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
            return "\(two(hour)):00-\(two((hour + 1) % 24)):00"
        }
    }
}
