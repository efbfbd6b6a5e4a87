// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import IMAPCore
import Testing

@Suite("Session transcripts")
struct SessionTranscriptTests {
    @Test(arguments: Transcript.all.indices)
    func sessionsSpeakExactlyThis(index: Int) {
        Transcript.all[index].run()
    }

    @Test(arguments: Transcript.all.indices)
    func everySplitOfTheInputGivesTheSameOutput(index: Int) {
        let transcript = Transcript.all[index]
        let input = transcript.input
        let whole = Self.output(transcript, [input])
        for split in 1..<input.count {
            let pieces = [Array(input[..<split]), Array(input[split...])]
            let output = Self.output(transcript, pieces)
            guard output == whole else {
                Issue.record("\(transcript.name): a split at byte \(split) changes the output")
                return
            }
        }
        let bytewise = Self.output(transcript, input.map { [$0] })
        #expect(bytewise == whole)
    }

    @Test(arguments: Transcript.all.indices)
    func repliesThatComeLateGiveTheSameOutput(index: Int) {
        let transcript = Transcript.all[index]
        let shell = ModelShell(transcript.makeStore(), tls: transcript.tls)
        shell.answersAtOnce = false
        shell.open()
        for byte in transcript.input {
            shell.feed([byte])
            if byte == 0x0A, shell.output.count % 3 == 0 { shell.answer() }
        }
        while shell.outstanding != nil || shell.owesPieceReply { shell.answer() }
        let whole = Self.output(transcript, [transcript.input])
        #expect(shell.output == whole)
        #expect(shell.isClosed)
    }

    /// Whatever the last byte was, and whether or not a request is outstanding: nothing stays behind.
    @Test(arguments: Transcript.all.indices, [true, false])
    func aDisconnectAfterAnyByteGivesEverythingBack(index: Int, answersAtOnce: Bool) {
        let transcript = Transcript.all[index]
        let input = transcript.input
        for end in 0...input.count {
            let shell = ModelShell(transcript.makeStore())
            shell.open()
            shell.feed(Array(input[..<max(0, end - 1)]))
            shell.answersAtOnce = answersAtOnce
            if end > 0 { shell.feed([input[end - 1]]) }
            shell.machine.inputClosed()
            shell.drain()
            #expect(shell.isClosed, "byte \(end)")
            let problem = shell.machine.checkInvariants()
            #expect(problem == nil, "byte \(end)")
            // A message that was complete may still be stored; anything less is dropped.
            #expect(shell.upload == nil || shell.outstanding == .appendEnd, "byte \(end): an upload was forgotten")
            #expect(shell.opening == nil, "byte \(end): a mailbox was forgotten")
        }
    }

    static func output(_ transcript: Transcript, _ pieces: [[UInt8]]) -> [UInt8] {
        let shell = ModelShell(transcript.makeStore(), tls: transcript.tls)
        shell.open()
        for piece in pieces { shell.feed(piece) }
        return shell.output
    }
}
