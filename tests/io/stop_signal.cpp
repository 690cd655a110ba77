// SPDX-License-Identifier: Apache-2.0
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <proximal/io/stop_signal.hpp>

using namespace proximal;
using namespace proximal::io;

namespace {
/// How a child ends that raises signals: its status as waitpid gives it.
int end_of(auto const& child) {
    auto const process = ::fork();
    if (process == 0) {
        ::close(STDERR_FILENO);
        for (int const signal : {SIGINT, SIGTERM, SIGHUP}) std::signal(signal, SIG_DFL);  // not Catch's
        child();
        ::_exit(7);
    }
    int status = 0;
    ::waitpid(process, &status, 0);
    return status;
}
}  // namespace

TEST_CASE("stop_signal: a signal is noted once, and told by name; a second one ends the program") {
    for (int const signal : {SIGINT, SIGTERM, SIGHUP}) {
        INFO(signal);
        int const noted = end_of([signal] {
            stop_signals const guard;
            throw_if_stopped();
            std::raise(signal);
            try {
                throw_if_stopped();
            } catch (interrupted const& stop) {
                ::_exit(stop.signal() == signal ? 42 : 1);
            }
        });
        CHECK((WIFEXITED(noted) && WEXITSTATUS(noted) == 42));
        int const twice = end_of([signal] {
            stop_signals const guard;
            std::raise(signal);
            std::raise(signal);
        });
        CHECK((WIFSIGNALED(twice) && WTERMSIG(twice) == signal));
        int const after = end_of([signal] {
            { stop_signals const guard; }
            std::raise(signal);
        });
        CHECK((WIFSIGNALED(after) && WTERMSIG(after) == signal));
        int const ignored = end_of([signal] {  // nohup
            std::signal(signal, SIG_IGN);
            stop_signals const guard;
            std::raise(signal);
            throw_if_stopped();
        });
        CHECK((WIFEXITED(ignored) && WEXITSTATUS(ignored) == 7));
    }
    CHECK(std::string(interrupted(SIGINT).what()) == "stopped by SIGINT (Ctrl-C)");
}

TEST_CASE("stop_signal: a pipe that nobody reads is an error of the write, and no end") {
    int const status = end_of([] {
        int ends[2];
        if (::pipe(ends) != 0) return;
        ::close(ends[0]);
        stop_signals const guard;
        ::_exit(::write(ends[1], "x", 1) == -1 ? 42 : 1);
    });
    CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 42));
}
