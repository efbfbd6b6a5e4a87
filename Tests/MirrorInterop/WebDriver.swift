// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import AsyncHTTPClient
internal import Glibc
internal import LiveTestSupport
internal import MirrorWire
internal import NIOCore
internal import NIOHTTP1

/// A headless Chromium that a test drives by the WebDriver protocol (W3C WebDriver, sections 8 to 17).
///
/// ``run(width:height:isDark:_:)`` starts and ends it.
final class Browser {
    /// How long a test waits for something to appear.
    static let patience: Duration = .seconds(180)

    private let driver: ChildProcess
    private let base: String
    private var session = ""

    /// Starts a browser.
    ///
    /// - Parameters:
    ///   - width: the width of its window.
    ///   - height: its height.
    ///   - isDark: whether the system is said to be dark.
    init(width: Int = 1_280, height: Int = 900, isDark: Bool = false) async throws {
        let program = try Tool.path("chromedriver", package: "chromium-driver")
        // It says which port it took.
        driver = try ChildProcess([program, "--port=0"])
        var port: String?
        while port == nil, let line = try driver.readLine() {
            if let range = line.firstRange(of: "successfully on port ") {
                port = String(line[range.upperBound...].prefix { $0.isNumber })
            }
        }
        guard let port else { throw LiveFailure("chromedriver did not start") }
        base = "http://127.0.0.1:\(port)"
        var arguments = [
            // Tests may run as root, and in containers with a small /dev/shm.
            "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=\(width),\(height)",
            "--disable-background-networking", "--no-first-run",
        ]
        if isDark { arguments.append("--blink-settings=preferredColorScheme=0") }
        var writer = JSONWriter()
        writer.object { writer in
            writer.name("capabilities")
            writer.object { writer in
                writer.name("alwaysMatch")
                writer.object { writer in
                    writer.name("goog:chromeOptions")
                    writer.object { writer in
                        writer.name("args")
                        writer.array { writer in for argument in arguments { writer.string(argument) } }
                    }
                    writer.name("goog:loggingPrefs")
                    writer.object { writer in
                        writer.name("browser")
                        writer.string("ALL")
                    }
                }
            }
        }
        let answer = try await send("POST", "/session", writer.finish())
        session = "/session/" + (try JSONFields(answer).string("sessionId"))
    }

    /// Runs a test with a browser and ends it, however the test ends.
    static func run(
        width: Int = 1_280, height: Int = 900, isDark: Bool = false, _ test: (Browser) async throws -> Void
    ) async throws {
        let browser = try await Browser(width: width, height: height, isDark: isDark)
        do {
            try await test(browser)
        } catch {
            // The test's failure is what counts.
            try? await browser.quit()
            throw error
        }
        try await browser.quit()
    }

    private func quit() async throws {
        _ = try await send("DELETE", session, nil)
        driver.signal(SIGTERM)
        _ = try driver.wait()
    }

    // MARK: Pages

    /// Goes to an address and waits until the page is loaded.
    func open(_ address: String) async throws {
        try await command("POST", "/url") { writer in
            writer.name("url")
            writer.string(address)
        }
    }

    /// Runs a script in the page.
    ///
    /// - Parameters:
    ///   - body: the body of a function; what it returns is returned.
    ///   - arguments: texts that it finds in `arguments`.
    @discardableResult
    func script(_ body: String, _ arguments: [String] = []) async throws -> JSONValue {
        try await command("POST", "/execute/sync") { writer in
            writer.name("script")
            writer.string(body)
            writer.name("args")
            writer.array { writer in for argument in arguments { writer.string(argument) } }
        }
    }

    /// What an expression says, as a text.
    func text(_ expression: String) async throws -> String {
        switch try await script("return String(\(expression))") {
        case .string(let text): text
        default: ""
        }
    }

    /// Waits until an expression is true.
    ///
    /// - Parameters:
    ///   - expression: JavaScript; an exception counts as false.
    ///   - limit: how long.
    func wait(for expression: String, within limit: Duration = Browser.patience) async throws {
        let deadline = Deadline(limit)
        let body = "try { return Boolean(\(expression)) } catch { return false }"
        while try await script(body) != .bool(true) {
            guard !deadline.isOver else {
                let page = try await text("document.body.innerText.slice(0, 3000)")
                throw LiveFailure("not in time: \(expression)\nthe page says:\n\(page)\n\(try await log())")
            }
            try await Task.sleep(for: .milliseconds(40))
        }
    }

