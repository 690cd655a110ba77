// SPDX-License-Identifier: Apache-2.0
#include <ATen/Parallel.h>

#include <catch2/catch.hpp>
#include <mutex>
#include <proximal/libtorch/parallel_for.hpp>
#include <set>
#include <thread>
#include <vector>

using proximal::libtorch::parallel_for;

TEST_CASE("parallel_for: every index once, in pieces no smaller than the grain, on more than one thread") {
    int const before = at::get_num_threads();
    at::set_num_threads(2);
    for (int64_t const count : {0, 1, 7, 64, 1000}) {
        std::vector<int> visits(std::size_t(count) + 5, 0);
        std::set<std::thread::id> threads;
        std::mutex guard;
        parallel_for(5, 5 + count, 8, [&](int64_t first, int64_t last) {
            for (int64_t i = first; i < last; ++i) ++visits[std::size_t(i)];
            std::scoped_lock const lock(guard);
            threads.insert(std::this_thread::get_id());
        });
        for (std::size_t i = 0; i < visits.size(); ++i) CHECK(visits[i] == (i >= 5));
        CHECK(threads.size() == (count > 8 ? 2u : count > 0 ? 1u : 0u));
    }
    at::set_num_threads(before);
}
