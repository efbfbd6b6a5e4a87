// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit

/// Measures; every figure stands next to a reference of the same run.
@main
enum KuiperBench {
    static func main() async {
        await BenchProgram(
            name: "kuiper-bench", scenarios: scenarios,
            options: [BenchOption("--pluto", "PATH", "a release build of pluto to measure; without it, one is built")]
        ).main()
    }

    /// All questions, in the order in which they are asked.
    private static var scenarios: [Scenario] {
        [
            Scenario(
                "append.commit", "APPEND of 4 KiB mails against a bare loop of pwrite and fdatasync",
                run: AppendCommit.run),
            Scenario("select", "SELECT of 100 to 100,000 messages, loaded and after a start", run: SelectMailbox.run),
            Scenario("crdt.apply", "operations on an account of 100 to 1,000,000 messages", run: CRDTApply.run),
            Scenario("frame.codec", "frames of 1, 64 and 1024 operations", run: FrameCodec.run),
            Scenario("imap.parse", "commands through framer and parser", run: IMAPParse.run),
            Scenario("mime.scan", "messages through the MIME scanner", run: MIMEScan.run),
            Scenario("idle.memory", "resident memory with 200 idle TLS sessions", run: IdleMemory.run),
        ]
    }
}
