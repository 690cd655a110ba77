// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstring>
#include <proximal/io/no_sigpipe.hpp>
#include <proximal/io/stop_signal.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace proximal::io {

/// A program that is spoken to in lines: so many on its stdin, as many back from its stdout. Its stderr stays ours.
///
/// It is started once, no shell between, and found on PATH. Writing and reading take turns as the pipes allow, so that
/// neither side waits for the other however much both say. The destructor closes its stdin and sends SIGTERM, after
/// `grace` SIGKILL; both go to a process group of its own, so that what a launcher started ends with it.
/// Move-only; one thread at a time.
///
/// Throws std::runtime_error, naming the program and the remedy, where it cannot be started, and from exchange() where
/// it is too slow, ends, or does not keep to the lines. Then the conversation is over, since nobody knows where it
/// stands: the program is ended, and exchange() throws from there on.
class line_process {
   public:
    using seconds = std::chrono::duration<double>;

    explicit line_process(std::vector<std::string> command, seconds grace = seconds(2))
        : name_(fmt::format("{}", fmt::join(command, " "))), grace_(grace) {
        if (command.empty()) throw std::runtime_error("the command is empty; name the program to run");
        std::array<int, 2> in{-1, -1}, out{-1, -1};  // the program's
        int error = ::pipe2(in.data(), O_CLOEXEC) == 0 && ::pipe2(out.data(), O_CLOEXEC) == 0 ? 0 : errno;
        if (error == 0) error = spawn(std::move(command), in[0], out[1]);
        to_ = in[1], from_ = out[0];
        drop(in[0]), drop(out[1]);
        if (error != 0) {
            end();
            throw std::runtime_error(fmt::format(
                "{} cannot be started: {}; check the program's name, that it is on PATH or give its path, and that it "
                "may be executed",
                name_, std::strerror(error)));
        }
        for (int const pipe : {to_, from_}) ::fcntl(pipe, F_SETFL, O_NONBLOCK);
    }
    line_process(line_process&& other) noexcept { swap(other); }
    line_process& operator=(line_process&& other) noexcept {
        line_process taken(std::move(other));
        swap(taken);  // what stood here ends now, not when `other` does
        return *this;
    }
    ~line_process() { end(); }

    /// Says these lines, none of which may hold a line break, and returns as many, in order, without theirs.
    /// `timeout` is for all of them together.
    std::vector<std::string> exchange(std::vector<std::string> const& lines, seconds timeout) {
        if (from_ < 0) fail("was ended after an error", "start it anew");
        if (lines.empty()) return {};
        try {
            return converse(lines, timeout);
        } catch (...) {
            end();
            throw;
        }
    }

    /// The command as given, as messages name it.
    std::string const& name() const { return name_; }

   private:
    using clock = std::chrono::steady_clock;
    static constexpr std::size_t longest_line = std::size_t{1} << 24;  // so that nonsense does not fill the memory

    int spawn(std::vector<std::string> command, int in, int out) {
        ::posix_spawn_file_actions_t actions;
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
        ::posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
        ::posix_spawnattr_t attributes;
        ::posix_spawnattr_init(&attributes);
        ::sigset_t none, pipe;
        ::sigemptyset(&none), ::sigemptyset(&pipe), ::sigaddset(&pipe, SIGPIPE);
        ::posix_spawnattr_setsigmask(&attributes, &none);
        ::posix_spawnattr_setsigdefault(&attributes, &pipe);
        ::posix_spawnattr_setpgroup(&attributes, 0);
        ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        std::vector<char*> argv;
        argv.reserve(command.size() + 1);
        for (auto& word : command) argv.push_back(word.data());
        argv.push_back(nullptr);
        int const error = ::posix_spawnp(&child_, argv[0], &actions, &attributes, argv.data(), environ);
        if (error != 0) child_ = -1;
        ::posix_spawnattr_destroy(&attributes);
        ::posix_spawn_file_actions_destroy(&actions);
        return error;
    }

