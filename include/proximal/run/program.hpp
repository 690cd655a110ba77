// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <proximal/io/stop_signal.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace proximal::run {

/// What went wrong, as stderr tells it: "NAME: what went wrong", a line each where it is several things.
inline std::string named_lines(std::string_view name, std::string_view what) {
    std::string text;
    for (std::size_t at = 0; at <= what.size();) {
        auto const end = std::min(what.find('\n', at), what.size());
        text += fmt::format("{}: {}\n", name, what.substr(at, end - at));
        at = end + 1;
    }
    return text;
}

/// The frame of a program's main(): runs `body(arguments)` and gives its exit status; an error is a line on stderr,
/// "NAME: what went wrong", and status 1, or 128 + the signal that stopped it.
template <class Body>
int run_main(char const* name, int argc, char** argv, Body const& body) {
    std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);  // in step with the progress on stderr, also into a file
    try {
        return body(std::vector<std::string>{argv + 1, argv + argc});
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
