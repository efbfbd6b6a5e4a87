// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import TestSupport
import Testing

@testable import SyncJobs

@Suite("What rsync writes")
struct ProgressTests {
    @Test(
        "progress is read in all of rsync's forms",
        arguments: [
            (
                "     36,400,000  78%   30.05MB/s    0:00:01 (xfr#21, to-chk=9/31) ",
                RsyncProgress(
                    bytes: 36_400_000, percent: 78, bytesPerSecond: 31_509_708, remainingSeconds: 1, files: 21,
                    filesToCheck: 9, totalFiles: 31)
            ),
            (
                "         36.40M  78%   30.08MB/s    0:00:01 (xfr#21, to-chk=9/31)",
                RsyncProgress(
                    bytes: 36_400_000, percent: 78, bytesPerSecond: 31_541_166, remainingSeconds: 1, files: 21,
                    filesToCheck: 9, totalFiles: 31)
            ),
            (
                "       46500000 100%   30.04MB/s    0:00:01 (xfr#30, to-chk=0/31)",
                RsyncProgress(
                    bytes: 46_500_000, percent: 100, bytesPerSecond: 31_499_223, files: 30, filesToCheck: 0,
                    totalFiles: 31)
            ),
            (
                "         32.77K   4%  100.63kB/s    0:00:06  ",
                RsyncProgress(bytes: 32_770, percent: 4, bytesPerSecond: 103_045, remainingSeconds: 6)
            ),
            (
                "              0   0%    0.00kB/s    0:00:00 (xfr#0, ir-chk=1000/1033)",
                RsyncProgress(
                    bytes: 0, percent: 0, bytesPerSecond: 0, remainingSeconds: 0, files: 0, filesToCheck: 1_000,
                    totalFiles: 1_033, isListing: true)
            ),
            (
                "    1,238,099 100%  146.38kB/s  260:00:08  (xfer#5, to-check=169/396)",
                RsyncProgress(
                    bytes: 1_238_099, percent: 100, bytesPerSecond: 149_893, files: 5, filesToCheck: 169,
                    totalFiles: 396)
            ),
            (
                "  1.50G  12%   99.00kB/s   ??:??:??",
                RsyncProgress(bytes: 1_500_000_000, percent: 12, bytesPerSecond: 101_376)
            ),
            ("  5  50%", RsyncProgress(bytes: 5, percent: 50)),
        ])
    func readsProgress(line: String, expected: RsyncProgress) { #expect(RsyncProgress.parse(line) == expected) }

    @Test(
        "other lines are no progress",
        arguments: [
            "", "f17", "receiving incremental file list", "100% done", "5 files", "12 101%", "12 -1%", "x 10%",
            "12 10% 5", "12 10% 5MB/s 0:00", "12 10% 5MB/s 0:00:61", "12 10% 5MB/s 0:00:01 (xfr#1,",
            "12 10% 5MB/s 0:00:01 (xfr#a, to-chk=1/2)", "12 10% 5MB/s 0:00:01 (xfr#1, to-chk=1-2)",
            "12 10% 5MB/s 0:00:01 (abc#1, to-chk=1/2)", "12 10% 5MB/s 0:00:01 (xfr#1, foo=1/2)",
            "12 99999999999999999999999%", "99999999999999999999999E 5%", "dir/ 12% 5 6 7 8 9",
        ])
    func otherLinesAreNoProgress(line: String) { #expect(RsyncProgress.parse(line) == nil) }

    @Test("the size of the whole is estimated from the percentage")
    func estimatesTheWhole() {
        #expect(RsyncProgress(bytes: 500, percent: 50).estimatedTotalBytes == 1_000)
        #expect(RsyncProgress(bytes: 500, percent: 0).estimatedTotalBytes == nil)
        #expect(RsyncProgress(bytes: .max, percent: 1).estimatedTotalBytes == nil)
    }

    /// What rsync 3.5 wrote, with carriage returns between the lines of progress.
    static let output =
        "sending incremental file list\n     36,400,000  78%   30.05MB/s    0:00:01 (xfr#21, to-chk=9/31) \r"
        + "     46,500,000 100%   30.13MB/s    0:00:01 (xfr#30, to-chk=0/31)\r\n\n"
        + "Number of files: 5,123 (reg: 4,000, dir: 1,123)\nNumber of created files: 31 (reg: 30, dir: 1)\n"
        + "Number of deleted files: 7 (reg: 7)\nNumber of regular files transferred: 30\n"
        + "Total file size: 46,500,000 bytes\nTotal transferred file size: 46.50M bytes\n"
        + "Literal data: 46500000 bytes\nMatched data: 0 bytes\nFile list size: 0\n"
        + "Total bytes sent: 46.51M\nTotal bytes received: 589\n\n"
        + "sent 46.51M bytes  received 589 bytes  31.01M bytes/sec\n"
        + "rsync: [Receiver] failed to connect to 127.0.0.1 (127.0.0.1): Connection refused (111)\n"
        + "rsync error: error in socket IO (code 10) at clientserver.c(165) [Receiver=3.5.0]"

    @Test("output is read whatever the pieces in which it comes")
    func readsOutputInPieces() {
        var whole = RsyncOutputReader()
        #expect(whole.read(Array(Self.output.utf8))?.percent == 100)
        _ = whole.finish()
        #expect(whole.statistics.files == 5_123 && whole.statistics.regularFiles == 4_000)
        #expect(whole.statistics.createdFiles == 31 && whole.statistics.deletedFiles == 7)
        #expect(whole.statistics.transferredFiles == 30 && whole.statistics.totalBytes == 46_500_000)
        #expect(whole.statistics.sizeText == "46.50M" && whole.statistics.transferredBytes == 46_500_000)
        #expect(whole.statistics.literalBytes == 46_500_000 && whole.statistics.matchedBytes == 0)
        #expect(whole.statistics.sentBytes == 46_510_000 && whole.statistics.receivedBytes == 589)
        #expect(whole.complaints.count == 2)
        for seed in 0..<UInt64(Effort.runs(500)) {
            var generator = SeededGenerator(seed: seed)
            var reader = RsyncOutputReader()
            var bytes = Array(Self.output.utf8)[...]
            var latest: RsyncProgress?
            while !bytes.isEmpty {
                let piece = Array(bytes.prefix(Int.random(in: 1...90, using: &generator)))
                latest = reader.read(piece) ?? latest
                bytes = bytes.dropFirst(piece.count)
            }
            _ = reader.finish()
            let isSame =
                reader.statistics == whole.statistics && reader.complaints == whole.complaints
                && latest == whole.progress && reader.progress == whole.progress
            if !isSame { Issue.record("seed \(seed): pieces make a difference") }
        }
    }

    @Test("any bytes are read in bounded memory, and nothing of them is believed without reason")
    func survivesAnyBytes() {
        for seed in 0..<UInt64(Effort.runs(500)) {
            var generator = SeededGenerator(seed: seed)
            var reader = RsyncOutputReader()
            let alphabet = Array("0123456789,.%/:#()=kKMGTB s\r\nrync eor@ERON".utf8) + [0, 0xff]
            let bytes = (0..<4_000).map { _ in alphabet.randomElement(using: &generator) ?? 0 }
            _ = reader.read(bytes)
            #expect(reader.complaints.count <= RsyncOutputReader.maximumComplaints)
        }
        var reader = RsyncOutputReader()
        _ = reader.read(Array(repeating: UInt8(ascii: "r"), count: 1 << 20))
        _ = reader.read(Array("\nrsync: x\n".utf8))
        #expect(reader.complaints == ["rsync: x"])
        for number in 0..<100 { _ = reader.read(Array("rsync: \(number)\n".utf8)) }
        #expect(reader.complaints.count == RsyncOutputReader.maximumComplaints)
        #expect(reader.complaints.first == "rsync: x" && reader.complaints.last == "rsync: 99")
    }

    @Test(
        "sizes are read with and without commas, units and fractions",
        arguments: [
            ("0", 0), ("500", 500), ("46,500,000", 46_500_000), ("46.50M", 46_500_000), ("1.23G", 1_230_000_000),
            ("32.77K", 32_770), ("1.5T", 1_500_000_000_000), ("2P", 2_000_000_000_000_000), ("1KiB", 1_024),
            ("1.5 MiB", 1_572_864), ("256M", 256_000_000), ("3kB", 3_000), ("500 bytes", 500), ("1 byte", 1),
            ("7B", 7), (" 12 ", 12), ("9223372036854775807", Int64.max), ("1.9999999999999999999K", 1_999),
        ])
    func readsSizes(text: String, bytes: Int64) { #expect(SizeText.bytes(text) == bytes) }

    @Test(
        "what is no size is refused",
        arguments: [
            "", " ", "x", "unknown", "-5", "1.", ".5", "1.2.3", "5X", "5 M 3", "9223372036854775808", "10E", "5bytesx",
            "99999999999999999999999", ",",
        ])
    func refusesWhatIsNoSize(text: String) { #expect(SizeText.bytes(text) == nil) }

    @Test("sizes are written as rsync writes them, and read back nearly the same")
    func writesSizes() {
        let table: [(Int64, String)] = [
            (-1, "0B"), (0, "0B"), (999, "999B"), (1_000, "1.00K"), (46_500_000, "46.50M"), (999_994, "999.99K"),
            (999_995, "1.00M"), (999_999_999, "1.00G"), (1_234_567_890_123, "1.23T"), (.max, "9.22E"),
        ]
        for (bytes, text) in table { #expect(SizeText.text(bytes: bytes) == text) }
        var generator = SeededGenerator(seed: 5)
        for _ in 0..<1_000 {
            let bytes = Int64.random(in: 0...1 << Int64.random(in: 1...62, using: &generator), using: &generator)
            let read = SizeText.bytes(SizeText.text(bytes: bytes)) ?? -1
            #expect(abs(read - bytes) <= bytes / 180, "\(bytes) is written as \(SizeText.text(bytes: bytes))")
        }
    }

    @Test("all documented exit codes have a text and a kind")
    func exitCodesHaveTexts() {
        for code in RsyncExitCode.documented { #expect(RsyncExitCode(code).text != nil) }
        #expect(RsyncExitCode(7).text == nil)
        let kinds: [(Int32, FailureClass)] = [
            (1, .configuration), (4, .configuration), (127, .configuration), (2, .permanent), (3, .permanent),
            (11, .permanent), (20, .interrupted), (25, .refused), (5, .transient), (10, .transient), (12, .transient),
            (23, .transient), (24, .transient), (30, .transient), (35, .transient), (99, .transient),
        ]
        for (code, kind) in kinds { #expect(RsyncExitCode.failureClass(.exited(code)) == kind, "\(code)") }
    }

    @Test("complaints tell kinds apart that share a code")
    func complaintsTellKindsApart() {
        let rows: [(Int32, String, FailureClass)] = [
            (5, "@ERROR: Unknown module 'debain'", .permanent),
            (5, "@ERROR: auth failed on module debian", .permanent),
            (5, "@ERROR: max connections (50) reached -- try again later", .transient),
            (10, "rsync: getaddrinfo: no.example 873: Name or service not known", .permanent),
            (10, "rsync: failed to connect to 127.0.0.1: Connection refused (111)", .transient),
            (11, "rsync: write failed on \"x\": No space left on device (28)", .permanent),
            (23, "rsync: change_dir \"/nonexistent\" (in debian) failed: No such file or directory (2)", .permanent),
            (23, "rsync: read errors mapping \"x\": Input/output error (5)", .transient),
        ]
        for (code, line, kind) in rows {
            #expect(RsyncExitCode(code).failureClass(complaints: [line]) == kind, "\(line)")
        }
    }

    @Test("messages tell the status, its meaning and rsync's own words")
    func messagesTellAll() {
        #expect(
            RsyncExitCode.message(.exited(5), complaints: ["@ERROR: Unknown module 'x'", "rsync error: bla"])
                == "exit status 5: error starting the client-server protocol (@ERROR: Unknown module 'x')")
        #expect(RsyncExitCode.message(.exited(99)) == "exit status 99")
        #expect(RsyncExitCode.message(.signalled(9)) == "signal: killed")
        #expect(ProgramEnd.signalled(64).text == "signal: number 64")
        #expect(ProgramEnd.signalled(15).failureClass == .interrupted)
        #expect(ProgramEnd.exited(1).failureClass == .transient)
        #expect(ProgramEnd.exited(127).failureClass == .configuration)
    }
}
