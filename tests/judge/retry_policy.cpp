// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/judge/rate_limit.hpp>
#include <proximal/judge/retry_policy.hpp>
#include <thread>

using namespace proximal::judge;

TEST_CASE("retry_policy: waits double up to the longest, are drawn below, and add to what the server asks") {
    retry_policy const policy{.first = seconds(1), .longest = seconds(10)};
    std::vector<double> longest;
    for (std::int64_t retry = 0; retry < 6; ++retry) longest.push_back(policy.wait(retry, 1.0).count());
    CHECK(longest == std::vector<double>{1, 2, 4, 8, 10, 10});
    CHECK(policy.wait(2, 0.25).count() == 1.0);
    CHECK(policy.wait(3, 0.0).count() == 0.0);
    CHECK(policy.wait(1, 0.5, seconds(7)).count() == 8.0);
    CHECK(policy.wait(1000000, 1.0).count() == 10.0);
    CHECK(policy.wait(0, 1.0, seconds(-5)).count() == 1.0);
}

TEST_CASE("is_passing_trouble: which statuses are worth another try") {
    for (long const status : {408, 429, 500, 502, 503, 504}) CHECK(is_passing_trouble(status));
    for (long const status : {200, 301, 400, 401, 403, 404, 422, 501}) CHECK_FALSE(is_passing_trouble(status));
}

TEST_CASE("rate_limit: turns come at even distances, for all threads together") {
    rate_limit limit(60.0 / 0.02);  // one in 20 ms
    auto const begin = std::chrono::steady_clock::now();
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 4; ++i)
            threads.emplace_back([&] {
                for (int k = 0; k < 3; ++k) limit.acquire({});
            });
    }
    CHECK(seconds(std::chrono::steady_clock::now() - begin) >= seconds(0.22));  // eleven distances
}

TEST_CASE("rate_limit: what the server asks of one holds all back; who is asked to stop waits no longer") {
    rate_limit limit;
    auto const begin = std::chrono::steady_clock::now();
    for (int i = 0; i < 1000; ++i) limit.acquire({});  // no limit
    CHECK(seconds(std::chrono::steady_clock::now() - begin) < seconds(2));
    limit.hold(seconds(0.1));
    auto const held = std::chrono::steady_clock::now();
    CHECK(limit.acquire({}));
    CHECK(seconds(std::chrono::steady_clock::now() - held) >= seconds(0.09));
    limit.hold(seconds(1000));
    std::stop_source stop;
    std::jthread const later([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(30));
        stop.request_stop();
    });
    CHECK_FALSE(limit.acquire(stop.get_token()));
    CHECK(seconds(std::chrono::steady_clock::now() - held) < seconds(60));
}
