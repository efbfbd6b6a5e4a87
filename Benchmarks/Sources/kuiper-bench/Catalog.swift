// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What every scenario gets.
struct BenchContext {
    /// The rounds of each figure.
    let rounds: Int
    /// The pluto to measure; nil to build one.
    let pluto: String?
}

/// One question.
struct Scenario {
    let name: String
    let summary: String
    let run: (BenchContext) throws -> [ResultRow]
}

/// All questions, in the order in which they are asked.
enum Catalog {
    static var all: [Scenario] {
        [
            Scenario(
                name: "append.commit", summary: "APPEND of 4 KiB mails against a bare loop of pwrite and fdatasync",
                run: AppendCommit.run),
            Scenario(
                name: "select", summary: "SELECT of 100 to 100,000 messages, loaded and after a start",
                run: SelectMailbox.run),
            Scenario(
                name: "crdt.apply", summary: "operations on an account of 100 to 1,000,000 messages",
                run: CRDTApply.run),
            Scenario(name: "frame.codec", summary: "frames of 1, 64 and 1024 operations", run: FrameCodec.run),
            Scenario(name: "imap.parse", summary: "commands through framer and parser", run: IMAPParse.run),
            Scenario(name: "mime.scan", summary: "messages through the MIME scanner", run: MIMEScan.run),
            Scenario(name: "idle.memory", summary: "resident memory with 200 idle TLS sessions", run: IdleMemory.run),
        ]
    }
}
