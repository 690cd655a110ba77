// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <fstream>
#include <proximal/io/line_process.hpp>

#include "../support/temporary_folder.hpp"

using namespace proximal;
using namespace proximal::io;
using Catch::Contains;
using namespace std::chrono_literals;
using seconds = line_process::seconds;
using lines = std::vector<std::string>;

namespace {

line_process shell(std::string const& script, seconds grace = 2s) { return line_process({"sh", "-c", script}, grace); }
line_process python(std::string const& script, seconds grace = 2s) {
    return line_process({"python3", "-c", "import os, signal, sys, time\n" + script}, grace);
}
double seconds_of(auto const& work) {
    auto const begin = std::chrono::steady_clock::now();
    work();
    return seconds(std::chrono::steady_clock::now() - begin).count();
}
/// The number that a script wrote, once it has: of a process.
pid_t number_in(std::filesystem::path const& path) {
    for (int i = 0; i < 1000; ++i) {
        std::string line;
        if (std::ifstream file(path); std::getline(file, line) && !file.eof()) return std::stoi(line);
        std::this_thread::sleep_for(5ms);
    }
    return 0;
}
/// Whether a process is gone, or becomes so: one that lost its parent is reaped by another.
bool ends(pid_t process) {
    for (int i = 0; i < 200 && ::kill(process, 0) == 0; ++i) {
        char state = 'Z';
        std::ifstream status("/proc/" + std::to_string(process) + "/stat");
        std::string number, name;
        status >> number >> name >> state;
        if (state == 'Z') return true;
        std::this_thread::sleep_for(10ms);
    }
    return ::kill(process, 0) != 0;
}

}  // namespace

TEST_CASE("line_process: a line for a line, over many exchanges") {
    auto echo = line_process({"cat"});
    CHECK(echo.exchange({"a", "", "b c"}, 10s) == lines{"a", "", "b c"});
    CHECK(echo.exchange({}, 10s).empty());
    for (int i = 0; i < 100; ++i) CHECK(echo.exchange({std::to_string(i)}, 10s) == lines{std::to_string(i)});
    CHECK(shell("while read x; do printf '%s!\\r\\n' $x; done").exchange({"a", "b"}, 10s) == lines{"a!", "b!"});
}

TEST_CASE("line_process: moved, it goes on; assigned over, it ends") {
    support::temporary_folder const folder;
    auto first = line_process({"cat"});
    auto second = std::move(first);
    CHECK(second.exchange({"a"}, 10s) == lines{"a"});
    CHECK_THROWS_WITH(first.exchange({"a"}, 10s), Contains("start it anew"));
    auto third = shell("echo $$ > " + (folder.path / "id").string() + "; exec cat");
    CHECK(third.exchange({"x"}, 10s) == lines{"x"});
    auto const child = number_in(folder.path / "id");
    third = std::move(second);
    CHECK(::kill(child, 0) != 0);
    CHECK(third.exchange({"b"}, 10s) == lines{"b"});
    CHECK(third.name() == "cat");
}

TEST_CASE("line_process: however much both sides say, neither waits for the other") {
    std::string const long_line(2048, 'x');
    lines const batch(5000, long_line);  // 10 MB each way, through pipes of 64 KiB
    CHECK(line_process({"cat"}).exchange(batch, 60s) == batch);
    SECTION("a program that reads all before it answers") {
        auto reader = python(
            "lines = [sys.stdin.readline() for _ in range(5000)]\n"
            "sys.stdout.write(''.join(lines))\n"
            "sys.stdout.flush()\n"
            "sys.stdin.read()");
        CHECK(reader.exchange(batch, 60s) == batch);
    }
    SECTION("a program that says 1 MB before it reads") {
        auto talker = python("sys.stdout.write(('y' * 1023 + '\\n') * 1024)\nsys.stdout.flush()\nsys.stdin.read()");
        CHECK(talker.exchange(lines(1024, long_line), 60s) == lines(1024, std::string(1023, 'y')));
    }
}

TEST_CASE("line_process: too slow is said, with the line, and takes no longer than it was given") {
    auto sleeper = shell("read x; echo $x; sleep 60");
    CHECK(seconds_of([&] {
              CHECK_THROWS_WITH(
                  sleeper.exchange({"a", "b", "c"}, 0.3s),
                  Contains("sleep 60 timed out after 0.3 s while waiting for line 2 of 3; give it more time"));
          }) < 2.0);
    CHECK_THROWS_WITH(sleeper.exchange({"a"}, 1s), Contains("was ended after an error; start it anew"));
}

