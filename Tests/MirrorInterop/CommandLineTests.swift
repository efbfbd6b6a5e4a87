// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import LiveTestSupport
internal import Testing

extension Live {
    /// The command line of the program.
    @Suite("Command line") struct CommandLine {
        private let folder: TemporaryDirectory

        init() throws { folder = try TemporaryDirectory("mirror") }

        @Test(arguments: [
            ["--help"], ["manager", "--help"], ["worker", "--help"], ["m", "--help"], ["w", "--help"],
            ["ctl", "--help"],
            ["ctl", "list", "--help"], ["lint", "--help"], ["plan", "--help"], ["demo", "--help"],
            ["import", "--help"],
        ])
        func helpTeachesOnStandardOutput(arguments: [String]) throws {
            let result = try run(arguments)
            #expect(result.status == 0)
            #expect(result.output.contains("OVERVIEW"), "\(result.output)")
        }

        /// tunasynctl ends with 0 after an unknown flag.
        @Test(arguments: [
            ["ctl", "list", "--bogus"], ["ctl", "list"], ["ctl", "nonsense"], ["ctl", "reload"],
            ["ctl", "set-size", "x"],
            ["ctl", "list", "--all", "--status", "nonsense"], ["ctl", "list", "--all", "--table", "--json"],
            ["manager", "--cert", "only"], ["worker"], ["nonsense"], ["lint"], ["plan", "one"],
        ])
        func wrongArgumentsEndWith64(arguments: [String]) throws {
            let result = try run(arguments)
            #expect(result.status == 64, "\(result.output)")
        }

        @Test func optionsMayHaveOneDashOrStandBeforeTheSubcommand() throws {
            let port = try FreePort.find(1)[0]
            for arguments in [
                ["ctl", "workers", "-port", "\(port)", "-manager", "127.0.0.1"],
                ["ctl", "-m", "127.0.0.1", "-p", "\(port)", "workers"],
                ["ctl", "--manager=http://127.0.0.1:\(port)", "workers"],
            ] {
                let result = try run(arguments)
                #expect(result.status == 1, "\(result.output)")
                #expect(result.output.contains("127.0.0.1:\(port)"), "\(result.output)")
                #expect(result.output.contains("refused"), "\(result.output)")
            }
        }

        @Test func aTemplateThatCannotBeReadIsToldBeforeAnythingIsAsked() throws {
            for template in ["{{.Name", "{{if .Name}}x{{end}}", "{{printf \"%s\" .Name}}"] {
                let result = try run(["ctl", "list", "--all", "--format", template, "--port", "1"])
                #expect(result.status == 1)
                #expect(result.output.contains("template"), "\(result.output)")
            }
        }

        @Test func lintSaysWhatIsWrongWithFileAndLine() throws {
            let good = try folder.write("good.conf", worker("[[mirrors]]\nname = \"a\"\nupstream = \"rsync://h/a/\"\n"))
            let fine = try run(["lint", good])
            #expect(fine.status == 0, "\(fine.output)")
            let bad = try folder.write(
                "bad.conf",
                worker(
                    "[[mirrors]]\nname = \"a\"\nupstream = \"rsync://h/a/\"\nproviderr = \"command\"\ninterval = \"x\"\n"
                ))
            let wrong = try run(["lint", bad])
            #expect(wrong.status == 1, "\(wrong.output)")
            #expect(wrong.output.contains("\(bad):"), "\(wrong.output)")
            #expect(wrong.output.contains("providerr"), "\(wrong.output)")
            let json = try run(["lint", "--json", bad])
            #expect(json.output.contains("\"problems\""), "\(json.output)")
            let manager = try folder.write("manager.conf", "[server]\nport = 99999999\n")
            #expect(try run(["lint", manager]).output.contains("manager.conf:2"))
            #expect(try run(["lint", folder.file("missing.conf")]).status == 1)
        }

        @Test func planSaysWhatAReloadWouldChangeAndWhereItIsWritten() throws {
            let old = try folder.write("old.conf", worker("[[mirrors]]\nname = \"a\"\nupstream = \"rsync://h/a/\"\n"))
            let new = try folder.write(
                "new.conf",
                worker(
                    "[[mirrors]]\nname = \"a\"\nupstream = \"rsync://other/a/\"\n[[mirrors]]\nname = \"b\"\nupstream = \"rsync://h/b/\"\n"
                ))
            let plan = try run(["plan", old, new])
            #expect(plan.status == 0, "\(plan.output)")
            #expect(plan.output.contains("1 added, 0 removed, 1 changed"), "\(plan.output)")
            #expect(plan.output.contains("rsync://other/a/"), "\(plan.output)")
            #expect(plan.output.contains("new.conf:"), "\(plan.output)")
            #expect(try run(["plan", "--exit-code", old, new]).status == 2)
            #expect(try run(["plan", "--exit-code", old, old]).status == 0)
            #expect(try run(["plan", old, folder.file("missing.conf")]).status == 78)
        }

        private func worker(_ mirrors: String) -> String {
            """
            [global]
            name = "w"
            mirror_dir = "\(folder.path)"
            log_dir = "\(folder.path)/log/{{.Name}}"
            state_dir = "\(folder.path)/state"
            concurrent = 2
            interval = 60
            [manager]
            api_base = "http://127.0.0.1:14242"
            [server]
            hostname = "localhost"
            listen_addr = "127.0.0.1"
            listen_port = 6000
            allow_legacy = true
            \(mirrors)
            """
        }

        private func run(_ arguments: [String]) throws -> (status: Int32?, output: String) {
            let (ending, output) = try ChildProcess.run(
                [MirrorProgram.path] + arguments, environment: ["HOME": "/nonexistent"])
            guard case .exited(let status) = ending else { return (nil, output) }
            return (status, output)
        }
    }
}
