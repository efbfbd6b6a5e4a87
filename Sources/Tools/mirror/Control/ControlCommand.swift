// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import ArgumentParser

struct ControlCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ctl",
        abstract: "Ask a manager and give commands.",
        discussion: """
            Everything that tunasynctl has is here, with the same options and the same words on standard output, and \
            it talks to managers of tunasync too. What only our managers can do (log, history, explain, watch, \
            starting without naming the worker) says so when the manager cannot.

            The manager is taken from /etc/tunasync/ctl.conf, /etc/kuiper/mirror-ctl.conf, the files tunasync/ctl.conf \
            and kuiper/mirror-ctl.conf in ~/.config, -c FILE, and from -m and -p, each winning over the ones before; \
            without any it is http://localhost:14242.

            Try:

                mirror ctl list --all --table
                mirror ctl start debian
                mirror ctl log debian --follow
                mirror ctl explain debian

            Exit codes: 0 done; 1 the manager or the worker refused, or cannot be reached; 64 wrong arguments; 78 \
            wrong configuration.
            """,
        subcommands: [
            ListCommand.self, WorkersCommand.self, StartCommand.self, StopCommand.self, DisableCommand.self,
            EnableCommand.self, RestartCommand.self, PingCommand.self, ReloadCommand.self, SetSizeCommand.self,
            RemoveWorkerCommand.self, FlushCommand.self, LogCommand.self, HistoryCommand.self, ExplainCommand.self,
            WatchCommand.self,
        ])
}
