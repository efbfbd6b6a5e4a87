// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import LiveTestSupport
internal import Testing

/// A library that makes every `fdatasync` of a process take its time, as a disk does that keeps its promise.
///
/// On a machine whose disk answers from its cache a sync ends before the next message has come, and nothing could be
/// shared; how many messages share a sync has to be counted on a disk of which the time is known.
enum SlowDisk {
    /// Builds the library.
    ///
    /// - Parameters:
    ///   - folder: where it goes.
    ///   - milliseconds: how long a sync takes.
    /// - Returns: the environment of the process that is to have such a disk.
    static func environment(in folder: TemporaryDirectory, milliseconds: Int) throws -> [String: String] {
        let source = try folder.write(
            "slow.c",
            """
            #include <time.h>
            #include <unistd.h>
            #include <sys/syscall.h>
            int fdatasync(int descriptor) {
                struct timespec time = { 0, \(milliseconds) * 1000000L };
                nanosleep(&time, 0);
                return (int)syscall(SYS_fdatasync, descriptor);
            }

            """)
        let library = folder.file("slow.so")
        // The Swift toolchain links with clang, so it is there.
        let clang = try Tool.path("clang", package: "clang, or the Swift toolchain")
        let built = try ChildProcess.run([clang, "-shared", "-fPIC", "-o", library, source])
        try #require(built.ending == .exited(0), "\(built.output)")
        return ["LD_PRELOAD": library]
    }
}
