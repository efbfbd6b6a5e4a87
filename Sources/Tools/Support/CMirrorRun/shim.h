// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors
//
// What Linux and glibc offer beyond POSIX and Swift's Glibc module leaves out: it is made without _GNU_SOURCE, and Swift
// calls no function with a variable number of arguments.

#pragma once
#include <spawn.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

// <spawn.h> of glibc 2.29 and 2.34.
int posix_spawn_file_actions_addchdir_np(posix_spawn_file_actions_t *actions, const char *path);
int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int first);

// The values of <spawn.h>, <linux/prctl.h>, <linux/fs.h> and <sys/stat.h>.
enum {
    kuiper_spawn_setsid = 0x80,
};

/// Makes a file without a name, in memory (memfd_create(2)); 1 is MFD_CLOEXEC.
int memfd_create(const char *name, unsigned int flags);

int prctl(int operation, ...);

/// Makes orphans among the descendants children of this process instead of init's (prctl(2), PR_SET_CHILD_SUBREAPER).
static inline int kuiper_become_subreaper(void) { return prctl(36, 1UL, 0UL, 0UL, 0UL); }

/// Lets two names of one file system change places in one step (renameat2(2), RENAME_EXCHANGE).
static inline int kuiper_rename_exchange(const char *first, const char *second) {
    return (int)syscall(SYS_renameat2, -100, first, -100, second, 2U);
}

int ioctl(int descriptor, unsigned long request, ...);

/// Makes an empty file share all blocks of another one (ioctl_ficlone(2)).
static inline int kuiper_clone_file(int source, int target) { return ioctl(target, 0x40049409UL, source); }
