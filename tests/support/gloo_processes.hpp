// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <proximal/io/process.hpp>
#include <proximal/lm/distributed/c10d_rendezvous.hpp>
#include <string>
#include <thread>
#include <torch/csrc/distributed/c10d/FileStore.hpp>
#include <vector>

#include "temporary_folder.hpp"

#include <catch2/catch.hpp>  // last: LibTorch has a CHECK of its own

namespace support {

/// Runs body(group, rank) as each of `size` members of a Gloo group, each a process of its own: this program again with
/// the test that is running. Catch's checks are for one thread, and two groups that fail in one process may crash it.
/// What the test checks outside of `body`, it checks in every process.
template <class Body>
void with_gloo(int size, Body const& body) {
    static int calls = 0;
    auto const call = std::to_string(calls++);
    auto const* const told = std::getenv("PROXIMAL_TEST_GLOO");  // call rank folder
    if (told != nullptr) {
        std::string const part = told;
        auto const rank_at = part.find(' ') + 1, folder_at = part.find(' ', rank_at) + 1;
        if (part.substr(0, rank_at - 1) != call) return;
        int const rank = std::stoi(part.substr(rank_at));
        auto const store = c10::make_intrusive<c10d::FileStore>(part.substr(folder_at) + "/store", size);
        auto const options = c10d::ProcessGroupGloo::Options::create(std::chrono::seconds(60));
        options->devices = {c10d::ProcessGroupGloo::createDeviceForHostname("127.0.0.1")};
        return body(c10::make_intrusive<c10d::ProcessGroupGloo>(store, rank, size, options), rank);
    }
    std::string test;
    for (char const letter : Catch::getResultCapture().getCurrentTestName())
        test += letter == ',' ? "\\," : std::string(1, letter);
    temporary_folder const folder;
    auto const program = std::filesystem::read_symlink("/proc/self/exe");
    std::vector<proximal::io::process_result> results(static_cast<std::size_t>(size));
    std::vector<std::thread> waiting;
    for (int rank = 0; rank < size; ++rank)
        waiting.emplace_back([&, rank] {
            auto const part = fmt::format("PROXIMAL_TEST_GLOO={} {} {}", call, rank, folder.path.string());
            results[static_cast<std::size_t>(rank)] =
                proximal::io::run_program("/usr/bin/env", {part, program.string(), test, "--warn", "NoTests"});
        });
    for (auto& thread : waiting) thread.join();
    for (auto const& result : results) {
        INFO(result.output);
        CHECK(result.status == 0);
    }
}

}  // namespace support
