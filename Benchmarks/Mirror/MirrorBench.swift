// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit

/// Measures the mirror service: the manager with many mirrors, the scheduler, and a worker with many jobs.
@main
enum MirrorBench {
    static func main() async {
        await BenchProgram(
            name: "mirror-bench",
            scenarios: [
                Scenario(
                    ManagerRows.name, "a manager with 10,000 mirrors: /jobs, status posts, memory", run: ManagerRows.run
                ),
                Scenario(ScheduleRows.name, "the scheduler with 10^3 to 10^5 jobs", run: ScheduleRows.run),
                Scenario(
                    WorkerRows.name, "a worker with 500 due jobs and 50 slots: start and stop", run: WorkerRows.run),
                Scenario(OverheadRows.name, "a job beside the same rsync by hand", run: OverheadRows.run),
            ],
            peers: [BenchPeer(OverheadRows.peer) { OverheadRows.absence() }],
            options: [MirrorProcess.option]
        ).main()
    }
}
