// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import ArgumentParser
internal import MirrorWire
internal import SyncJobs

struct WatchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "Print what happens to mirrors while it happens; Ctrl-C ends it.",
        discussion: """
            A line for each change of a mirror's state. A lost connection is said and tried again. A manager of tunasync \
            has no events: it is asked every five seconds.
            """)

    @Flag(help: "Print each event as a line of JSON.")
    var json = false

    @Argument(help: "Only these mirrors.")
    var mirrors: [String] = []

    @OptionGroup var options: ControlOptions

    func run() async throws {
        try await options.run { client in
            var watch = Watch(mirrors: Set(mirrors), printsJSON: json)
            if try await client.isOurs() { try await watch.follow(client) } else { try await watch.poll(client) }
        }
    }
}

/// Prints changes.
private struct Watch {
    let mirrors: Set<String>
    let printsJSON: Bool
    private var states: [String: JobState] = [:]
    private var isListening = true

    init(mirrors: Set<String>, printsJSON: Bool) {
        self.mirrors = mirrors
        self.printsJSON = printsJSON
    }

    /// Follows the events of a manager of ours for as long as somebody reads what is printed.
    mutating func follow(_ client: ManagerClient) async throws {
        while isListening {
            // What is there is known before the first change, so that only changes are said.
            do {
                for row in try await MirrorLookup.rows(client) { note(row, isNews: !states.isEmpty) }
                var parser = EventParser()
                try await client.stream(["api", "v1", "events"]) { bytes in
                    for event in parser.add(bytes) { take(event) }
                    return isListening
                }
            } catch let failure as ControlFailure {
                Console.complain("\(failure.message); trying again\n")
            }
            guard isListening else { return }
            try await Task.sleep(for: .seconds(2))
        }
    }

    /// Asks a manager of tunasync again and again.
    mutating func poll(_ client: ManagerClient) async throws {
        while isListening {
            do {
                let reply = try await client.ask("GET", ["jobs"])
                let isFirst = states.isEmpty
                for job in try [WebStatus](json: reply.body, limits: ManagerClient.limits) {
                    note(job.name, job.status, on: "", "", json: job.json, isNews: !isFirst)
                }
            } catch let failure as ControlFailure {
                Console.complain("\(failure.message); trying again\n")
            }
            try await Task.sleep(for: .seconds(5))
        }
    }

    private mutating func take(_ event: ServerEvent) {
        // An event of a newer manager that cannot be read is none of ours.
        guard let fields = try? JSONFields(JSONParser.parse(Array(event.data.utf8), limits: ManagerClient.limits))
        else { return }
        switch event.name {
        case "mirror":
            guard let row = try? MirrorRow(fields) else { return }
            note(row, isNews: true)
        case "removed":
            guard let name = try? fields.string("name"), let worker = try? fields.string("worker") else { return }
            states["\(worker)/\(name)"] = nil
            guard mirrors.isEmpty || mirrors.contains(name) else { return }
            printsJSON ? say(event.data) : say("\(Self.time) \(worker)/\(name) removed")
        default: return
        }
    }

    private mutating func note(_ row: MirrorRow, isNews: Bool) {
        note(
            row.web.name, row.web.status, on: row.worker, row.web.status == .failed ? row.errorMessage : row.web.size,
            json: row.json, isNews: isNews)
    }

    private mutating func note(
        _ name: String, _ state: JobState, on worker: String, _ more: String, json: @autoclosure () -> [UInt8],
        isNews: Bool
    ) {
        guard mirrors.isEmpty || mirrors.contains(name) else { return }
        let title = worker.isEmpty ? name : "\(worker)/\(name)"
        let old = states.updateValue(state, forKey: "\(worker)/\(name)")
        guard isNews, old != state || printsJSON else { return }
        if printsJSON { return say(String(decoding: json(), as: UTF8.self)) }
        say("\(Self.time) \(title) \(state.rawValue)" + (more.isEmpty ? "" : "  \(more)"))
    }

    private mutating func say(_ line: String) {
        if !Console.write(Array((Console.plain(line) + "\n").utf8)) { isListening = false }
    }

    private static var time: String { WireTime(seconds: WireTime.now().seconds).rfc3339 }
}

/// One server-sent event.
struct ServerEvent: Hashable {
    var name = ""
    var data = ""
}

/// Cuts a stream of server-sent events into events (HTML, section 9.2.6).
struct EventParser {
    /// The longest line; what is longer is dropped with its event.
    static let maximumLineBytes = 4 << 20

    private var line: [UInt8] = []
    private var event = ServerEvent()
    private var hasData = false

    /// Takes bytes.
    ///
    /// - Returns: the events that are complete.
    mutating func add(_ bytes: [UInt8]) -> [ServerEvent] {
        var events: [ServerEvent] = []
        for byte in bytes {
            guard byte == 0x0A else {
                if byte != 0x0D, line.count < Self.maximumLineBytes { line.append(byte) }
                continue
            }
            if let event = finishLine() { events.append(event) }
            line.removeAll(keepingCapacity: true)
        }
        return events
    }

    private mutating func finishLine() -> ServerEvent? {
        guard !line.isEmpty else {
            defer {
                event = ServerEvent()
                hasData = false
            }
            return hasData ? event : nil
        }
        let text = String(decoding: line, as: UTF8.self)
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        var value = parts.count > 1 ? parts[1] : ""
        if value.first == " " { value = value.dropFirst() }
        switch parts[0] {
        case "event": event.name = String(value)
        case "data":
            event.data += (hasData ? "\n" : "") + value
            hasData = true
        default: break
        }
        return nil
    }
}
