// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import NIOCore

/// Runs the task of a connection on the connection's event loop.
///
/// What the loop has read is then handled where it is, and what the task writes is sent from there: a command costs no hand-off to another thread and back, of
/// which each costs two system calls and the time until a processor is free. Other connections of the loop wait meanwhile. So whatever takes
/// long gives way (`Task.yield()`, after which the loop looks at its sockets first), and what blocks or only computes
/// is done elsewhere.
package final class LoopExecutor: TaskExecutor {
    private let loop: any EventLoop

    /// An executor for one task.
    ///
    /// - Parameter loop: the event loop; it must not end before the task.
    package init(_ loop: any EventLoop) { self.loop = loop }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