    std::vector<std::string> converse(std::vector<std::string> const& lines, seconds timeout) {
        auto const begin = clock::now();
        no_sigpipe const quiet;
        std::string said, heard;  // heard: a line that has begun
        for (auto const& line : lines) said.append(line).push_back('\n');
        std::string_view unsaid = said;
        std::vector<std::string> answers;
        if (spoken_ && hear(heard, answers) > 0) fail_by_excess(heard, answers, 0);
        spoken_ = true;
        while (answers.size() < lines.size() || !unsaid.empty()) {
            auto const place = fmt::format("line {} of {}", std::min(answers.size() + 1, lines.size()), lines.size());
            seconds const left = timeout - (clock::now() - begin);
            if (!(left > seconds(0)))
                fail(fmt::format("timed out after {:g} s while waiting for {}", timeout.count(), place),
                     "give it more time, and let it flush its output after each line");
            std::array<::pollfd, 2> pipes{{{from_, POLLIN, 0}, {unsaid.empty() ? -1 : to_, POLLOUT, 0}}};
            int const milliseconds = int(std::ceil(std::min(left.count() * 1e3, 1e9)));
            if (::poll(pipes.data(), pipes.size(), milliseconds) <= 0) {
                throw_if_stopped();  // a signal ends the waiting
                continue;
            }
            if (pipes[1].revents != 0) {
                ssize_t const n = ::write(to_, unsaid.data(), unsaid.size());
                if (n > 0) unsaid.remove_prefix(static_cast<std::size_t>(n));
                else if (n < 0 && errno == EPIPE) drop(to_);  // it may have ended: what it last said comes first
            }
            if (pipes[0].revents != 0 && hear(heard, answers) == 0) fail_by_end(place);
            if (heard.size() > longest_line)
                fail(fmt::format("began an endless line as {}", place), "it must end each answer by a line break");
            if (answers.size() >= lines.size() && to_ < 0)
                fail(fmt::format("closed its input before it had read all {} lines", lines.size()),
                     "it must read a line for each that it answers");
        }
        if (answers.size() > lines.size() || !heard.empty()) fail_by_excess(heard, answers, lines.size());
        return answers;
    }

    /// Reads what is there, and cuts it into lines. What read() gives: 0 at the end, −1 where there is nothing yet.
    ssize_t hear(std::string& begun, std::vector<std::string>& lines) const {
        std::array<char, 1 << 16> buffer;
        ssize_t const n = ::read(from_, buffer.data(), buffer.size());
        std::string_view rest(buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
        for (auto end = rest.find('\n'); end != rest.npos; end = rest.find('\n')) {
            begun += rest.substr(0, end);
            if (begun.ends_with('\r')) begun.pop_back();
            lines.push_back(std::exchange(begun, {}));
            rest.remove_prefix(end + 1);
        }
        begun += rest;
        return n;
    }

    [[noreturn]] void fail(std::string_view what, std::string_view remedy) const {
        throw std::runtime_error(fmt::format("{} {}; {}", name_, what, remedy));
    }
    [[noreturn]] void fail_by_excess(std::string const& begun, std::vector<std::string> const& lines,
                                     std::size_t asked) const {
        auto const& excess = lines.size() > asked ? lines[asked] : begun;
        fail(fmt::format("said more than it was asked for: {}", excess.substr(0, 60)),
             "it must answer each line by one, and log to stderr");
    }
    [[noreturn]] void fail_by_end(std::string_view place) const {
        ::siginfo_t const ended = await(grace_);
        auto const before = fmt::format("before it answered {}", place);
        if (ended.si_pid == 0)
            fail(fmt::format("closed its output {}", before), "it must go on answering until its input ends");
        if (ended.si_code == CLD_EXITED)
            fail(fmt::format("exited with status {} {}", ended.si_status, before), "run it by hand to see why");
        fail(fmt::format("was killed by signal {} ({}) {}", ended.si_status, ::strsignal(ended.si_status), before),
             "run it by hand to see why, and watch its memory");
    }

    /// How the program ended, if it does within `patience`; it is not reaped, so that its number stays its own.
    ::siginfo_t await(seconds patience) const {
        auto const begin = clock::now();
        ::siginfo_t ended{};
        while (::waitid(P_PID, static_cast<::id_t>(child_), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
               ended.si_pid == 0 && clock::now() - begin < patience)
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        return ended;
    }

    void end() noexcept {
        drop(to_), drop(from_);
        if (child_ < 0) return;
        ::kill(-child_, SIGTERM);
        await(grace_);
        ::kill(-child_, SIGKILL);
        while (::waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {}
        child_ = -1;
    }
    static void drop(int& descriptor) noexcept {
        if (descriptor >= 0) ::close(descriptor);
        descriptor = -1;
    }
    void swap(line_process& other) noexcept {
        std::swap(name_, other.name_), std::swap(grace_, other.grace_), std::swap(child_, other.child_);
        std::swap(to_, other.to_), std::swap(from_, other.from_), std::swap(spoken_, other.spoken_);
    }

    std::string name_;
    seconds grace_{};
    ::pid_t child_ = -1;
    int to_ = -1, from_ = -1;
    bool spoken_ = false;
};

}  // namespace proximal::io
