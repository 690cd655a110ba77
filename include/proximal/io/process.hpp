// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace proximal::io {

/// Where a program of this name stands on PATH, if it does.
inline std::optional<std::filesystem::path> find_program(std::string_view name) {
    auto const* const path = std::getenv("PATH");
    std::string_view rest = path == nullptr ? "" : path;
    while (!rest.empty()) {
        auto const end = std::min(rest.find(':'), rest.size());
        auto const candidate = std::filesystem::path(rest.substr(0, end)) / name;
        std::error_code unreadable;  // a folder on PATH that is not ours to look into is passed over
        if (std::filesystem::is_regular_file(candidate, unreadable) && ::access(candidate.c_str(), X_OK) == 0)
            return candidate;
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return std::nullopt;
}

/// How a program ended, and what it said.
struct process_result {
    int status;          // the exit status; 128 + the signal's number for a program that was killed
    std::string output;  // all of its stdout
};

/// Runs a program to its end, no shell between: what stands in `arguments` reaches it as it is. Its stderr stays ours.
/// Throws std::runtime_error where it cannot be started.
inline process_result run_program(std::filesystem::path const& program, std::vector<std::string> arguments) {
    auto const fail = [&](int error) {
        throw std::runtime_error(fmt::format("{} cannot be run: {}", program.string(), std::strerror(error)));
    };
    std::array<int, 2> pipe{};
    if (::pipe2(pipe.data(), O_CLOEXEC) != 0) fail(errno);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, pipe[1], STDOUT_FILENO);
    ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);

    auto name = program.string();
    std::vector<char*> argv{name.data()};
    for (auto& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    pid_t child = 0;
    int const error = ::posix_spawn(&child, program.c_str(), &actions, nullptr, argv.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(pipe[1]);
    process_result result{};
    if (error == 0) {
        std::array<char, 4096> buffer{};
        for (ssize_t n = 0; (n = ::read(pipe[0], buffer.data(), buffer.size())) > 0 || (n < 0 && errno == EINTR);)
            if (n > 0) result.output.append(buffer.data(), static_cast<std::size_t>(n));
    }
    ::close(pipe[0]);
    if (error != 0) fail(error);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return result;
}

}  // namespace proximal::io
