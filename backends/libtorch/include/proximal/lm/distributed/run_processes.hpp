// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <memory>
#include <proximal/io/stop_signal.hpp>
#include <proximal/lm/distributed/rendezvous.hpp>
#include <proximal/run/launch.hpp>
#include <proximal/run/program.hpp>
#include <stdexcept>
#include <string>
#include <vector>

namespace proximal::lm {

/// How the processes of a launch find each other: make_rendezvous.
using rendezvous_maker = std::function<std::unique_ptr<rendezvous>(run::launch const&)>;

/// The frame of a program that a launcher may start as several processes: run::run_main of `body(arguments,
/// rendezvous)`. Process 0 alone writes to stdout; an error that several have is said by the first of them, and every
/// one ends with a status that is not 0. The processes of one machine share its cores, unless OMP_NUM_THREADS says how
/// many each takes.
template <class Body>
int run_processes(char const* name, int argc, char** argv, rendezvous_maker const& meet, Body const& body) {
    return run::run_main(name, argc, argv, [&](std::vector<std::string> const& arguments) {
        auto const launch = run::read_launch();
        auto const speaks_as = [&](std::string const& error) {
            return launch.rank == 0 ? error : fmt::format("process {}: {}", launch.rank, error);
        };
        if (launch.rank != 0 && std::freopen("/dev/null", "w", stdout) == nullptr) return 1;
        if (launch.local_world_size > 1 && std::getenv("OMP_NUM_THREADS") == nullptr)
            at::set_num_threads(std::max(1, at::get_num_threads() / static_cast<int>(launch.local_world_size)));
        auto const meeting = meet(launch);
        try {
            int const status = body(arguments, *meeting);
            meeting->leave();
            return status;
        } catch (io::interrupted const& stop) {
            meeting->leave();
            if (launch.rank == 0) throw;
            return 128 + stop.signal();
        } catch (std::exception const& error) {
            if (!meeting->tells(error.what())) return 1;
            throw std::runtime_error(speaks_as(error.what()));
        }
    });
}

}  // namespace proximal::lm