TEST_CASE("line_process: how a program ended is said") {
    CHECK_THROWS_WITH(shell("read x; echo $x; exit 3").exchange({"a", "b"}, 10s),
                      Contains("exit 3 exited with status 3 before it answered line 2 of 2; run it by hand"));
    CHECK_THROWS_WITH(shell("read x; kill -9 $$").exchange({"a"}, 10s),
                      Contains("was killed by signal 9 (Killed) before it answered line 1 of 1"));
    CHECK_THROWS_WITH(shell("read x; exec >&-; sleep 60", 0.2s).exchange({"a"}, 10s),
                      Contains("closed its output before it answered line 1 of 1; it must go on"));
    // 10 MB to a program that is gone: a write that nobody reads would end us by SIGPIPE
    CHECK_THROWS_WITH(shell("exit 0").exchange(lines(5000, std::string(2048, 'x')), 10s),
                      Contains("exited with status 0 before it answered line 1 of 5000"));
    auto gone = shell("read x; echo $x");
    CHECK(gone.exchange({"a"}, 10s) == lines{"a"});
    CHECK_THROWS_WITH(gone.exchange({"a"}, 10s), Contains("exited with status 0"));
}

TEST_CASE("line_process: a program that does not keep to the lines is refused") {
    CHECK_THROWS_WITH(shell("read x; printf 'a\\nb\\n'; sleep 60").exchange({"x"}, 10s),
                      Contains("said more than it was asked for: b; it must answer each line by one"));
    CHECK_THROWS_WITH(shell("read x; printf 'a\\nlog'; sleep 60").exchange({"x"}, 10s), Contains("asked for: log"));
    auto late = shell("read x; echo a; sleep 0.1; echo late; cat");
    CHECK(late.exchange({"x"}, 10s) == lines{"a"});
    std::this_thread::sleep_for(500ms);
    CHECK_THROWS_WITH(late.exchange({"x"}, 10s), Contains("asked for: late"));
    CHECK_THROWS_WITH(
        shell("exec <&-; yes | head -n 5000; sleep 60").exchange(lines(5000, std::string(2048, 'x')), 10s),
        Contains("closed its input before it had read all 5000 lines"));
    CHECK_THROWS_WITH(line_process({"cat", "/dev/zero"}).exchange({"x"}, 60s),
                      Contains("began an endless line as line 1 of 1"));
}

TEST_CASE("line_process: what cannot be started is said at once") {
    CHECK_THROWS_WITH(line_process({"/no/such/program", "x"}),
                      Contains("/no/such/program x cannot be started: No such file or directory; check"));
    CHECK_THROWS_WITH(line_process({"/"}), Contains("/ cannot be started: Permission denied"));
    CHECK_THROWS_WITH(line_process({}), Contains("the command is empty"));
}

TEST_CASE("line_process: the destructor ends the program and what it started, however stubborn") {
    support::temporary_folder const folder;
    auto const file = folder.path / "id";
    SECTION("asked by SIGTERM, in no time") {
        pid_t child = 0;
        auto const took = seconds_of([&] {
            auto const sleeper = shell("echo $$ > " + file.string() + "; exec sleep 60");
            child = number_in(file);
        });
        CHECK(took < 2.0);
        CHECK(::kill(child, 0) != 0);
    }
    SECTION("by SIGKILL after the grace time") {
        pid_t child = 0;
        auto const took = seconds_of([&] {
            auto const stubborn =
                shell("trap '' TERM; echo $$ > " + file.string() + "; while :; do sleep 60; done", 0.3s);
            child = number_in(file);
        });
        CHECK(took > 0.3);
        CHECK(took < 10.0);
        CHECK(::kill(child, 0) != 0);
    }
    SECTION("a child of it too") {
        pid_t grandchild = 0;
        {
            auto const launcher = shell("sleep 60 & echo $! > " + file.string() + "; wait");
            grandchild = number_in(file);
        }
        REQUIRE(grandchild > 0);
        CHECK(ends(grandchild));
    }
}

TEST_CASE("no_sigpipe: a signal that was pending before stays, and the mask is as it was") {
    ::sigset_t pipe, before, now;
    ::sigemptyset(&pipe), ::sigaddset(&pipe, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &pipe, &before);
    ::raise(SIGPIPE);
    { no_sigpipe const quiet; }
    ::sigpending(&now);
    CHECK(::sigismember(&now, SIGPIPE) == 1);
    int taken = 0;
    ::sigwait(&pipe, &taken);
    {
        no_sigpipe const quiet;
        ::raise(SIGPIPE);
    }
    ::sigpending(&now);
    CHECK(::sigismember(&now, SIGPIPE) == 0);
    ::pthread_sigmask(SIG_SETMASK, &before, &now);
    CHECK(::sigismember(&now, SIGPIPE) == 1);
}
