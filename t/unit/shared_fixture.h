/*
 * Memory that forked processes share, and processes to use it.
 */
#ifndef UNIT_SHARED_FIXTURE_H
#define UNIT_SHARED_FIXTURE_H

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* All zero, for as long as the test runs. */
static inline void *shared_memory(size_t size)
{
    void *memory =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (memory == MAP_FAILED) {
        perror("mmap");
        exit(2);
    }
    return memory;
}

/* Runs it in a process of its own. */
static inline pid_t shared_process(void (*run)(void *baton), void *baton)
{
    const pid_t child = fork();

    if (child == 0) {
        run(baton);
        _exit(0);
    }
    return child;
}

/* 1 when it has ended by itself. */
static inline int shared_wait(pid_t child)
{
    int status = 0;

    return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Kills it wherever it is now. */
static inline void shared_kill(pid_t child)
{
    (void)kill(child, SIGKILL);
    (void)shared_wait(child);
}

#endif
