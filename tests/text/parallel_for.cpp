// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/text/parallel_for.hpp>
#include <stdexcept>
#include <string>

using namespace proximal::text;

TEST_CASE("parallel_for: each index once, on any number of threads; progress by the calling thread, to the end") {
    for (std::size_t const threads : {0, 1, 3, 50}) {
        std::vector<int> calls(1000);
        std::size_t last = 0;
        auto const caller = std::this_thread::get_id();
        bool elsewhere = false;
        parallel_for(
            calls.size(), threads, [&](std::size_t i) { ++calls[i]; },
            [&](std::size_t done, std::size_t total) {
                elsewhere |= std::this_thread::get_id() != caller || done > total || total != 1000;
                last = done;
            });
        CHECK(calls == std::vector<int>(1000, 1));
        CHECK((last == 1000 && !elsewhere));
    }
    bool called = false;
    parallel_for(0, 4, [&](std::size_t) { called = true; });
    CHECK_FALSE(called);
}

TEST_CASE("parallel_for: the first index that fails is the one told, and a progress that throws ends it") {
    for (std::size_t const threads : {1, 4})
        for (int repeat = 0; repeat < 20; ++repeat) {
            auto const fail = [](std::size_t i) {
                if (i % 100 == 77) throw std::runtime_error("index " + std::to_string(i));
            };
            CHECK_THROWS_WITH(parallel_for(5000, threads, fail), "index 77");
        }
    CHECK_THROWS_WITH(
        parallel_for(
            1000, 4, [](std::size_t) {}, [](std::size_t, std::size_t) { throw std::runtime_error("told"); }),
        "told");
}
