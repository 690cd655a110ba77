// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/lm/distributed/c10d_rendezvous.hpp>
#include <torch/csrc/distributed/c10d/HashStore.hpp>

#include <memory>
#include <thread>
#include <vector>

namespace support {

/// Runs body(store, group, rank) as each of `size` members of a Gloo group, in threads of the test.
template <class Body>
void with_gloo(int size, Body const& body) {
    auto const store = c10::make_intrusive<c10d::HashStore>();
    std::vector<std::thread> running;
    for (int rank = 0; rank < size; ++rank)
        running.emplace_back([&, rank] {
            auto const options = c10d::ProcessGroupGloo::Options::create(std::chrono::seconds(60));
            options->devices = {c10d::ProcessGroupGloo::createDeviceForHostname("127.0.0.1")};
            body(store, c10::make_intrusive<c10d::ProcessGroupGloo>(store, rank, size, options), rank);
        });
    for (auto& thread : running) thread.join();
}

}  // namespace support
