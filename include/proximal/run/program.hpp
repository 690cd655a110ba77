// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <proximal/io/stop_signal.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace proximal::run {

/// What went wrong, as stderr tells it: "NAME: what went wrong", a line each where it is several things. Where in a
/// library an error of LibTorch's arose is told only if LibTorch's own TORCH_SHOW_CPP_STACKTRACES asks for it.
inline std::string named_lines(std::string_view name, std::string_view what) {
    std::string text;
    char const* const shows = std::getenv("TORCH_SHOW_CPP_STACKTRACES");
    if (!shows || std::string_view(shows) == "0") what = what.substr(0, what.find("\nException raised from "));
    for (std::size_t at = 0; at <= what.size();) {
        auto const end = std::min(what.find('\n', at), what.size());
        text += fmt::format("{}: {}\n", name, what.substr(at, end - at));
        at = end + 1;
    }
    return text;
}

/// Whether all that was printed on stdout arrived. Who reads a pipe may stop reading, and who closes stdout wants
/// nothing: that is no loss.
inline bool stdout_is_whole() {
    std::cout.flush();
    bool const is_whole = std::fflush(stdout) == 0 && std::ferror(stdout) == 0 && std::cout.good();
    struct ::stat about {};
    bool const is_open = ::fstat(STDOUT_FILENO, &about) == 0;
    return is_whole || !is_open || S_ISFIFO(about.st_mode) || S_ISSOCK(about.st_mode);
}

/// The frame of a program's main(): runs `body(arguments)` and gives its exit status; an error is a line on stderr,
/// "NAME: what went wrong", and status 1, or 128 + the signal that stopped it. So is output that did not arrive.
template <class Body>
int run_main(char const* name, int argc, char** argv, Body const& body) {
    std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);  // in step with the progress on stderr, also into a file
    try {
        int const status = body(std::vector<std::string>{argv + 1, argv + argc});
        if (stdout_is_whole()) return status;
        fmt::print(stderr, "\n{}: what it prints on stdout could not be written whole: is the disk full?\n", name);
        return status == 0 ? 1 : status;
    } catch (io::interrupted const& stop) {
        std::fflush(stdout);
        fmt::print(stderr, "\n{}: {}\n", name, stop.what());
        return 128 + stop.signal();
    } catch (std::exception const& error) {
        std::fflush(stdout);
        fmt::print(stderr, "\n{}", named_lines(name, error.what()));
        return 1;
    }
}

}  // namespace proximal::run