    /// Waits until an element is there and seen.
    func wait(seen selector: String) async throws {
        try await wait(for: "document.querySelector(\(Self.quoted(selector)))?.checkVisibility()")
    }

    // MARK: What a person does

    /// Clicks where an element is, as a mouse does: something that lies above it is an error.
    func click(_ selector: String) async throws {
        let element = try await element(selector)
        _ = try await send("POST", "\(session)/element/\(element)/click", Array("{}".utf8))
    }

    /// Types into an element.
    func type(_ text: String, into selector: String) async throws {
        let element = try await element(selector)
        try await command("POST", "/element/\(element)/value") { writer in
            writer.name("text")
            writer.string(text)
        }
    }

    /// Presses and lets go keys, one after the other, wherever the focus is.
    func press(_ keys: Key...) async throws {
        try await command("POST", "/actions") { writer in
            writer.name("actions")
            writer.array { writer in
                writer.object { writer in
                    writer.name("type")
                    writer.string("key")
                    writer.name("id")
                    writer.string("keyboard")
                    writer.name("actions")
                    writer.array { writer in
                        for key in keys {
                            for kind in ["keyDown", "keyUp"] {
                                writer.object { writer in
                                    writer.name("type")
                                    writer.string(kind)
                                    writer.name("value")
                                    writer.string(key.text)
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    /// A key by its character or its code in WebDriver (section 17.4.2).
    struct Key: ExpressibleByStringLiteral {
        let text: String

        init(stringLiteral value: String) { text = value }

        static let tab: Key = "\u{E004}"
        static let enter: Key = "\u{E007}"
        static let escape: Key = "\u{E00C}"
        static let end: Key = "\u{E010}"
        static let home: Key = "\u{E011}"
        static let left: Key = "\u{E012}"
        static let up: Key = "\u{E013}"
        static let right: Key = "\u{E014}"
        static let down: Key = "\u{E015}"
    }

    // MARK: What it says

    /// The errors and warnings of the page's console since the last call; a page that breaks its content security policy has some.
    func complaints() async throws -> [String] {
        try await entries().filter { !$0.hasPrefix("DEBUG") && !$0.hasPrefix("INFO") }
    }

    /// The picture of the page as a PNG, in base64.
    func screenshot() async throws -> String {
        guard case .string(let text) = try await send("GET", session + "/screenshot", nil) else { return "" }
        return text
    }

    private func log() async throws -> String { try await entries().joined(separator: "\n") }

    private func entries() async throws -> [String] {
        let answer = try await command("POST", "/se/log") { writer in
            writer.name("type")
            writer.string("browser")
        }
        guard case .array(let entries) = answer else { return [] }
        return try entries.map { entry in
            let fields = try JSONFields(entry)
            return "\(try fields.string("level")) \(try fields.string("message"))"
        }
    }

    // MARK: The protocol

    private func element(_ selector: String) async throws -> String {
        try await wait(seen: selector)
        let answer = try await command("POST", "/element") { writer in
            writer.name("using")
            writer.string("css selector")
            writer.name("value")
            writer.string(selector)
        }
        // The identifier of elements in the protocol (section 11).
        return try JSONFields(answer).string("element-6066-11e4-a52e-4f735466cecf")
    }

    @discardableResult
    private func command(
        _ method: String, _ path: String, _ body: (inout JSONWriter) -> Void
    ) async throws -> JSONValue {
        var writer = JSONWriter()
        writer.object(body)
        return try await send(method, session + path, writer.finish())
    }

    private func send(_ method: String, _ path: String, _ body: [UInt8]?) async throws -> JSONValue {
        var request = HTTPClientRequest(url: base + path)
        request.method = .init(rawValue: method)
        if let body {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(body)
        }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(120))
        let bytes = try await response.body.collect(upTo: 32 << 20)
        let document = try JSONFields(
            JSONParser.parse(Array(bytes.readableBytesView), limits: JSONLimits(maximumBytes: 32 << 20)))
        guard response.status == .ok else {
            let value = try document.object("value")
            throw LiveFailure(
                "the browser refused \(path): \(try value?.string("error") ?? "") \(try value?.string("message").prefix(400) ?? "")"
            )
        }
        return document.value("value") ?? .null
    }

    /// A text as a JavaScript literal.
    static func quoted(_ text: String) -> String {
        var writer = JSONWriter()
        writer.string(text)
        return String(decoding: writer.finish(), as: UTF8.self)
    }
}
