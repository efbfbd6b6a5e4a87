// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What a control client asks a manager for, and a manager a worker.
package enum CommandVerb: String, Hashable, Sendable, CaseIterable {
    case start
    case stop
    case disable
    case restart
    case ping
    case reload
    /// Our own: back into the schedule. Workers of tunasync would take it for `start`, so they are told `start`.
    case enable

    /// Whether workers of tunasync know the verb; what they do not know they take for `start`.
    package var isKnownToTunasync: Bool { self != .enable }
}

/// A command as a control client posts it to a manager.
package struct ClientCommand: WireDocument, Hashable {
    /// What to do.
    package var verb: CommandVerb
    /// The mirror; empty for `reload`.
    package var mirror: String
    /// The worker; empty when the manager is to find it.
    package var worker: String
    /// Words that tunasync carries and nobody uses; nothing is `null` on the wire.
    package var arguments: [String]?
    /// Such as `force`; nothing is `null` on the wire.
    package var options: [String: Bool]?

    /// Describes a command.
    package init(
        verb: CommandVerb, mirror: String, worker: String, arguments: [String]? = nil, options: [String: Bool]? = nil
    ) {
        self.verb = verb
        self.mirror = mirror
        self.worker = worker
        self.arguments = arguments
        self.options = options
    }

    /// Whether the run is to pass slots and windows.
    package var isForced: Bool { options?["force"] ?? false }

    package init(_ fields: JSONFields) throws(WireError) {
        verb = try fields.commandVerb()
        mirror = try fields.string("mirror_id")
        worker = try fields.string("worker_id")
        arguments = try fields.strings("args")
        options = try fields.switches("options")
    }

    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.name("cmd")
            writer.string(verb.rawValue)
            writer.name("mirror_id")
            writer.string(mirror)
            writer.name("worker_id")
            writer.string(worker)
            writer.command(arguments, options)
        }
    }
}

/// A command as a manager posts it to a worker.
package struct WorkerCommand: WireDocument, Hashable {
    /// What to do.
    package var verb: CommandVerb
    /// The mirror; empty for `reload`.
    package var mirror: String
    /// Words that tunasync carries and nobody uses; nothing is `null` on the wire.
    package var arguments: [String]?
    /// Such as `force`; nothing is `null` on the wire.
    package var options: [String: Bool]?

    /// Describes a command.
    package init(verb: CommandVerb, mirror: String, arguments: [String]? = nil, options: [String: Bool]? = nil) {
        self.verb = verb
        self.mirror = mirror
        self.arguments = arguments
        self.options = options
    }

    /// Whether the run is to pass slots and windows.
    package var isForced: Bool { options?["force"] ?? false }

    package init(_ fields: JSONFields) throws(WireError) {
        verb = try fields.commandVerb()
        mirror = try fields.string("mirror_id")
        arguments = try fields.strings("args")
        options = try fields.switches("options")
    }

    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.name("cmd")
            writer.string(verb.rawValue)
            writer.name("mirror_id")
            writer.string(mirror)
            writer.command(arguments, options)
        }
    }
}

extension JSONWriter {
    fileprivate mutating func command(_ arguments: [String]?, _ options: [String: Bool]?) {
        name("args")
        if let arguments {
            array { writer in for argument in arguments { writer.string(argument) } }
        } else {
            null()
        }
        name("options")
        if let options {
            object { writer in
                for (key, value) in options.sorted(by: { $0.key < $1.key }) {
                    writer.name(key)
                    writer.bool(value)
                }
            }
        } else {
            null()
        }
    }
}

extension JSONFields {
    fileprivate func commandVerb() throws(WireError) -> CommandVerb {
        let text = try string("cmd")
        guard let verb = CommandVerb(rawValue: text) else {
            let verbs = CommandVerb.allCases.map(\.rawValue).joined(separator: ", ")
            throw WireError(text.isEmpty ? .missing : .unknownValue, "\"\(full("cmd"))\" must be one of \(verbs)")
        }
        return verb
    }

    /// A list of strings; nothing when it is absent or `null`.
    package func strings(_ name: String) throws(WireError) -> [String]? {
        guard let elements = try list(name) else { return nil }
        var texts: [String] = []
        for element in elements {
            guard case .string(let text) = element else {
                throw WireError(.wrongType, "\"\(full(name))\" must be an array of strings")
            }
            texts.append(text)
        }
        return texts
    }

    /// Names with truth values; nothing when it is absent or `null`.
    fileprivate func switches(_ name: String) throws(WireError) -> [String: Bool]? {
        guard let object = try object(name) else { return nil }
        var switches: [String: Bool] = [:]
        for member in object.all {
            switch member.value {
            case .bool(let value): switches[member.name] = value
            case .null: switches[member.name] = false
            case .number, .string, .array, .object:
                throw WireError(.wrongType, "\"\(full(name)).\(member.name)\" must be true or false")
            }
        }
        return switches
    }
}
